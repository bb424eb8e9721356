// A burst that waits in the receiving process, and what is left of its memory;
// as `crowd burst` of bench/libzmq/crowd.c. The other end is remote_thr.
//
//   burst bind <endpoint> <size> <count>

import { setTimeout as sleep } from "node:timers/promises";
import { Context, Pull } from "../../mod.ts";
import { printLine } from "../perf_arguments.ts";
import { checkSize, checkStamp } from "../sequence.ts";
import { crowdArguments, sayReady } from "./arguments.ts";
import { residentKib, settle } from "./resident.ts";

const LOOK_MS = 10;
/** A burst that has not grown for so long has come to a high-water mark. */
const GROWTH_WAIT_MS = 2_000;
const RETURN_WAIT_MS = 10_000;
/** What is as good as where it began. */
const RETURNED = 1.2;

async function receiveBurst(
  context: Context,
  endpoint: string,
  size: number,
  count: number,
): Promise<void> {
  const pull = new Pull({ context });
  pull.bindSync(endpoint);
  await settle();
  const beforeKib = residentKib();
  sayReady();
  const peakKib = await grown(beforeKib, 0.9 * size * count / 1024);
  for (let sequence = 0; sequence < count; sequence++) {
    const parts = pull.receiveSync();
    checkSize(parts, size);
    checkStamp(parts[0], sequence);
  }
  const endMs = performance.now();
  let afterKib = residentKib();
  while (
    afterKib > beforeKib * RETURNED &&
    performance.now() - endMs < RETURN_WAIT_MS
  ) {
    await sleep(LOOK_MS);
    afterKib = residentKib();
  }
  printLine(`resident before: ${beforeKib} [KiB]`);
  printLine(`resident peak: ${peakKib} [KiB]`);
  printLine(`resident after: ${afterKib} [KiB]`);
  pull.close();
}

/** Waits until the process has grown so much, or no longer grows. */
async function grown(beforeKib: number, byKib: number): Promise<number> {
  let peakKib = beforeKib;
  let grownMs = performance.now();
  while (
    peakKib < beforeKib + byKib &&
    performance.now() - grownMs < GROWTH_WAIT_MS
  ) {
    await sleep(LOOK_MS);
    const nowKib = residentKib();
    if (nowKib <= peakKib) continue;
    peakKib = nowKib;
    grownMs = performance.now();
  }
  return peakKib;
}

const args = crowdArguments("burst bind <endpoint> <size> <count>", 2);
if (args !== null) {
  const context = new Context();
  const [size = 0, count = 0] = args.numbers;
  await receiveBurst(context, args.endpoint, size, count);
  await context.terminate();
}
