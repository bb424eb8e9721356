// A publisher and a process of many subscribers that each get everything; as
// `crowd fanout` of bench/libzmq/crowd.c.
//
//   fanout bind|connect <endpoint> <size> <count> <subscribers>

import { Context, Subscriber } from "../../mod.ts";
import { printActivity } from "../activity.ts";
import { checkSize, checkStamp, stamp } from "../sequence.ts";
import { printThroughput } from "../throughput.ts";
import { crowdArguments } from "./arguments.ts";
import { openPublisher } from "./publisher.ts";

/**
 * Messages that one subscriber takes before it is the next one's turn: fewer
 * than a high-water mark, so that all of them go on.
 */
const TURN = 100;

function publishAll(
  context: Context,
  endpoint: string,
  size: number,
  count: number,
  subscribers: number,
): void {
  const publisher = openPublisher(context, endpoint, subscribers);
  const bytes = new Uint8Array(size);
  for (let sequence = 0; sequence < count; sequence++) {
    stamp(bytes, sequence);
    publisher.sendSync(bytes);
  }
  publisher.close();
}

function subscribeAll(
  context: Context,
  endpoint: string,
  size: number,
  count: number,
  subscribers: number,
): void {
  const sockets = Array.from({ length: subscribers }, () => {
    const subscriber = new Subscriber({ context });
    subscriber.subscribe();
    subscriber.connect(endpoint);
    return subscriber;
  });
  let start = 0;
  for (let from = 0; from < count; from += TURN) {
    const to = Math.min(from + TURN, count);
    for (const socket of sockets) {
      for (let sequence = from; sequence < to; sequence++) {
        const parts = socket.receiveSync();
        if (start === 0) start = performance.now();
        checkSize(parts, size);
        checkStamp(parts[0], sequence);
      }
    }
  }
  const elapsedMs = performance.now() - start;
  printThroughput({ size, count: count * subscribers }, elapsedMs);
  for (const socket of sockets) socket.close();
}

const args = crowdArguments(
  "fanout bind|connect <endpoint> <size> <count> <subscribers>",
  3,
);
if (args !== null) {
  const { binds, endpoint, numbers: [size = 0, count = 0, many = 0] } = args;
  const context = new Context();
  const run = binds ? publishAll : subscribeAll;
  run(context, endpoint, size, count, many);
  printActivity(context, binds ? "sender" : "receiver", count * many);
  await context.terminate();
}
