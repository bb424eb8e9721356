import { setTimeout as setNodeTimeout } from "node:timers";

/**
 * Resolves after so many milliseconds, or when the function that is given to
 * `onStart` is called.
 */
export function delay(
  timeoutMs: number,
  onStart: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    onStart(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Calls back after so many milliseconds, unless the process ends before. */
export function callLater(delayMs: number, callback: () => void): void {
  const timer = setNodeTimeout(callback, delayMs);
  (timer as unknown as { unref(): unknown }).unref();
}
