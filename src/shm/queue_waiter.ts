// libzmq: none · runs on: the thread that waits for a queue · RFC: –

import {
  errnoNumber,
  findRecordLock,
  futexWait,
  hasFileBytes,
  InterruptTimer,
  monotonicMs,
  prepareInterrupts,
  releaseRecordLock,
  viewAt,
  waitForRecordLock,
  word,
} from "../../ffi/mod.ts";
import { geometryOf, QueueState, Waiting, Word } from "./layout.ts";
import {
  lifeRange,
  recordOffset,
  recordRange,
  recordsRange,
} from "./queue_locks.ts";
import { RingMemory } from "./ring_memory.ts";
import { WaitPace } from "./wait_pace.ts";

/** How a wait ended. */
export const WaitEnd = {
  /** The head has moved, or the queue is closed. */
  CHANGED: 0,
  TIMEOUT: 1,
  /** The producer lives no more; what it wrote last is to be looked for. */
  DEAD: 2,
  CANCELLED: 3,
  /** The file is shorter than it was. */
  CUT: 4,
  /** The head is not where the producer's lock says that it is. */
  DAMAGED: 5,
} as const;
export type WaitEnd = (typeof WaitEnd)[keyof typeof WaitEnd];

/** How a wait ended, or the negative errno of the call that refused it. */
export type WaitOutcome = WaitEnd | number;

/**
 * How long a thread sleeps at most before it looks whether the producer still
 * lives and the file is whole, ms: a cut is to be told within 100.
 */
const LIFE_CHECK_MS = 80;

/** What a wait needs to know, in a form that crosses to another thread. */
export interface WaitTarget {
  readonly address: number;
  /** Whether touching what was cut off is survived. */
  readonly guarded: boolean;
  readonly slots: number;
  readonly slotBytes: number;
  readonly rows: number;
  readonly fd: number;
  readonly lockFd: number;
  readonly epoch: number;
  /** See `Waiting`. */
  readonly waiting: number;
}

/** Waits for records of one epoch of one queue. Owner: the thread that waits. */
export class QueueWaiter {
  readonly #target: WaitTarget;
  readonly #memory: RingMemory;
  readonly #fileBytes: number;
  readonly #headAddress: number | bigint;
  readonly #pace = new WaitPace();
  /** What ends waits for locks; made by the first one that needs it. */
  #timer: InterruptTimer | null = null;

