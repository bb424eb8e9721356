// libzmq: none · runs on: io thread · RFC: –

import {
  closeFd,
  constants,
  shutdownSocket,
  yieldThread,
} from "../../ffi/mod.ts";
import type { IoContext } from "../core/transport.ts";
import type { Words } from "../memory/shared_access.ts";
import type { Timer } from "../poller/timer_queue.ts";
import {
  borrowerOf,
  isWriteSideLent,
  offerWriteSide,
  Reclaim,
  reclaimWriteSide,
  revokeWriteSide,
  takeBorrowerSent,
} from "../memory/write_side.ts";

/** Between two looks whether a borrower that is waited for lives, ms. */
const BORROWER_CHECK_MS = 100;

/** Turns left to others until a borrower that is still writing gets a timer. */
const YIELDS_MAX = 64;

/**
 * An engine's write side, which it lends to the thread of the socket while it
 * has nothing to write. See `memory/write_side.ts`.
 *
 * It owns the descriptor's end: what is lent is only shut down, and closed
 * when it is given back or the borrower is dead, so that a number that stands
 * for another connection by then never gets its octets.
 */
export class LentWriteSide {
  readonly #io: IoContext;
  readonly #fd: number;
  readonly #words: Words;
  /** Called when the write side came back without a word of the borrower. */
  readonly #onLost: (isOurs: boolean) => void;
  /** Record of the pipe through which it is lent; 0 = none. */
  #pipe = 0;
  #offered = false;
  #timer: Timer | null = null;

  /**
   * @param onLost The borrower died: what is told is whether it had this
   *   descriptor, so that nobody knows what it wrote, or that of the
   *   connection before.
   */
  constructor(io: IoContext, fd: number, onLost: (isOurs: boolean) => void) {
    this.#io = io;
    this.#fd = fd;
    this.#words = io.thread.control.words;
    this.#onLost = onLost;
  }

  /** There is a pipe through which it can be lent. */
  attach(pipe: number): void {
    this.#pipe = pipe;
    // Somebody may still be writing to the connection before this one.
    this.#offered = reclaimWriteSide(this.#words, pipe) === Reclaim.WAIT;
    if (this.#offered) this.#watchBorrower();
    else takeBorrowerSent(this.#words, pipe, this.#fd);
  }

  /** The pipe goes; its other end is done with it. */
  detach(): void {
    if (this.#offered) reclaimWriteSide(this.#words, this.#pipe);
    this.#cameBack();
    this.#pipe = 0;
  }

  /** Nothing is queued and nothing half written: others may write. */
  offer(): void {
    if (this.#pipe === 0 || this.#offered) return;
    this.#offered = true;
    offerWriteSide(this.#words, this.#pipe, this.#fd);
  }

  /**
   * Takes the write side back before the engine writes.
   *
   * @returns Octets of the pipe's front message that went out already, or -1
   *   while somebody writes: the pipe is activated when that is over.
   */
  reclaim(): number {
    if (!this.#offered) return 0;
    if (reclaimWriteSide(this.#words, this.#pipe) === Reclaim.WAIT) {
      this.#watchBorrower();
      return -1;
    }
    this.#cameBack();
    return takeBorrowerSent(this.#words, this.#pipe, this.#fd);
  }

  /** Closes the descriptor, now or when nobody writes to it any more. */
  close(): void {
    const pipe = this.#pipe;
    const waits = this.reclaim() < 0 && this.#isLent(pipe);
    this.#cameBack();
    this.#pipe = 0;
    if (waits) this.#closeLater(pipe);
    else closeFd(this.#fd);
  }

  #isLent(pipe: number): boolean {
    return isWriteSideLent(this.#words, pipe, this.#fd);
  }

  #cameBack(): void {
    this.#offered = false;
    if (this.#timer !== null) this.#io.timers.cancel(this.#timer);
    this.#timer = null;
  }

  #borrowerLives(pipe: number): boolean {
    const { platform } = this.#io.thread;
    return platform.threadAlive(borrowerOf(this.#words, pipe));
  }

  /** The dead give nothing back. */
  #watchBorrower(): void {
    if (this.#timer !== null) return;
    this.#timer = this.#io.timers.add(BORROWER_CHECK_MS, () => {
      this.#timer = null;
      const pipe = this.#pipe;
      if (reclaimWriteSide(this.#words, pipe) === Reclaim.BACK) {
        // It tells the pipe, too; once more does no harm.
        this.#onLost(false);
      } else if (this.#borrowerLives(pipe)) this.#watchBorrower();
      else {
        const isOurs = this.#isLent(pipe);
        revokeWriteSide(this.#words, pipe);
        this.#onLost(isOurs);
      }
    });
  }

  /** The borrower is in the midst of a call, which now fails at once. */
  #closeLater(pipe: number): void {
    const fd = this.#fd;
    shutdownSocket(fd, constants.SHUT_RDWR);
    for (let n = 0; n < YIELDS_MAX && this.#isLent(pipe); n++) yieldThread();
    let closed = false;
    const closeIfFree = (): void => {
      if (closed || (this.#isLent(pipe) && this.#borrowerLives(pipe))) return;
      closed = true;
      closeFd(fd);
    };
    closeIfFree();
    if (closed) return;
    // A worker that stops leaves it open, rather than to the wrong one.
    this.#io.onStop(closeIfFree);
    const tryLater = (): void => {
      this.#io.timers.add(BORROWER_CHECK_MS, () => {
        closeIfFree();
        if (!closed) tryLater();
      });
    };
    tryLater();
  }
}
