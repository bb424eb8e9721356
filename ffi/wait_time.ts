import { monotonicMs } from "./clock.ts";
import { INTERRUPTED } from "./libc.ts";

const INT_MAX = 0x7fffffff;

/**
 * A timeout as poll and epoll take it: whole milliseconds, rounded up so that
 * a wait never ends early and spins; -1 (negative or Infinity) is for ever.
 */
export function toWaitTime(timeoutMs: number): number {
  if (timeoutMs === 0) return 0;
  if (!(timeoutMs >= 0) || timeoutMs === Infinity) return -1;
  return Math.min(Math.ceil(timeoutMs), INT_MAX);
}

/**
 * Waits with `wait`, and again for the rest of the time after a signal:
 * unlike other calls a wait may not simply be repeated in full.
 */
export function repeatWait(
  waitTime: number,
  startMs: number,
  wait: (waitTime: number) => number,
): number {
  for (;;) {
    let left = waitTime;
    if (waitTime > 0) {
      left = toWaitTime(Math.max(0, startMs + waitTime - monotonicMs()));
    }
    const result = wait(left);
    if (result !== INTERRUPTED) return result;
  }
}
