// libzmq: none · runs on: app thread · RFC: –

import {
  errnoName,
  findRecordLock,
  futexWait,
  futexWake,
  host,
  word,
} from "../../ffi/mod.ts";
import { rowAt } from "./consumer_rows.ts";
import { QueueState, Row, RowState, Waiting, Word } from "./layout.ts";
import { blockOf, distance } from "./position.ts";
import { QueueFile, type QueueIdentity } from "./queue_file.ts";
import {
  lifeRange,
  QueueLocks,
  recordRange,
  recordsRange,
  rowRange,
} from "./queue_locks.ts";
import type { QueuePaths } from "./queue_names.ts";
import {
  QueueWaiter,
  type WaitOutcome,
  type WaitTarget,
} from "./queue_waiter.ts";
import { type Beginning, type ReaderHost, RingReader } from "./ring_reader.ts";
import { ShmError } from "./shm_error.ts";

/** How long a consumer sleeps between looks for the next producer, ms. */
export const NEXT_EPOCH_POLL_MS = 25;

/** A consumer's hold on one epoch of a queue. */
export class QueueAttachment implements ReaderHost {
  readonly identity: QueueIdentity;
  readonly reader: RingReader;
  readonly #queue: string;
  readonly #file: QueueFile;
  readonly #locks: QueueLocks;
  readonly #row: number;
  #waiter: QueueWaiter | null = null;

