// libzmq: none · runs on: any · RFC: –

import { add, load, store } from "../memory/shared_access.ts";
import type { Words } from "../memory/shared_access.ts";
import {
  claimGate,
  closeGate,
  GATE_CLOSED,
  openGate,
  ring,
} from "./wake_gate.ts";

/** Numbers of signals that can be told: 1 to 31, one bit of a word each. */
const SIGNALS = 32;
/** Loops that one board can wake. */
const SEATS = 256;

// Words of a board. The first ones are only used with a helper thread.
/** Bit n: the helper shall listen to signal n. Bit 0: it shall end. */
export const WANTED = 0;
/** Counts what was asked of the helper; it sleeps on this word. */
export const ASKED = 1;
/** The last request that was carried out. */
export const DONE = 2;
/** Bit n: the runtime does not let anybody listen to signal n. */
export const DENIED = 3;
/** The kernel's id of the helper thread, once it runs. */
export const HELPER_TID = 4;
const COUNTS = 5;
const SEAT_WORDS = COUNTS + SIGNALS;
const SEAT_SIZE = 2;
const BOARD_WORDS = SEAT_WORDS + SEATS * SEAT_SIZE;

/**
 * Counts of signals in shared memory, and who is to be woken when one comes:
 * written by the thread that the runtime tells of signals, read by the threads
 * of blocking loops, which it does not tell.
 */
export class SignalBoard {
  readonly buffer: SharedArrayBuffer;
  readonly words: Words;

  /** @param buffer Of another thread's board; a new one when absent. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(BOARD_WORDS * 4);
    this.words = new Int32Array(this.buffer);
    if (buffer !== undefined) return;
    for (let seat = 0; seat < SEATS; seat++) {
      store(this.words, gateOf(seat), GATE_CLOSED);
    }
  }

  /** A signal came. */
  count(number: number): void {
    add(this.words, COUNTS + number, 1);
    for (let seat = 0; seat < SEATS; seat++) {
      const gate = gateOf(seat);
      // Most are empty, and a look is cheaper than a knock.
      if (load(this.words, gate) === GATE_CLOSED) continue;
      // Written before the gate was opened, which `ring` sees.
      ring(this.words, gate, load(this.words, gate + 1));
    }
  }

  /** How often a signal came, modulo 2^32. */
  countOf(number: number): number {
    return load(this.words, COUNTS + number);
  }

  /** Has a poller woken by each signal; -1 when all seats are taken. */
  takeSeat(wakeTarget: number): number {
    for (let seat = 0; seat < SEATS; seat++) {
      const gate = gateOf(seat);
      if (!claimGate(this.words, gate)) continue;
      store(this.words, gate + 1, wakeTarget);
      openGate(this.words, gate);
      return seat;
    }
    return -1;
  }

  /** The poller may be closed afterwards. */
  leaveSeat(seat: number): void {
    closeGate(this.words, gateOf(seat));
  }
}

function gateOf(seat: number): number {
  return SEAT_WORDS + seat * SEAT_SIZE;
}
