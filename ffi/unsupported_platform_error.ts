/**
 * Thrown by the first call that needs libc when this process cannot use it:
 * an operating system or CPU without a table here, a runtime that is neither
 * Deno nor Bun, or a missing permission. The message says what to do.
 */
export class UnsupportedPlatformError extends Error {
  override readonly name: string = "UnsupportedPlatformError";
}
