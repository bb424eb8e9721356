// The two ends of a throughput measurement, shared by the tcp and the inproc
// programs. Both check order and content of every message.

import type { Context, Pull, Push } from "../mod.ts";
import { type PerfArguments, printLine } from "./perf_arguments.ts";
import { checkSize, checkStamp, stamp } from "./sequence.ts";

/**
 * Receives every message and returns the milliseconds between the arrival of
 * the first and that of the last: connecting and start-up are not counted.
 */
export function receiveAll(pull: Pull, args: PerfArguments): Promise<number> {
  if (args.idiom === "promise") return receiveAwaited(pull, args);
  const elapsed = args.idiom === "sync"
    ? receiveBlocking(pull, args)
    : receiveMessages(pull, args);
  return Promise.resolve(elapsed);
}

function receiveBlocking(pull: Pull, { size, count }: PerfArguments): number {
  let start = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    const parts = pull.receiveSync();
    if (sequence === 0) start = performance.now();
    checkSize(parts, size);
    checkStamp(parts[0], sequence);
  }
  return performance.now() - start;
}

function receiveMessages(pull: Pull, { size, count }: PerfArguments): number {
  let start = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    const messages = pull.receiveMessageSync();
    if (sequence === 0) start = performance.now();
    const message = messages[0];
    if (messages.length !== 1 || message.size !== size) {
      throw new Error(`message of incorrect size received: ${message.size} B`);
    }
    checkStamp(message.bytes, sequence);
    message.release();
  }
  return performance.now() - start;
}

async function receiveAwaited(
  pull: Pull,
  { size, count }: PerfArguments,
): Promise<number> {
  let start = 0;
  let sequence = 0;
  for await (const parts of pull) {
    if (sequence === 0) start = performance.now();
    checkSize(parts, size);
    checkStamp(parts[0], sequence);
    if (++sequence === count) break;
  }
  return performance.now() - start;
}

/** Sends every message of the measurement. */
export async function sendAll(
  context: Context,
  push: Push,
  { size, count, idiom }: PerfArguments,
): Promise<void> {
  // One buffer does for all: a send that is over has taken what it needs.
  const bytes = new Uint8Array(size);
  for (let sequence = 0; sequence < count; sequence++) {
    if (idiom === "message") {
      // As zmq_msg_init_size: without zeros.
      const message = context.allocateUnsafe(size);
      stamp(message.bytes, sequence);
      push.sendSync(message);
      continue;
    }
    stamp(bytes, sequence);
    if (idiom === "promise") await push.send(bytes);
    else push.sendSync(bytes);
  }
}

/** Prints the result in the lines of libzmq's local_thr. */
export function printThroughput(
  { size, count }: { readonly size: number; readonly count: number },
  elapsedMs: number,
): void {
  // A run too short for the clock must not divide by zero.
  const seconds = Math.max(elapsedMs, 0.001) / 1000;
  const perSecond = count / seconds;
  const megabits = perSecond * size * 8 / 1e6;
  printLine(`message size: ${size} [B]`);
  printLine(`message count: ${count}`);
  printLine(`mean throughput: ${Math.trunc(perSecond)} [msg/s]`);
  printLine(`mean throughput: ${megabits.toFixed(3)} [Mb/s]`);
}
