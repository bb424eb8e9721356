// The two ends of a latency measurement, shared by the tcp and the inproc
// programs. Both check order and content of every message.

import type { Reply, Request } from "../mod.ts";
import { type PerfArguments, printLine } from "./perf_arguments.ts";
import { checkSize, checkStamp, stamp } from "./sequence.ts";

/** Microseconds of half a round trip. */
export interface Latencies {
  readonly average: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * Does every round trip and times each. The clock starts when the first reply
 * is here, so that connecting is not counted; with a single round trip it is
 * that one, all included.
 */
export async function requestAll(
  request: Request,
  args: PerfArguments,
): Promise<Latencies> {
  const { count, size } = args;
  const bytes = new Uint8Array(size);
  const timesUs = new Float64Array(count);
  let last = performance.now();
  for (let sequence = 0; sequence < count; sequence++) {
    stamp(bytes, sequence);
    if (args.idiom === "promise") {
      await request.send(bytes);
      verify(await request.receive(), size, sequence);
    } else {
      request.sendSync(bytes);
      verify(request.receiveSync(), size, sequence);
    }
    const now = performance.now();
    timesUs[sequence] = (now - last) * 500;
    last = now;
  }
  return summarize(timesUs.subarray(count > 1 ? 1 : 0));
}

/** What the latencies of a run come to; sorts them. */
export function summarize(timesUs: Float64Array): Latencies {
  const average = timesUs.reduce((sum, time) => sum + time, 0) / timesUs.length;
  timesUs.sort();
  return {
    average,
    p50: percentile(timesUs, 0.5),
    p99: percentile(timesUs, 0.99),
    p999: percentile(timesUs, 0.999),
  };
}

/** The nearest rank: the least value that such a share does not exceed. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? NaN;
}

/** Sends every message back as it came. */
export async function replyAll(
  reply: Reply,
  { count, size, idiom }: PerfArguments,
): Promise<void> {
  for (let sequence = 0; sequence < count; sequence++) {
    if (idiom === "promise") {
      const parts = await reply.receive();
      verify(parts, size, sequence);
      await reply.send(parts);
    } else {
      const parts = reply.receiveSync();
      verify(parts, size, sequence);
      reply.sendSync(parts);
    }
  }
}

function verify(
  parts: readonly [Uint8Array, ...Uint8Array[]],
  size: number,
  sequence: number,
): void {
  checkSize(parts, size);
  checkStamp(parts[0], sequence);
}

/** Prints the result in the lines of libzmq's remote_lat, and a few more. */
export function printLatency(args: PerfArguments, latencies: Latencies): void {
  printLine(`message size: ${args.size} [B]`);
  printLine(`roundtrip count: ${args.count}`);
  printLine(`average latency: ${latencies.average.toFixed(3)} [us]`);
  printLine(`latency p50: ${latencies.p50.toFixed(3)} [us]`);
  printLine(`latency p99: ${latencies.p99.toFixed(3)} [us]`);
  printLine(`latency p99.9: ${latencies.p999.toFixed(3)} [us]`);
}
