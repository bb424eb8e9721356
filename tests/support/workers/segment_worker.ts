// A thread with an exchange of segments: does as it is told, and blocks while
// it obtains one, as an I/O worker does.
import { parentPort, workerData } from "node:worker_threads";
import { SegmentExchange } from "../../../src/transport/segment_exchange.ts";
import { resolveWorkerUrl } from "../../../src/worker_platform.ts";

/** What the thread can be told to do. */
export type SegmentOrder =
  /** Make a segment with this mark in it and tell the others. */
  | { verb: "publish"; index: number; mark: number; byteLength?: number }
  /** Obtain a segment, say its mark, and leave another one in it. */
  | { verb: "obtain"; index: number; leave: number }
  /** Say what mark is in a segment that was published or obtained. */
  | { verb: "look"; index: number }
  | { verb: "close" };

const exchange = new SegmentExchange(
  workerData as string,
  resolveWorkerUrl(null),
);
const segments = new Map<number, SharedArrayBuffer>();

function word(index: number): Int32Array {
  const buffer = segments.get(index);
  if (buffer === undefined) throw new Error(`No segment ${index} here`);
  return new Int32Array(buffer, buffer.byteLength - 4);
}

function obey(order: SegmentOrder): number {
  switch (order.verb) {
    case "publish": {
      const buffer = new SharedArrayBuffer(order.byteLength ?? 4096);
      segments.set(order.index, buffer);
      word(order.index)[0] = order.mark;
      exchange.publish(order.index, buffer);
      return order.mark;
    }
    case "obtain": {
      segments.set(order.index, exchange.obtain(order.index));
      const mark = Atomics.load(word(order.index), 0);
      Atomics.store(word(order.index), 0, order.leave);
      return mark;
    }
    case "look":
      return Atomics.load(word(order.index), 0);
    case "close":
      exchange.close();
      return 0;
  }
}

parentPort?.on("message", (order: SegmentOrder) => {
  parentPort?.postMessage(obey(order));
});
parentPort?.postMessage("ready");
