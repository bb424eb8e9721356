// libzmq: none · runs on: the producer's thread · RFC: –

import { futexWake, word } from "../../ffi/mod.ts";
import { Word } from "./layout.ts";
import type { QueueFile } from "./queue_file.ts";
import { type QueueLocks, recordRange } from "./queue_locks.ts";
import type { Announcer } from "./ring_writer.ts";
import { ShmError } from "./shm_error.ts";

/** So many sleepers that are woken at once are a crowd. */
const CROWD_MIN = 3;

/** Wakes those who sleep on the head, when there are any. */
export class FutexAnnouncer implements Announcer {
  readonly #file: QueueFile;
  readonly #head: number | bigint;
  /** Whether the last ones that were woken were a crowd. */
  #isCrowd = false;

  constructor(file: QueueFile) {
    this.#file = file;
    this.#head = word(file.addressOfWord(Word.HEAD_LOW));
  }

  prepare(): void {}

  announce(): void {
    const { memory } = this.#file;
    // After the head was stored: whoever set it since has seen the new head.
    if (memory.load(Word.SLEEPERS) === 0) return;
    memory.exchange(Word.SLEEPERS, 0);
    const isCrowd = futexWake(this.#head) >= CROWD_MIN;
    if (isCrowd === this.#isCrowd) return;
    this.#isCrowd = isCrowd;
    memory.store(Word.CROWD, isCrowd ? 1 : 0);
  }
}

/** Holds the lock of the record to come, and lets go of the one before. */
export class LockAnnouncer implements Announcer {
  readonly #locks: QueueLocks;
  readonly #epoch: number;
  #block: number;
  #low: number;
  #nextBlock = 0;
  #nextLow = 0;

  constructor(
    locks: QueueLocks,
    epoch: number,
    first: { readonly block: number; readonly low: number },
  ) {
    this.#locks = locks;
    this.#epoch = epoch;
    this.#block = first.block;
    this.#low = first.low;
  }

  prepare(block: number, low: number): void {
    if (!this.#locks.take(recordRange(this.#epoch, block, low))) {
      // Consumers only ask for records that are the next ones.
      throw new ShmError("EBUSY", this.#locks.queue, "a record is locked");
    }
    this.#nextBlock = block;
    this.#nextLow = low;
  }

  announce(): void {
    this.#locks.release(recordRange(this.#epoch, this.#block, this.#low));
    this.#block = this.#nextBlock;
    this.#low = this.#nextLow;
  }
}
