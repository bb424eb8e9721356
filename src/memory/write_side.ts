// libzmq: none · runs on: any · RFC: –

import { compareExchange, get, load, put, store } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { PIPE } from "./layout.ts";

/**
 * Who may write to the descriptor of the connection behind a pipe. The engine
 * lends its write side while nothing is queued or half written, so that the
 * socket's thread can hand a message to the kernel without waking the engine.
 *
 * | From             | To               | By       | When                       |
 * | ---------------- | ---------------- | -------- | -------------------------- |
 * | ENGINE           | LENDABLE         | engine   | it has nothing to write    |
 * | LENDABLE         | ENGINE           | engine   | it wants to write or close |
 * | LENDABLE         | LENT             | borrower | it has a message           |
 * | LENT             | LENDABLE         | borrower | the write is over          |
 * | LENT             | LENT_AND_WANTED  | engine   | it wants to write or close |
 * | LENT_AND_WANTED  | ENGINE           | borrower | the write is over          |
 * | LENT(_AND_WANTED)| ENGINE           | engine   | the borrower died          |
 *
 * Ordering: every transition is a sequentially consistent operation on the
 * state. What else the record holds of the loan is written before the one that
 * hands it over and read after the one that took it. So a loan ends within one
 * non-blocking call of the borrower, or with its death: a socket that moves to
 * another thread, closes or lingers never has one.
 */
export const WriteSide = {
  ENGINE: 0,
  LENDABLE: 1,
  LENT: 2,
  LENT_AND_WANTED: 3,
} as const;
export type WriteSide = typeof WriteSide[keyof typeof WriteSide];

/** What the engine finds when it asks for its write side. */
export const Reclaim = {
  /** It is the engine's. */
  BACK: 0,
  /** Somebody is writing, and tells the engine when it is over. */
  WAIT: 1,
} as const;
export type Reclaim = typeof Reclaim[keyof typeof Reclaim];

/** Engine, which has the write side: others may write to this descriptor. */
export function offerWriteSide(words: Words, pipe: number, fd: number): void {
  // Ordering: published by the store below, read after borrow's exchange. The
  // descriptor is atomic since one that waits to be closed looks at it.
  store(words, pipe + PIPE.WRITE_FD, fd);
  put(words, pipe + PIPE.BORROWER_SENT, 0);
  store(words, pipe + PIPE.WRITE_SIDE, WriteSide.LENDABLE);
}

/** Engine: takes the write side back, or asks for it. */
export function reclaimWriteSide(words: Words, pipe: number): Reclaim {
  const state = pipe + PIPE.WRITE_SIDE;
  // Each round either ends or was overtaken by the borrower, whose next move
  // needs a whole message.
  for (;;) {
    const seen = load(words, state);
    switch (seen) {
      case WriteSide.ENGINE:
        return Reclaim.BACK;
      case WriteSide.LENT_AND_WANTED:
        return Reclaim.WAIT;
      case WriteSide.LENDABLE:
        if (compareExchange(words, state, seen, WriteSide.ENGINE) === seen) {
          return Reclaim.BACK;
        }
        break;
      default:
        if (
          compareExchange(words, state, seen, WriteSide.LENT_AND_WANTED) ===
            seen
        ) return Reclaim.WAIT;
    }
  }
}

/**
 * Engine, which has its write side back: how many octets of the message at the
 * front of the pipe the borrower has written to this descriptor; the engine
 * goes on behind them. Told once.
 */
export function takeBorrowerSent(
  words: Words,
  pipe: number,
  fd: number,
): number {
  // Ordering: the exchange that brought the write side back published both.
  const sent = get(words, pipe + PIPE.BORROWER_SENT);
  if (sent === 0) return 0;
  put(words, pipe + PIPE.BORROWER_SENT, 0);
  // Else they went to the connection before this one.
  return load(words, pipe + PIPE.WRITE_FD) === fd ? sent : 0;
}

/** Engine: whether somebody may still write to this descriptor. */
export function isWriteSideLent(
  words: Words,
  pipe: number,
  fd: number,
): boolean {
  // Ordering: a pipe that is gone and came again never has this descriptor,
  // which is still open.
  if (load(words, pipe + PIPE.WRITE_FD) !== fd) return false;
  const state = load(words, pipe + PIPE.WRITE_SIDE);
  return state === WriteSide.LENT || state === WriteSide.LENT_AND_WANTED;
}

/** Engine: kernel thread id of the borrower; valid while it has the loan. */
export function borrowerOf(words: Words, pipe: number): number {
  return load(words, pipe + PIPE.BORROWER);
}

/** Engine: the borrower is dead, and with it what it knew. */
export function revokeWriteSide(words: Words, pipe: number): void {
  // Ordering: the dead neither write nor give back.
  put(words, pipe + PIPE.BORROWER_SENT, 0);
  store(words, pipe + PIPE.WRITE_SIDE, WriteSide.ENGINE);
}

/**
 * The socket's thread: borrows the write side.
 *
 * @returns The descriptor, or -1: it is not to be had now.
 */
export function borrowWriteSide(
  words: Words,
  pipe: number,
  tid: number,
): number {
  // Ordering: before the exchange, so that who sees the loan sees its holder.
  // One end of a pipe belongs to one thread, so nobody else writes it.
  store(words, pipe + PIPE.BORROWER, tid);
  const seen = compareExchange(
    words,
    pipe + PIPE.WRITE_SIDE,
    WriteSide.LENDABLE,
    WriteSide.LENT,
  );
  return seen === WriteSide.LENDABLE ? load(words, pipe + PIPE.WRITE_FD) : -1;
}

/**
 * The borrower: the write is over.
 *
 * @param sent Octets written of a message that is now at the front of the
 *   pipe, and visible; 0 when it went out whole or not at all.
 * @returns Whether the engine waits for this and has to be told.
 */
export function giveWriteSideBack(
  words: Words,
  pipe: number,
  sent: number,
): boolean {
  const state = pipe + PIPE.WRITE_SIDE;
  // Ordering: published by the exchange below.
  if (sent > 0) put(words, pipe + PIPE.BORROWER_SENT, sent);
  const seen = compareExchange(
    words,
    state,
    WriteSide.LENT,
    WriteSide.LENDABLE,
  );
  if (seen === WriteSide.LENT) return false;
  // Ordering: the engine only waits now, so nobody else changes it.
  store(words, state, WriteSide.ENGINE);
  return true;
}
