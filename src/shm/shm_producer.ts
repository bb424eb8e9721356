// libzmq: none · runs on: app thread · RFC: –

import { errnoNumber, futexWait, monotonicMs, word } from "../../ffi/mod.ts";
import { ConsumerRows } from "./consumer_rows.ts";
import { FutexAnnouncer, LockAnnouncer } from "./announcers.ts";
import { Waiting, Word } from "./layout.ts";
import type { ShmProducerOptions } from "./producer_options.ts";
import { ProducerSeat } from "./producer_seat.ts";
import type { QueueFile } from "./queue_file.ts";
import { rowRange } from "./queue_locks.ts";
import { RingWriter } from "./ring_writer.ts";
import { ShmError } from "./shm_error.ts";

/** What a producer has done; see {@linkcode ShmProducer.statistics}. */
export interface ShmProducerStatistics {
  /** The epoch's number, above those of all producers before. */
  readonly epoch: number;
  /** Records written. */
  readonly records: number;
  /** Bytes in them. */
  readonly bytes: number;
  /** Consumers that hold the producer back now. */
  readonly consumers: number;
  /** Consumers that were let go because they were too slow. */
  readonly evicted: number;
  /** Rows that were freed because their consumers had died. */
  readonly dead: number;
  /** How often a write had to wait for a consumer. */
  readonly waits: number;
}

/** How long a producer that is held back sleeps between looks, ms. */
const HOLD_BACK_SLICE_MS = 20;

/**
 * How long it waits for a part of the ring to come free, ms, before it takes
 * what there is: consumers that are slow are not to hold up the others.
 */
const BATCH_PATIENCE_MS = 1;

const ETIMEDOUT: number = errnoNumber("ETIMEDOUT");

/**
 * The writing end of a queue in shared memory: the one process whose records
 * every consumer sees.
 *
 * @example A producer and a consumer
 * ```ts
 * import { ShmConsumer, ShmProducer } from "@purezmq/zmq/shm";
 * import assert from "node:assert/strict";
 *
 * const name = `example-${crypto.randomUUID()}`;
 * using producer = ShmProducer.create(name, { slots: 64, slotSize: 256 });
 * using consumer = ShmConsumer.open(name);
 * producer.write(new TextEncoder().encode("a record"));
 * const record = consumer.readSync(1000);
 * assert.equal(new TextDecoder().decode(record), "a record");
 * ```
 */
export class ShmProducer implements Disposable {
  readonly #seat: ProducerSeat;
  readonly #file: QueueFile;
  readonly #writer: RingWriter;
  readonly #rows: ConsumerRows | null;
  /** Of the record that was claimed; 0 = none. */
  #claimedSlots = 0;
  #claimedBytes = 0;
  #records = 0;
  #bytes = 0;
  #evicted = 0;
  #dead = 0;
  #waits = 0;
  #closed = false;

  private constructor(seat: ProducerSeat) {
    const { locks, file, first } = seat;
    this.#seat = seat;
    this.#file = file;
    const { identity, memory } = file;
    this.#rows = identity.holdBackMs < 0
      ? null
      : new ConsumerRows(memory, (row, action) =>
        locks.whileTaken(rowRange(row), action));
    const announcer = identity.waiting === Waiting.FUTEX
      ? new FutexAnnouncer(file)
      : new LockAnnouncer(locks, identity.epoch, first);
    this.#writer = new RingWriter(memory, first, announcer, this.#rows);
  }

  /**
   * Becomes the producer of the queue called `name`, which begins a new epoch:
   * nothing of an earlier producer's records is left in it.
   *
   * @param name 1 to 200 bytes, without a slash.
   * @param options The queue's size, place and habits.
   * @throws {ShmError} EADDRINUSE: it has a producer. EINVAL, ENAMETOOLONG: an
   * impossible name or option. ENOSPC: no space. ENOENT, EACCES, EPERM, ELOOP:
   * the directory, or what is there under that name. ENOTSUP: not on this
   * system.
   */
  static create(name: string, options: ShmProducerOptions = {}): ShmProducer {
    return new ShmProducer(ProducerSeat.take(name, options));
  }

  /** The queue's name. */
  get name(): string {
    return this.#seat.paths.name;
  }

  /** The number of this producer's epoch. */
  get epoch(): number {
    return this.#file.identity.epoch;
  }

