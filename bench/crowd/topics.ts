// The topics of the benches.

export const TOPIC_SIZE = 32;

/** A step through the topics that comes to each of them. */
const TOPIC_STEP = 7919;

const encoder = new TextEncoder();

/** Topic `n`, 32 octets; those that nobody has differ in the last one. */
export function topicOf(n: number, last: "A" | "B"): Uint8Array {
  const number = String(n).padStart(8, "0");
  return encoder.encode(
    `market/${number.slice(0, 3)}/instrument/${number}.${last}`,
  );
}

/** The number of the topic of message `n`. */
export function topicNumber(n: number, subscriptions: number): number {
  return n % subscriptions * TOPIC_STEP % subscriptions;
}