  private constructor(
    queue: string,
    file: QueueFile,
    locks: QueueLocks,
    start: Beginning,
  ) {
    this.#queue = queue;
    this.#file = file;
    this.#locks = locks;
    this.identity = file.identity;
    this.#row = this.#takeRow();
    this.reader = new RingReader(file.memory, this, start, this.#row);
    if (file.identity.waiting === Waiting.RECORD_LOCK) this.#checkHead();
  }

  /**
   * Attaches to the epoch that is there; null when there is none.
   *
   * @throws {ShmError} The file is none of a queue, or not this user's alone;
   * ENOBUFS: no row is left.
   */
  static open(paths: QueuePaths, start: Beginning): QueueAttachment | null {
    const file = QueueFile.open(paths);
    if (file === null) return null;
    let locks: QueueLocks | null = null;
    try {
      locks = openLocks(paths);
      if (locks !== null) {
        return new QueueAttachment(paths.name, file, locks, start);
      }
    } catch (error) {
      locks?.close();
      file.close(false);
      throw error;
    }
    file.close(false);
    return null;
  }

  /** Whether the producer has ended the epoch itself. */
  get isClosed(): boolean {
    const state = this.#file.memory.load(Word.STATE);
    this.#file.checkSizeNow();
    if (state === QueueState.OPEN) return false;
    if (state !== QueueState.CLOSED) this.corrupt("it is in no known state");
    return true;
  }

  /** Whether the producer lives, be it frozen. */
  get isAlive(): boolean {
    const range = lifeRange(this.identity.epoch);
    const found = findRecordLock(this.#locks.fd, range);
    if (found !== null && found < 0) {
      const reason = `cannot look at its locks: ${errnoName(found)}`;
      throw new ShmError("EIO", this.#queue, reason);
    }
    return found !== null;
  }

  /** Where another thread finds what it needs in order to wait. */
  get waitTarget(): WaitTarget {
    const { geometry, epoch, waiting } = this.identity;
    return {
      address: this.#file.address,
      guarded: this.#file.isGuarded,
      slots: geometry.slots,
      slotBytes: geometry.slotBytes,
      rows: geometry.rows,
      fd: this.#file.fd,
      lockFd: this.#locks.fd,
      epoch,
      waiting,
    };
  }

  /** Sleeps until there is something new. */
  wait(timeoutMs: number): WaitOutcome {
    const waiter = this.#waiter ??= new QueueWaiter(this.waitTarget);
    const { block, low } = this.reader;
    return waiter.wait(block, low, timeoutMs, () => false);
  }

  /** Sleeps for that long, when there is nothing to wait for. */
  nap(timeoutMs: number): void {
    this.#file.checkSize();
    const low = this.#file.memory.load(Word.HEAD_LOW);
    futexWait(word(this.#file.addressOfWord(Word.HEAD_LOW)), low, timeoutMs);
  }

  /** See `QueueFile.checkSize`. */
  checkSize(): void {
    this.#file.checkSize();
  }

  /** See `QueueFile.checkSizeNow`. */
  checkSizeNow(): void {
    this.#file.checkSizeNow();
  }

  /** Whether a place that was read may have held something else meanwhile. */
  wasOvertaken(block: number, low: number): boolean {
    const file = this.#file;
    // Before, where the access must not be made; after, where it tells.
    return !file.isWhole || this.reader.wasOvertaken(block, low) ||
      !file.isWhole;
  }

  /** See `QueueFile.isWhole`. */
  get isWhole(): boolean {
    return this.#file.isWhole;
  }

  corrupt(what: string): never {
    // Not the queue's fault when somebody has made its file shorter.
    this.#file.checkSize();
    throw new ShmError("EPROTO", this.#queue, `its memory is damaged: ${what}`);
  }

  evicted(): never {
    this.#file.checkSize();
    throw new ShmError(
      "ECONNABORTED",
      this.#queue,
      `this consumer held the producer back for more than ` +
        `${this.identity.holdBackMs} ms and was let go; open it again`,
    );
  }

  gateMoved(): void {
    const { memory } = this.#file;
    memory.exchange(Word.GATE_WAITING, 0);
    memory.add(Word.GATE, 1);
    futexWake(word(this.#file.addressOfWord(Word.GATE)));
  }

  /** Gives everything back; see `QueueFile.close`. */
  close(viewsLeft = true): void {
    if (this.#row >= 0 && this.#file.isWhole) {
      const { ACTIVE, FREE } = RowState;
      const at = rowAt(this.#row) + Row.STATE;
      this.#file.memory.compareExchange(at, ACTIVE, FREE);
      if (this.#file.memory.load(Word.GATE_WAITING) !== 0) this.gateMoved();
    }
    this.#waiter?.close();
    this.#locks.close();
    this.#file.close(viewsLeft);
  }

  /**
   * Makes sure that the head is where the producer's lock says that it is: it
   * takes the lock of a place before the head comes there, and holds it until
   * the head has gone on.
   */
  #checkHead(): void {
    const { epoch } = this.identity;
    for (;;) {
      const { block, low } = this.reader.checkedHead();
      if (this.#locks.isHeld(recordRange(epoch, block, low))) return;
      // A producer that is just dying loses its locks one after the other.
      if (!this.#locks.isHeld(recordsRange(epoch))) return;
      const now = this.reader.checkedHead();
      if (distance(now.block, now.low, block, low) === 0) {
        this.corrupt("its head is not where its producer's lock is");
      }
    }
  }

  /** The row of one who holds the producer back; -1 where nobody does. */
  #takeRow(): number {
    if (this.identity.holdBackMs < 0) return -1;
    const { rows } = this.identity.geometry;
    // Twice: the producer has a lock for a moment when it looks for the dead.
    for (let tries = 0; tries < 2 * rows; tries++) {
      const row = tries % rows;
      if (!this.#locks.take(rowRange(row))) continue;
      const { memory } = this.#file;
      const at = rowAt(row);
      // Of a consumer that died, perhaps; not looked at while it is written.
      memory.store(at + Row.STATE, RowState.FREE);
      const low = memory.load(Word.HEAD_LOW);
      const block = blockOf(memory.load(Word.HEAD_BLOCK) >>> 0, low);
      memory.store(at + Row.BLOCK, block | 0);
      memory.store(at + Row.LOW, low);
      memory.store(at + Row.PID, host.pid);
      memory.store(at + Row.STATE, RowState.ACTIVE);
      return row;
    }
    throw new ShmError(
      "ENOBUFS",
      this.#queue,
      `it has ${rows} consumers, and its producer gave room for no more`,
    );
  }
}

/** Null when the queue was closed in the very moment. */
function openLocks(paths: QueuePaths): QueueLocks | null {
  try {
    return QueueLocks.open(paths, "existing");
  } catch (error) {
    if (error instanceof ShmError && error.code === "ENOENT") return null;
    throw error;
  }
}
