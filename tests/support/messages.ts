// Short words for what nearly every behaviour test does with messages.
import assert from "node:assert/strict";
import type { Readable, Socket, Writable } from "../../mod.ts";
import { until } from "./wait.ts";

const decoder = new TextDecoder();

/** A socket that sends. */
export type Sender = Socket & Writable;
/** A socket that receives. */
export type Receiver = Socket & Readable;

/** The parts as texts; bytes above 0x7f are kept apart as U+FFFD. */
export function texts(parts: readonly Uint8Array[]): string[] {
  return parts.map((part) => decoder.decode(Uint8Array.from(part)));
}

/** Receives one message as texts. */
export async function receiveTexts(socket: Receiver): Promise<string[]> {
  return texts(await socket.receive() as Uint8Array[]);
}

/** Receives one message and compares it, part by part. */
export async function expectMessage(
  socket: Receiver,
  ...parts: string[]
): Promise<void> {
  assert.deepEqual(await receiveTexts(socket), parts);
}

/**
 * Receives a message that `idle` sends without being asked: a subscription, a
 * probe, a cancellation. A socket that nobody uses does not look at its
 * commands, so it is looked at meanwhile.
 */
export async function expectFromIdle(
  idle: Socket,
  socket: Receiver,
  ...parts: string[]
): Promise<void> {
  let arrived = false;
  const receiving = receiveTexts(socket).finally(() => arrived = true);
  await until(() => (poke(idle), arrived), `"${parts.join('", "')}"`);
  assert.deepEqual(await receiving, parts);
}

/** Makes a socket look at its commands, as any operation on it does. */
export function poke(...sockets: Socket[]): void {
  for (const socket of sockets) void socket.readable;
}

/** Checks that nothing can be received now. */
export async function expectNothing(socket: Receiver): Promise<void> {
  const before = socket.receiveTimeout;
  socket.receiveTimeout = 0;
  await assert.rejects(() => socket.receive(), { code: "EAGAIN" });
  socket.receiveTimeout = before;
}

/** Checks that `message` cannot be sent now. */
export async function expectFull(
  socket: Sender,
  message: string | string[] = "x",
): Promise<void> {
  const before = socket.sendTimeout;
  socket.sendTimeout = 0;
  await assert.rejects(() => socket.send(message), { code: "EAGAIN" });
  socket.sendTimeout = before;
}

/** Sends copies until the socket would block; how many went, at most limit. */
export async function sendUntilFull(
  socket: Sender,
  limit: number,
  message: (index: number) => string | string[] | Uint8Array = String,
): Promise<number> {
  const before = socket.sendTimeout;
  socket.sendTimeout = 0;
  let count = 0;
  try {
    while (count < limit) {
      await socket.send(message(count));
      count += 1;
    }
  } catch (error) {
    assert.equal((error as { code?: string }).code, "EAGAIN");
  } finally {
    socket.sendTimeout = before;
  }
  return count;
}

/** Receives what is there now and counts it. */
export async function drain(socket: Receiver): Promise<number> {
  const before = socket.receiveTimeout;
  socket.receiveTimeout = 0;
  let count = 0;
  try {
    for (;;) {
      await socket.receive();
      count += 1;
    }
  } catch (error) {
    assert.equal((error as { code?: string }).code, "EAGAIN");
  } finally {
    socket.receiveTimeout = before;
  }
  return count;
}

/** libzmq's ping-pong: two parts there, two parts back. */
export async function bounce(
  client: Sender & Receiver,
  server: Sender & Receiver,
): Promise<void> {
  await client.send(["12345678ABCDEFGH12345678abcdefgh", "second"]);
  const request = await server.receive() as Uint8Array[];
  assert.deepEqual(texts(request), [
    "12345678ABCDEFGH12345678abcdefgh",
    "second",
  ]);
  await server.send(request);
  await expectMessage(
    client,
    "12345678ABCDEFGH12345678abcdefgh",
    "second",
  );
}

/**
 * Waits until what `publisher` sends under `topic` reaches `subscriber`, which
 * has subscribed to it and to "settled": a PUB does not tell when it knows.
 */
export async function subscriptionSettled(
  publisher: Sender,
  subscriber: Receiver & {
    subscribe(...topics: string[]): void;
    unsubscribe(...topics: string[]): void;
  },
  topic: string,
): Promise<void> {
  const before = subscriber.receiveTimeout;
  subscriber.receiveTimeout = 20;
  let sent = 0;
  await until(async () => {
    sent += 1;
    await publisher.send(`${topic}probe-${sent}`);
    try {
      return (await receiveTexts(subscriber))[0]?.startsWith(topic) === true;
    } catch {
      return false;
    }
  }, `a subscription to "${topic}"`);
  subscriber.receiveTimeout = before;
  // What is still under way from the probing ends with this.
  await publisher.send(`${topic}probe-end`);
  await until(
    async () => (await receiveTexts(subscriber))[0] === `${topic}probe-end`,
    "the end of probing",
  );
}
