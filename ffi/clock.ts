import { constants } from "./constants.ts";
import { openLibc } from "./libc.ts";

// Overwritten by every reading; one per JS thread. struct timespec is two
// 64-bit words, so the seconds are element 0 and the nanoseconds element 2.
const reading = new Uint32Array(new ArrayBuffer(16));

/**
 * Milliseconds on the system's monotonic clock, with a fraction. All threads
 * and processes of a machine share its origin, unlike `performance.now()`.
 */
export function monotonicMs(): number {
  openLibc().call.clock_gettime(constants.CLOCK_MONOTONIC, reading);
  // The upper half of the seconds stays 0 for the first 136 years of uptime.
  return (reading[0] as number) * 1000 + (reading[2] as number) / 1e6;
}
