// What a message costs a publisher with many subscriptions; as `crowd matching`
// of bench/libzmq/crowd.c.
//
//   matching bind|connect <endpoint> <subscriptions> <count> hit|miss

import { Context, Subscriber } from "../../mod.ts";
import { printLine } from "../perf_arguments.ts";
import { crowdArguments } from "./arguments.ts";
import { openPublisher } from "./publisher.ts";
import { TOPIC_SIZE, topicNumber, topicOf } from "./topics.ts";

function publishTopics(
  context: Context,
  endpoint: string,
  subscriptions: number,
  count: number,
  hit: boolean,
): void {
  const topics = Array.from(
    { length: subscriptions },
    (_, n) => topicOf(topicNumber(n, subscriptions), hit ? "A" : "B"),
  );
  const publisher = openPublisher(context, endpoint, subscriptions + 1);
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    publisher.sendSync(topics[n % subscriptions] as Uint8Array);
  }
  const elapsedMs = performance.now() - start;
  printLine(`time per message: ${(elapsedMs * 1e6 / count).toFixed(1)} [ns]`);
  publisher.sendSync("end");
  publisher.close();
}

function subscribeTopics(
  context: Context,
  endpoint: string,
  subscriptions: number,
  count: number,
  hit: boolean,
): void {
  const subscriber = new Subscriber({ context });
  const topics = Array.from(
    { length: subscriptions },
    (_, n) => topicOf(n, "A"),
  );
  subscriber.connect(endpoint);
  for (const topic of topics) subscriber.subscribe(topic);
  subscriber.subscribe("end");
  for (let n = 0; hit && n < count; n++) {
    const [topic] = subscriber.receiveSync();
    if (topic.length !== TOPIC_SIZE) throw new Error(`${topic.length} octets`);
    checkTopic(topic, topics[topicNumber(n, subscriptions)] as Uint8Array);
  }
  const [last] = subscriber.receiveSync();
  if (last.length !== 3) throw new Error(`Expected the end: ${last}`);
  subscriber.close();
}

function checkTopic(found: Uint8Array, expected: Uint8Array): void {
  for (let at = 0; at < TOPIC_SIZE; at++) {
    if (found[at] !== expected[at]) {
      throw new Error(`Expected topic "${expected}": received "${found}"`);
    }
  }
}

const args = crowdArguments(
  "matching bind|connect <endpoint> <subscriptions> <count> hit|miss",
  2,
);
if (args !== null) {
  const { binds, endpoint, numbers: [subscriptions = 0, count = 0] } = args;
  const context = new Context();
  const run = binds ? publishTopics : subscribeTopics;
  run(context, endpoint, subscriptions, count, args.word === "hit");
  await context.terminate();
}