  constructor(target: WaitTarget) {
    const { slots, slotBytes, rows, address } = target;
    const geometry = geometryOf(slots, slotBytes, rows);
    this.#target = target;
    this.#fileBytes = geometry.fileBytes;
    // Safety: the consumer keeps these addresses until its waits are over.
    this.#memory = new RingMemory(
      viewAt(address, geometry.fileBytes),
      geometry,
    );
    this.#headAddress = word(address + Word.HEAD_LOW * 4);
  }

  /** Sleeps until the head is no longer at this position. */
  wait(
    block: number,
    low: number,
    timeoutMs: number,
    isCancelled: () => boolean,
  ): WaitOutcome {
    if (this.#target.waiting === Waiting.RECORD_LOCK) {
      return this.#waitForLock(block, low, timeoutMs, isCancelled);
    }
    const napped = this.#nap(low, timeoutMs, isCancelled);
    if (napped !== null) return napped;
    const start = monotonicMs();
    for (;;) {
      const end = this.#look(low, isCancelled);
      if (end !== null) return this.#ended(end, start);
      const left = start + timeoutMs - monotonicMs();
      if (left <= 0) return WaitEnd.TIMEOUT;
      const slice = Math.min(left, LIFE_CHECK_MS);
      const result = futexWait(this.#headAddress, low, slice);
      if (result === -ETIMEDOUT) {
        if (!this.#hasItsBytes) return WaitEnd.CUT;
        const life = this.#life();
        if (life !== null) return life;
      } else if (result < 0 && result !== -EAGAIN && result !== -EINTR) {
        // The word may be gone since the look, which is no refusal.
        const last = this.#look(low, isCancelled);
        return last ?? result;
      }
    }
  }

  /** Gives its timer back; a later wait makes another one. */
  close(): void {
    this.#timer?.close();
    this.#timer = null;
  }

  /** What a nap brought; null when this is the time to sleep. */
  #nap(
    low: number,
    timeoutMs: number,
    isCancelled: () => boolean,
  ): WaitEnd | null {
    const pace = this.#pace;
    if (!pace.isNapping(timeoutMs)) return null;
    const first = this.#look(low, isCancelled, false);
    if (first !== null) return first;
    pace.nap();
    const end = this.#look(low, isCancelled, false);
    if (end === null) pace.napInVain();
    return end;
  }

  #ended(end: WaitEnd, startMs: number): WaitEnd {
    if (end === WaitEnd.CHANGED) {
      const inCrowd = this.#memory.load(Word.CROWD) !== 0;
      this.#pace.woken(monotonicMs() - startMs, inCrowd);
    }
    return end;
  }

  /**
   * What there is to tell at once; null when one has to sleep.
   *
   * @param sleeps Whether this thread is about to, and is to be woken.
   */
  #look(
    low: number,
    isCancelled: () => boolean,
    sleeps = true,
  ): WaitEnd | null {
    if (isCancelled()) return WaitEnd.CANCELLED;
    if (!this.#target.guarded && !this.#hasItsBytes) return WaitEnd.CUT;
    const memory = this.#memory;
    // Before the head is looked at: a producer that moves it later sees this.
    if (sleeps) memory.store(Word.SLEEPERS, 1);
    const isSame = memory.load(Word.HEAD_LOW) === low &&
      memory.load(Word.STATE) === QueueState.OPEN;
    if (!memory.hasEndMark) return WaitEnd.CUT;
    return isSame ? null : WaitEnd.CHANGED;
  }

  get #hasItsBytes(): boolean {
    return hasFileBytes(this.#target.fd, this.#fileBytes);
  }

  /** Null while the producer lives. */
  #life(): WaitOutcome | null {
    const { lockFd, epoch } = this.#target;
    const found = findRecordLock(lockFd, lifeRange(epoch));
    if (found === null) return WaitEnd.DEAD;
    return found < 0 ? found : null;
  }

  /**
   * The producer holds the lock of the record that is to come, and takes the
   * next one's before it lets go. So whoever gets it has the record, or the
   * producer is no more.
   */
  #waitForLock(
    block: number,
    low: number,
    timeoutMs: number,
    isCancelled: () => boolean,
  ): WaitOutcome {
    const first = this.#look(low, isCancelled);
    if (first !== null) return first;
    if (timeoutMs <= 0) return WaitEnd.TIMEOUT;
    const timer = this.#readyTimer(timeoutMs);
    if (typeof timer === "number") return timer;
    try {
      const deadline = monotonicMs() + timeoutMs;
      for (let left = timeoutMs; left > 0; left = deadline - monotonicMs()) {
        // Nobody wakes those who sleep when the file is cut.
        timer?.interruptAfter(Math.min(left, LIFE_CHECK_MS));
        const end = this.#waitOnce(block, low, isCancelled);
        if (end !== null) return end;
      }
      return WaitEnd.TIMEOUT;
    } finally {
      // Whatever this thread does next is not to be interrupted.
      timer?.stop();
    }
  }

  /** Null where there is none left, and a wait without a limit can do without. */
  #readyTimer(timeoutMs: number): InterruptTimer | number | null {
    const signal = prepareInterrupts();
    if (signal < 0) return signal;
    // The program may have taken its signal for something else since.
    if (this.#timer?.signal !== signal) this.close();
    if (this.#timer !== null) return this.#timer;
    const made = InterruptTimer.create();
    if (typeof made === "number") return timeoutMs === Infinity ? null : made;
    return this.#timer = made;
  }

  /** One sleep, until there is the lock or a signal; null after a signal. */
  #waitOnce(
    block: number,
    low: number,
    isCancelled: () => boolean,
  ): WaitOutcome | null {
    const { lockFd, epoch } = this.#target;
    const range = recordRange(epoch, block, low);
    const result = waitForRecordLock(lockFd, "shared", range);
    if (result === 0) releaseRecordLock(lockFd, range);
    else if (result !== -EINTR) return result;
    const end = this.#look(low, isCancelled);
    if (end !== null || result !== 0) return end;
    return this.#life() ?? this.#comparePlaces(block, low, isCancelled);
  }

  /**
   * When a living producer's lock was had and its head has not moved: waiting
   * again would be a busy loop, and for ever. Null for a producer that is just
   * dying, whose locks go one after the other.
   */
  #comparePlaces(
    block: number,
    low: number,
    isCancelled: () => boolean,
  ): WaitOutcome | null {
    const { lockFd, epoch } = this.#target;
    const held = findRecordLock(lockFd, recordsRange(epoch));
    if (held === null || held < 0) return held;
    // It may have moved on between the two looks.
    const end = this.#look(low, isCancelled);
    if (end !== null) return end;
    return held === recordOffset(block, low) ? null : WaitEnd.DAMAGED;
  }
}

const EAGAIN: number = errnoNumber("EAGAIN");
const ETIMEDOUT: number = errnoNumber("ETIMEDOUT");
const EINTR: number = errnoNumber("EINTR");
