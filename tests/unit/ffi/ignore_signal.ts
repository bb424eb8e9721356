import { constants } from "node:os";
import process from "node:process";

/** A signal whose handler does nothing, so that it only interrupts calls. */
export interface IgnoredSignal {
  readonly number: number;
  restore(): void;
}

/**
 * Installs a handler that does nothing for one signal. SIGWINCH is harmless
 * without a handler too: Deno takes handlers away at some later time, which may
 * be after the next test has installed one.
 */
export function ignoreSignal(): IgnoredSignal {
  const handler = (): void => {};
  process.on("SIGWINCH", handler);
  return {
    number: constants.signals.SIGWINCH,
    restore(): void {
      process.off("SIGWINCH", handler);
    },
  };
}
