// The only place under tests/ that sets a timer. Everything here waits for a
// condition and gives up with a sentence that says what it was waiting for.

/** How long a wait may last when the caller does not say. */
export const DEFAULT_WAIT_MS = 20_000;

/** One turn of the timer queue, and no more than that. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until `condition` holds, looking again every few milliseconds.
 * Fails with `what` when it does not hold in time.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs: number = DEFAULT_WAIT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let tries = 0;; tries += 1) {
    if (await condition()) return;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await pause(tries < 50 ? 1 : 10);
  }
}

/** The value of `promise`, or a failure that names `what` after the bound. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  timeoutMs: number = DEFAULT_WAIT_MS,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${timeoutMs} ms in vain: ${what}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets everything that is ready in the event loop run once. */
export function nextTurn(): Promise<void> {
  return pause(0);
}
