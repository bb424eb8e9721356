// Who gets a message: topics matched against 100,000 subscriptions.

import { MultiTrie } from "../src/pattern/multi_trie.ts";
import { BATCH, perBatch } from "./parts.ts";

const SUBSCRIPTIONS = 100_000;
const encoder = new TextEncoder();

interface Subscriber {
  readonly name: string;
}

const trie = new MultiTrie<Subscriber>(1);
const subscribers: Subscriber[] = [];
for (let n = 0; n < 10; n++) subscribers.push({ name: `subscriber ${n}` });
for (let n = 0; n < SUBSCRIPTIONS; n++) {
  const topic = topicOf(n);
  trie.add(subscribers[n % 10] as Subscriber, topic, 0, topic.length);
}
const topics: Uint8Array[] = [];
for (let n = 0; n < BATCH; n++) topics.push(topicOf(n * 97 % SUBSCRIPTIONS));
const strangers = topics.map((topic) => topic.map((octet) => octet ^ 0x80));

let found = 0;
const sink = {
  match(): void {
    found++;
  },
};

perBatch(
  "subscriptions",
  "a topic that one has",
  () => matchAll(topics, BATCH),
);
perBatch("subscriptions", "a topic that nobody has", () => {
  matchAll(strangers, 0);
});

function matchAll(all: readonly Uint8Array[], expected: number): void {
  found = 0;
  for (const topic of all) trie.match(topic, 0, topic.length, sink);
  if (found !== expected) throw new Error(`${found} matches`);
}

/** 32 octets, as long as a topic of a busy system. */
function topicOf(n: number): Uint8Array {
  const number = String(n).padStart(8, "0");
  return encoder.encode(`market/${number.slice(0, 3)}/instrument/${number}`);
}
