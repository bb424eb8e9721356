// The two ends of a latency measurement, shared by the tcp and the inproc
// programs.

import type { Reply, Request } from "../mod.ts";
import { type PerfArguments, printLine } from "./perf_arguments.ts";
import { checkNumbered, checkSize, numberedMessage } from "./sequence.ts";

/**
 * Does every round trip and returns the microseconds of half of one, on
 * average. The clock starts when the first reply is here, so that connecting
 * is not counted; with a single round trip it is that one, all included.
 */
export async function requestAll(
  request: Request,
  args: PerfArguments,
): Promise<number> {
  const { count } = args;
  let start = performance.now();
  let timed = count;
  const payload = new Uint8Array(args.size);
  for (let sequence = 0; sequence < count; sequence++) {
    const sent = args.check ? numberedMessage(args.size, sequence) : payload;
    if (args.idiom === "promise") {
      await request.send(sent);
      verify(await request.receive(), args, sequence);
    } else {
      request.sendSync(sent);
      verify(request.receiveSync(), args, sequence);
    }
    if (sequence === 0 && count > 1) {
      start = performance.now();
      timed = count - 1;
    }
  }
  return (performance.now() - start) * 1000 / (timed * 2);
}

/** Sends every message back as it came. */
export async function replyAll(
  reply: Reply,
  args: PerfArguments,
): Promise<void> {
  for (let sequence = 0; sequence < args.count; sequence++) {
    if (args.idiom === "promise") {
      const parts = await reply.receive();
      verify(parts, args, sequence);
      await reply.send(parts);
    } else {
      const parts = reply.receiveSync();
      verify(parts, args, sequence);
      reply.sendSync(parts);
    }
  }
}

function verify(
  parts: readonly Uint8Array[],
  args: PerfArguments,
  sequence: number,
): void {
  checkSize(parts, args.size);
  if (args.check && parts[0]) checkNumbered(parts[0], sequence);
}

/** Prints the result in the lines of libzmq's remote_lat. */
export function printLatency(args: PerfArguments, averageUs: number): void {
  printLine(`message size: ${args.size} [B]`);
  printLine(`roundtrip count: ${args.count}`);
  printLine(`average latency: ${averageUs.toFixed(3)} [us]`);
}
