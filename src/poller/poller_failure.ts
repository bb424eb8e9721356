// libzmq: none · runs on: io thread · RFC: –

import { closeFd, errnoName, errnoNumber, Wakeup } from "../../ffi/mod.ts";
import type { WakeupKind } from "../../ffi/mod.ts";
import { wait } from "../memory/shared_access.ts";
import { NO_MEMORY_PAUSE_MS } from "./poller.ts";

/** Errors that pass: the system is short of memory, and the call did nothing. */
const TRANSIENT: ReadonlySet<number> = new Set(
  ["ENOMEM", "EAGAIN", "ENOBUFS"].map((name) => -errnoNumber(name)),
);

/** Nobody notifies it: waiting for it is a pause. */
const never = new Int32Array(new SharedArrayBuffer(4));

/** Whether a negative errno says that the same call may work in a while. */
export function isTransient(errno: number): boolean {
  return TRANSIENT.has(errno);
}

/** Lets the system recover, instead of asking it over and over. */
export function pause(timeoutMs: number): void {
  const pauseMs = timeoutMs < 0
    ? NO_MEMORY_PAUSE_MS
    : Math.min(timeoutMs, NO_MEMORY_PAUSE_MS);
  if (pauseMs > 0) wait(never, 0, 0, pauseMs);
}

/** A poller that the system refuses to open. */
export class PollerOpenError extends RangeError {
  /** Negative errno. */
  readonly errno: number;

  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** The error of a system call without which there is no poller. */
export function cannotOpen(what: string, errno: number): PollerOpenError {
  return new PollerOpenError(errno, `Cannot ${what}: ${errnoName(-errno)}`);
}

/** The error of a poller that is of no use any more. */
export function cannotWait(call: string, errno: number): RangeError {
  return new RangeError(`Cannot wait: ${call} says ${errnoName(-errno)}`);
}

/**
 * Opens a poller's wake-up descriptor.
 *
 * @param pollerFd Closed when that fails; -1 = none.
 * @throws {PollerOpenError} When the system has no descriptor left.
 */
export function openWakeup(kind: WakeupKind, pollerFd: number): Wakeup {
  const wakeup = Wakeup.open(kind);
  if (wakeup.readFd >= 0) return wakeup;
  if (pollerFd >= 0) closeFd(pollerFd);
  throw cannotOpen("open a wake-up descriptor", wakeup.readFd);
}

/** The error of a poller that no wake would reach. */
export function brokenWakeup(call: string, events: number): RangeError {
  return new RangeError(
    `Cannot wait: ${call} says 0x${events.toString(16)} of the wake-up ` +
      "descriptor, which is broken",
  );
}

/**
 * Takes the signals out of a wake-up descriptor that is readable.
 *
 * @throws {RangeError} When it would be readable for ever.
 */
export function drainWakeup(wakeup: Wakeup, timeoutMs: number): void {
  const result = wakeup.drain();
  if (result >= 0) return;
  if (!isTransient(result)) throw cannotWait("read", result);
  pause(timeoutMs);
}