  /** Bytes of the largest record that fits. */
  get recordSizeMax(): number {
    const { slots, slotBytes } = this.#file.identity.geometry;
    return slots * slotBytes;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What it has done so far. */
  get statistics(): ShmProducerStatistics {
    if (!this.#closed) this.#file.checkSizeNow();
    return {
      epoch: this.epoch,
      records: this.#records,
      bytes: this.#bytes,
      consumers: this.#closed ? 0 : this.#rows?.active ?? 0,
      evicted: this.#evicted,
      dead: this.#dead,
      waits: this.#waits,
    };
  }

  /**
   * Writes a record: one copy, into the memory that consumers read. It blocks
   * only in a queue that holds the producer back, and no longer than its limit.
   *
   * @param record The bytes, of this thread's own or shared.
   * @throws {ShmError} EMSGSIZE: larger than the ring. EIO: somebody has cut
   * the file. EBADF: closed.
   */
  write(record: Uint8Array): void {
    const length = record.length;
    const slots = this.#reserve(length);
    this.#file.memory.copyIn(this.#writer.offset, record);
    this.#publish(length, slots);
  }

  /**
   * The place of the next record, to be filled and then published by
   * {@linkcode ShmProducer.commit}: no copy at all. Its content is undefined at
   * first. Claiming again, or writing, gives the claim up.
   *
   * @param size Bytes, from 0 to {@linkcode ShmProducer.recordSizeMax}.
   * @returns Valid until it is committed; not to be transferred.
   * @throws {ShmError} EMSGSIZE: larger than the ring. EINVAL: no size. EBADF.
   */
  claim(size: number): Uint8Array {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShmError("EINVAL", this.name, `no size of a record: ${size}`);
    }
    const slots = this.#reserve(size);
    this.#claimedSlots = slots;
    this.#claimedBytes = size;
    return this.#writer.view(size);
  }

  /**
   * Publishes the record that was claimed.
   *
   * @param size How many bytes of it; all unless given.
   * @throws {ShmError} EFSM: nothing is claimed. EINVAL: more than claimed.
   */
  commit(size: number = this.#claimedBytes): void {
    this.#checkOpen();
    if (this.#claimedSlots === 0) {
      throw new ShmError("EFSM", this.name, "nothing is claimed: claim first");
    }
    if (!Number.isInteger(size) || size < 0 || size > this.#claimedBytes) {
      const claimed = `of ${this.#claimedBytes} bytes claimed`;
      throw new ShmError(
        "EINVAL",
        this.name,
        `cannot commit ${size} ${claimed}`,
      );
    }
    this.#file.checkSizeNow();
    // A shorter record may need fewer slots.
    this.#publish(size, this.#writer.slotsOf(size));
  }

  /**
   * Ends the epoch: consumers get what was written, and then the queue's end.
   * Its files are removed. Closing twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#seat.end();
  }

  /** The same as {@linkcode ShmProducer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ShmError("EBADF", this.name, "this producer is closed");
    }
  }

  #publish(length: number, slots: number): void {
    this.#claimedSlots = 0;
    this.#writer.publish(length, slots);
    // Where it went may have been no memory of the queue any more.
    this.#file.checkSizeNow();
    this.#records++;
    this.#bytes += length;
  }

  /** Makes room for a record; how many slots it takes. */
  #reserve(length: number): number {
    this.#checkOpen();
    this.#file.checkSizeNow();
    this.#claimedSlots = 0;
    const writer = this.#writer;
    const slots = writer.slotsOf(length);
    if (slots > this.#file.identity.geometry.slots) {
      throw new ShmError(
        "EMSGSIZE",
        this.name,
        `a record of ${length} bytes is larger than the ring, which has ` +
          `${this.recordSizeMax}; make more or larger slots`,
      );
    }
    if (!writer.reserve(slots)) this.#waitForRoom(slots);
    return slots;
  }

  /** Sleeps until consumers have gone on, or lets them go. */
  #waitForRoom(slots: number): void {
    const rows = this.#rows as ConsumerRows;
    const writer = this.#writer;
    const { memory, identity } = this.#file;
    const gate = word(this.#file.addressOfWord(Word.GATE));
    const size = identity.geometry.slots;
    const deadline = monotonicMs() + identity.holdBackMs;
    this.#waits++;
    // Woken for each slot that comes free, it would change places with its
    // consumers for each record.
    let wanted = Math.max(slots, size >> 2);
    const patientUntil = monotonicMs() + BATCH_PATIENCE_MS;
    let isSlow = false;
    for (;;) {
      if (isSlow) this.#file.checkSize();
      else this.#file.checkSizeNow();
      const now = monotonicMs();
      if (now >= patientUntil) wanted = slots;
      const seen = memory.load(Word.GATE);
      // Before the rows are looked at: who goes on later sees both.
      memory.store(Word.GATE_LOW, (writer.low + wanted - size) | 0);
      memory.store(Word.GATE_WAITING, 1);
      const left = deadline - now;
      const isEnough = wanted <= slots || left <= 0 ||
        rows.room(writer.block, writer.low) >= wanted;
      if (isEnough && writer.reserve(slots)) break;
      // Who lives goes on soon, as a rule, and asking costs a call for each.
      if (isSlow || left <= 0) {
        const dead = rows.dropDead(writer.block, writer.low, slots);
        this.#dead += dead;
        if (dead > 0) continue;
      }
      if (left <= 0) {
        this.#evicted += rows.evict(writer.block, writer.low, slots);
        continue;
      }
      const slice = wanted > slots ? patientUntil - now : HOLD_BACK_SLICE_MS;
      const result = futexWait(gate, seen, Math.min(left, slice));
      isSlow = result === -ETIMEDOUT && wanted <= slots;
    }
    memory.store(Word.GATE_WAITING, 0);
  }
}
