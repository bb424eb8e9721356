// The two ends of a throughput measurement, shared by the tcp and the inproc
// programs.

import type { Pull, Push } from "../mod.ts";
import { type PerfArguments, printLine } from "./perf_arguments.ts";
import { checkNumbered, checkSize, numberedMessage } from "./sequence.ts";

/**
 * Receives every message and returns the milliseconds between the arrival of
 * the first and that of the last: connecting and start-up are not counted.
 */
export function receiveAll(pull: Pull, args: PerfArguments): Promise<number> {
  if (args.idiom === "promise") return receiveAwaited(pull, args);
  const elapsed = args.idiom === "view"
    ? receiveViews(pull, args)
    : receiveBlocking(pull, args);
  return Promise.resolve(elapsed);
}

function receiveBlocking(pull: Pull, args: PerfArguments): number {
  const { size, count, check } = args;
  let start = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    const parts = pull.receiveSync();
    if (sequence === 0) start = performance.now();
    checkSize(parts, size);
    if (check && parts[0]) checkNumbered(parts[0], sequence);
  }
  return performance.now() - start;
}

function receiveViews(pull: Pull, args: PerfArguments): number {
  const { size, count, check } = args;
  let start = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    const messages = pull.receiveMessageSync();
    if (sequence === 0) start = performance.now();
    const message = messages[0];
    if (messages.length !== 1 || message?.size !== size) {
      throw new Error(`message of incorrect size received: ${message?.size} B`);
    }
    if (check) checkNumbered(message.bytes, sequence);
    message.release();
  }
  return performance.now() - start;
}

async function receiveAwaited(
  pull: Pull,
  args: PerfArguments,
): Promise<number> {
  const { size, count, check } = args;
  let start = 0;
  let sequence = 0;
  for await (const parts of pull) {
    if (sequence === 0) start = performance.now();
    checkSize(parts, size);
    if (check && parts[0]) checkNumbered(parts[0], sequence);
    if (++sequence === count) break;
  }
  return performance.now() - start;
}

/** Sends every message of the measurement. */
export async function sendAll(push: Push, args: PerfArguments): Promise<void> {
  const { size, count, check } = args;
  // Checked messages are made one by one, since a sender may keep a reference
  // to what it was given; unchecked ones all have the same content.
  const same = new Uint8Array(size);
  if (args.idiom === "promise") {
    for (let sequence = 0; sequence < count; sequence++) {
      await push.send(check ? numberedMessage(size, sequence) : same);
    }
    return;
  }
  for (let sequence = 0; sequence < count; sequence++) {
    push.sendSync(check ? numberedMessage(size, sequence) : same);
  }
}

/** Prints the result in the lines of libzmq's local_thr. */
export function printThroughput(args: PerfArguments, elapsedMs: number): void {
  // A run too short for the clock must not divide by zero.
  const seconds = Math.max(elapsedMs, 0.001) / 1000;
  const perSecond = args.count / seconds;
  const megabits = perSecond * args.size * 8 / 1e6;
  printLine(`message size: ${args.size} [B]`);
  printLine(`message count: ${args.count}`);
  printLine(`mean throughput: ${Math.trunc(perSecond)} [msg/s]`);
  printLine(`mean throughput: ${megabits.toFixed(3)} [Mb/s]`);
}
