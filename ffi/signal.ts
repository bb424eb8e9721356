import process from "node:process";
import { host } from "./host.ts";
import { openLibc } from "./libc.ts";

/**
 * Whether a listener is called in every JS thread that runs its event loop
 * (Deno), or on the main thread only (Bun, which takes listeners of other
 * threads without a word and never calls them).
 */
export const SIGNALS_REACH_WORKERS: boolean = host.runtime === "deno";

/**
 * Calls back from this JS thread's event loop for each signal, through the
 * runtime, which keeps the signal's other listeners and its former
 * disposition. It does not keep the event loop going.
 *
 * @returns A function that takes the listener back.
 * @throws {Error} For a signal that the runtime keeps to itself.
 */
export function listenToSignal(name: string, callback: () => void): () => void {
  // A wrapper, so that one function given twice is two listeners.
  const listener = (): void => callback();
  process.on(name as NodeJS.Signals, listener);
  return (): void => {
    process.off(name as NodeJS.Signals, listener);
  };
}

const SIG_DFL = 0;
const SIG_IGN = 1;
/** At least the size of struct sigaction on every system. */
const SIGACTION_SIZE = 256;

function disposition(number: number): number {
  const action = new DataView(new ArrayBuffer(SIGACTION_SIZE));
  const { call } = openLibc();
  const bytes = new Uint8Array(action.buffer);
  if (call.sigaction(number, null, bytes) < 0) return -1;
  // The handler is the first member on every system.
  return Number(action.getBigUint64(0, true));
}

/**
 * Ignores a signal that would do what it does by default, so that a kqueue can
 * be told of it (it is told of ignored signals too, and never of one that ends
 * the process first). A signal that somebody handles or ignores stays as it is.
 *
 * @returns Whether anything was changed.
 */
export function ignoreDefaultSignal(number: number): boolean {
  if (disposition(number) !== SIG_DFL) return false;
  const libc = openLibc();
  libc.call.signal(number, libc.library.word(SIG_IGN));
  return true;
}

/** Takes {@linkcode ignoreDefaultSignal} back, unless somebody came between. */
export function restoreDefaultSignal(number: number): void {
  if (disposition(number) !== SIG_IGN) return;
  const libc = openLibc();
  libc.call.signal(number, libc.library.word(SIG_DFL));
}
