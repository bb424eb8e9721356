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
