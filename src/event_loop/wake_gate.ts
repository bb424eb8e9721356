// libzmq: signaler.cpp, mailbox.cpp · runs on: any · RFC: –

import { monotonicMs, wake, yieldThread } from "../../ffi/mod.ts";
import { add, and, load, or, type Words } from "../memory/shared_access.ts";

/** Nobody may ring any more. */
const CLOSED = 1 << 30;
/** Somebody is about to open it. */
const CLAIMED = 1 << 29;
const RINGERS = CLAIMED - 1;

/** A ringer is inside for one system call, unless its thread was killed. */
const RINGERS_LEAVE_MS = 1000;

/** The word of a gate that was never opened. */
export const GATE_CLOSED: number = CLOSED;

/**
 * Wakes a poller whose thread may close it at any time: the number of its
 * descriptor may be somebody else's by then. The gate's word counts who is
 * inside; 0 = open and empty.
 *
 * @returns False when the gate is closed.
 */
export function ring(words: Words, gate: number, target: number): boolean {
  if ((add(words, gate, 1) & CLOSED) !== 0) {
    add(words, gate, -1);
    return false;
  }
  wake(target);
  add(words, gate, -1);
  return true;
}

/** Whether {@linkcode ring} may work. */
export function isOpen(words: Words, gate: number): boolean {
  return (load(words, gate) & CLOSED) === 0;
}

/** Takes a closed gate for oneself; false when somebody else has it. */
export function claimGate(words: Words, gate: number): boolean {
  // Owned by whoever sets the bit; ringers only count up and down.
  if (isOpen(words, gate)) return false;
  return (or(words, gate, CLAIMED) & CLAIMED) === 0;
}

/** Opens a gate that was claimed. */
export function openGate(words: Words, gate: number): void {
  and(words, gate, ~CLOSED);
}

/** Closes a gate and waits until nobody is inside; it may be claimed again. */
export function closeGate(words: Words, gate: number): void {
  or(words, gate, CLOSED);
  const deadlineMs = monotonicMs() + RINGERS_LEAVE_MS;
  while ((load(words, gate) & RINGERS) !== 0 && monotonicMs() < deadlineMs) {
    yieldThread();
  }
  and(words, gate, ~CLAIMED);
}
