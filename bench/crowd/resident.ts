// How much memory this process has in the machine.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Everything of a measurement that is not yet done is done after this. */
const SETTLE_MS = 200;
const PAGE_KIB = 4;

/** KiB of this process that are resident. */
export function residentKib(): number {
  return residentPages(readFileSync("/proc/self/statm", "utf8")) * PAGE_KIB;
}

/** The second number of Linux' /proc/self/statm. */
export function residentPages(statm: string): number {
  const pages = Number(statm.split(" ")[1]);
  if (!Number.isSafeInteger(pages)) {
    throw new TypeError(`Cannot read the resident size: "${statm}"`);
  }
  return pages;
}

export function settle(): Promise<void> {
  return sleep(SETTLE_MS);
}
