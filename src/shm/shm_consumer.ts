// libzmq: none · runs on: app thread · RFC: –

import {
  delay,
  monotonicMs,
  processIdentity,
  sharedMemoryObstacle,
} from "../../ffi/mod.ts";
import { Waiting } from "./layout.ts";
import { ShmBuffer, type ShmBufferOptions } from "./shm_buffer.ts";
import { NEXT_EPOCH_POLL_MS, QueueAttachment } from "./queue_attachment.ts";
import {
  DEFAULT_DIRECTORY,
  type QueuePaths,
  queuePaths,
} from "./queue_names.ts";
import { WaitEnd, type WaitOutcome } from "./queue_waiter.ts";
import { RecordView } from "./record_view.ts";
import type { StartAt } from "./ring_reader.ts";
import { ShmError, systemRefusal } from "./shm_error.ts";
import { WaitThread } from "./wait_thread.ts";

/** What {@linkcode ShmConsumer.open} may be told. */
export interface ShmConsumerOptions {
  /** Where the queue's files are; "/dev/shm" unless given. */
  readonly directory?: string;
  /**
   * Whether to begin behind the newest record ("newest", unless given), or at
   * the oldest that is still there.
   */
  readonly from?: StartAt;
  /**
   * Whether to wait for the next producer when this one has died or closed, and
   * to go on with the first record of its epoch. False unless given: reading
   * then ends with an error.
   */
  readonly follow?: boolean;
  /**
   * Called when records were overwritten before they could be read, with how
   * many, before the next record is returned.
   */
  readonly onLoss?: (count: number) => void;
  /** Called when a new epoch begins, with its number. */
  readonly onEpoch?: (epoch: number) => void;
  /**
   * Where the code of the waiting thread is loaded from, when not from the
   * package itself: bundled programs name the package's `shm-worker` as an
   * entry point and give its address here.
   */
  readonly workerUrl?: string | URL;
}

/** The producer of a queue as a consumer sees it. */
export interface ShmProducerState {
  /** The number of its process. */
  readonly pid: number;
  /** "stopped" by a signal, which is not dead; "closed" by itself. */
  readonly state: "alive" | "stopped" | "dead" | "closed";
}

/** See {@linkcode ShmConsumer.statistics}. */
export interface ShmConsumerStatistics {
  /** The number of the epoch that is read. */
  readonly epoch: number;
  /** Records read, in all epochs. */
  readonly records: number;
  /** Records that were overwritten before they could be read. */
  readonly lost: number;
  /** How many slots the producer is ahead. */
  readonly behind: number;
  /** The producer of this epoch. */
  readonly producer: ShmProducerState;
}

/** How often reading without waiting looks whether the producer lives, ms. */
const LIFE_CHECK_MS = 100;
/** How long an iteration goes on without a turn of the event loop, ms. */
const ITERATION_MS = 10;
/** Records of an iteration between looks at the clock. */
const ITERATION_RECORDS = 256;

/** Beside this module, unless a bundle has given it another name. */
const PLACE = /^(.*\/)shm_consumer(\.[a-z]+)$/.exec(import.meta.url);

/**
 * A reading end of a queue in shared memory: it sees every record that is
 * written from its beginning on, unless it is too slow, which it is told.
 *
 * It is woken for a record as soon as that is there. Only where the producer
 * wakes three consumers or more for one record after another, less than 0.1 ms
 * apart, do they look for records every 0.1 ms instead.
 *
 * @example Reading as an iteration, in the process of the producer for once
 * ```ts
 * import { ShmConsumer, ShmProducer } from "@purezmq/zmq/shm";
 * import assert from "node:assert/strict";
 *
 * const name = `example-${crypto.randomUUID()}`;
 * const producer = ShmProducer.create(name);
 * using consumer = ShmConsumer.open(name);
 * for (const word of ["one", "two"]) {
 *   producer.write(new TextEncoder().encode(word));
 * }
 * producer.close();
 * const words: string[] = [];
 * for await (const record of consumer) {
 *   words.push(new TextDecoder().decode(record));
 * }
 * assert.deepEqual(words, ["one", "two"]);
 * ```
 *
 * @example Without a copy
 * ```ts
 * import { ShmConsumer, ShmProducer } from "@purezmq/zmq/shm";
 * import assert from "node:assert/strict";
 *
 * const name = `example-${crypto.randomUUID()}`;
 * using producer = ShmProducer.create(name, { slotSize: 4096 });
 * using consumer = ShmConsumer.open(name);
 * producer.claim(3).set([1, 2, 3]);
 * producer.commit();
 *
 * const view = consumer.view();
 * const sum = view === null ? 0 : view.bytes.reduce((a, b) => a + b);
 * // Only now it is certain that the bytes were the record's all the time.
 * if (view?.release()) assert.equal(sum, 6);
 * ```
 */
export class ShmConsumer implements Disposable, AsyncIterable<Uint8Array> {
  readonly #paths: QueuePaths;
  readonly #options: ShmConsumerOptions;
  #attachment: QueueAttachment;
  #thread: WaitThread | null = null;
  #view: RecordView | null = null;
  #waiting = false;
  /** The end of the queue, once it was told. */
  #end: ShmError | null = null;
  #closed = false;
  #lifeCheckedAt = 0;
  /** Of epochs before this one. */
  #recordsBefore = 0;
  #lostBefore = 0;
  #lostTold = 0;
  readonly #viewOwner = {
    isOvertaken: (block: number, low: number): boolean =>
      this.#attachment.wasOvertaken(block, low),
    viewReleased: (): void => {
      this.#view = null;
      if (this.#attachment.isWhole) this.#attachment.reader.release();
    },
  };

  private constructor(
    paths: QueuePaths,
    options: ShmConsumerOptions,
    attachment: QueueAttachment,
  ) {
    this.#paths = paths;
    this.#options = options;
    this.#attachment = attachment;
  }

  /**
   * Opens the queue called `name`, also one whose producer has died: what was
   * complete can still be read.
   *
   * @param name What the producer calls it.
   * @param options Where to begin, and what to do at the end.
   * @throws {ShmError} ENOENT: no producer has made it. EPROTO: its file is no
   * queue. EPROTONOSUPPORT: made by another version of this package. EINVAL,
   * ENAMETOOLONG: an impossible name or option. EACCES, EPERM, ELOOP: not this
   * user's own file. ENOBUFS: as many consumers as the producer has room for.
   * ENOTSUP: not on this system.
   */
  static open(name: string, options: ShmConsumerOptions = {}): ShmConsumer {
    const obstacle = sharedMemoryObstacle();
    if (obstacle !== null) throw new ShmError("ENOTSUP", name, obstacle);
    const paths = queuePaths(name, options.directory ?? DEFAULT_DIRECTORY);
    const { from = "newest" } = options;
    if (from !== "newest" && from !== "oldest") {
      throw new ShmError("EINVAL", name, `no such beginning: ${from}`);
    }
    const attachment = QueueAttachment.open(paths, from);
    if (attachment === null) {
      const where = options.directory ?? DEFAULT_DIRECTORY;
      const reason = `no producer has made it in ${where}`;
      throw new ShmError("ENOENT", name, reason);
    }
    return new ShmConsumer(paths, options, attachment);
  }

  /** The queue's name. */
  get name(): string {
    return this.#paths.name;
  }

  /** The number of the epoch that is read. */
  get epoch(): number {
    return this.#attachment.identity.epoch;
  }

  /** The number, in its epoch, of the record that was read last. */
  get sequence(): bigint {
    return this.#attachment.reader.sequence;
  }

  /** How many records were overwritten before they could be read. */
  get lost(): number {
    return this.#lostBefore + this.#attachment.reader.lost;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * What happened so far.
   *
   * @throws {ShmError} EBADF: closed.
   */
  get statistics(): ShmConsumerStatistics {
    this.#checkOpen();
    const { identity, reader } = this.#attachment;
    this.#attachment.checkSize();
    const { behind } = reader;
    return {
      epoch: identity.epoch,
      records: this.#recordsBefore + reader.read,
      lost: this.lost,
      behind,
      // After the number: it tells when that was none.
      producer: { pid: identity.pid, state: this.#producerState() },
    };
  }

  /**
   * The next record if it is there.
   *
   * @returns A copy, which may share its buffer with other records; null when
   * there is none yet.
   * @throws {ShmError} EPIPE: the producer has closed the queue, and all was
   * read. EOWNERDEAD: it has died. ECONNABORTED: this consumer was let go.
   * EIO, EPROTO: somebody has changed the file. EBADF: closed.
   */
  tryRead(): Uint8Array | null {
    this.#prepare();
    const bytes = this.#attachment.reader.next();
    if (bytes !== null) {
      this.#tellLoss();
      return bytes;
    }
    return this.#endOrNext() ? this.tryRead() : null;
  }

  /**
   * The next record where it lies, if it is there; nothing is copied.
   *
   * @returns What to read and then to release, or null.
   * @throws {ShmError} As {@linkcode ShmConsumer.tryRead} does.
   */
  view(): RecordView | null {
    this.#prepare();
    const { reader } = this.#attachment;
    const record = reader.nextInPlace();
    if (record === null) return this.#endOrNext() ? this.view() : null;
    this.#tellLoss();
    const view = new RecordView(this.#viewOwner, record);
    this.#view = view;
    return view;
  }

  /**
   * The next record, blocking the thread until it is there.
   *
   * @param timeoutMs Milliseconds to wait for it, from 0 on; without a limit
   * unless given.
   * @throws {ShmError} EAGAIN: none came in time. ENOLCK, EBUSY, … : the system
   * refuses to wait for record locks, and why. And as
   * {@linkcode ShmConsumer.tryRead} does.
   */
  readSync(timeoutMs: number = Infinity): Uint8Array {
    const deadline = this.#deadline(timeoutMs);
    for (;;) {
      const bytes = this.tryRead();
      if (bytes !== null) return bytes;
      if (!this.#waitSync(deadline)) throw this.#timedOut(timeoutMs);
    }
  }

  /**
   * The next record, as soon as it is there. One wait at a time.
   *
   * @param timeoutMs Milliseconds to wait for it, from 0 on; without a limit
   * unless given.
   * @throws {ShmError} EAGAIN: none came in time. EBUSY: somebody waits
   * already. EMTHREAD: the waiting thread has died. And as
   * {@linkcode ShmConsumer.tryRead} does.
   */
  async read(timeoutMs: number = Infinity): Promise<Uint8Array> {
    const deadline = this.#deadline(timeoutMs);
    for (;;) {
      const bytes = this.tryRead();
      if (bytes !== null) return bytes;
      if (!await this.#wait(deadline)) throw this.#timedOut(timeoutMs);
    }
  }

  /**
   * Blocks the thread until there is a record, or something to be told by the
   * next call that reads. Releases the view that was taken last.
   *
   * @param timeoutMs Milliseconds, from 0 on; without a limit unless given.
   * @returns False when the time was over.
   * @throws {ShmError} EBADF: closed.
   */
  waitSync(timeoutMs: number = Infinity): boolean {
    const deadline = this.#deadline(timeoutMs);
    this.#view?.release();
    return this.#attachment.reader.hasKnown || this.#waitSync(deadline);
  }

  /**
   * Waits until there is a record, or something to be told by the next call
   * that reads. One wait at a time. Releases the view that was taken last.
   *
   * @param timeoutMs Milliseconds, from 0 on; without a limit unless given.
   * @returns False when the time was over.
   * @throws {ShmError} EBADF: closed. EBUSY: somebody waits already. EMTHREAD.
   */
  wait(timeoutMs: number = Infinity): Promise<boolean> {
    const deadline = this.#deadline(timeoutMs);
    this.#view?.release();
    if (this.#attachment.reader.hasKnown) return Promise.resolve(true);
    return this.#wait(deadline);
  }

  /**
   * Iterates over the records until the producer closes the queue, or this
   * consumer is closed. Leaving the iteration does not close it.
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let count = 0;
    let turnAt = 0;
    const rest = async (): Promise<void> => {
      // Records that are there at once would starve the event loop.
      await delay(0, () => {});
      turnAt = monotonicMs();
    };
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      try {
        if (++count % ITERATION_RECORDS === 0) {
          if (turnAt === 0) turnAt = monotonicMs();
          if (monotonicMs() - turnAt > ITERATION_MS) await rest();
        }
        return { done: false, value: await this.read() };
      } catch (error) {
        const isEnd = error instanceof ShmError &&
          (error.code === "EPIPE" || error.code === "EBADF" && this.#closed);
        if (isEnd) return { done: true, value: undefined };
        throw error;
      }
    };
    return { next };
  }

  /**
   * Goes on reading in a thread of its own, which moves the records into a
   * buffer. This consumer belongs to the buffer from now on; its `onLoss` and
   * `onEpoch` are not called any more.
   *
   * @param options How much the buffer holds.
   * @throws {ShmError} EINVAL: an impossible size. EBUSY: somebody waits.
   * ENOTSUP: bundled, without the option workerUrl. EBADF: closed.
   */
  buffered(options: ShmBufferOptions = {}): ShmBuffer {
    this.#checkOpen();
    if (this.#waiting) {
      throw new ShmError("EBUSY", this.name, "somebody waits for it");
    }
    const { identity, reader } = this.#attachment;
    const { slots, slotBytes } = identity.geometry;
    return new ShmBuffer(this, options, this.#workerUrl(), {
      name: this.name,
      directory: this.#options.directory ?? DEFAULT_DIRECTORY,
      follow: this.#options.follow === true,
      epoch: identity.epoch,
      expected: reader.expected,
      ringBytes: slots * slotBytes,
    });
  }

  /**
   * Lets go of the queue. A read that waits is rejected with EBADF. Closing
   * twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#view?.release();
    this.#closed = true;
    this.#thread?.close();
    this.#attachment.close();
  }

  /** The same as {@linkcode ShmConsumer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ShmError("EBADF", this.name, "this consumer is closed");
    }
  }

  /** Before the ring is read. */
  #prepare(): void {
    this.#checkOpen();
    this.#view?.release();
    this.#attachment.checkSizeNow();
  }

  #tellLoss(): void {
    const lost = this.lost;
    if (lost === this.#lostTold) return;
    const count = lost - this.#lostTold;
    this.#lostTold = lost;
    this.#options.onLoss?.(count);
  }

  /**
   * When there is nothing to read: whether there is by now, be it in the next
   * epoch; throws at the queue's end.
   */
  #endOrNext(): boolean {
    if (this.#end !== null) throw this.#end;
    const attachment = this.#attachment;
    if (attachment.isClosed) return this.#ended("closed");
    const now = monotonicMs();
    if (now - this.#lifeCheckedAt < LIFE_CHECK_MS) return false;
    this.#lifeCheckedAt = now;
    return attachment.isAlive ? false : this.#ended("dead");
  }

  /** What it wrote last may have come since the ring was looked at. */
  #ended(how: "closed" | "dead"): boolean {
    // It may have closed between the two looks.
    if (this.#attachment.isClosed) how = "closed";
    const { reader } = this.#attachment;
    if (reader.refresh()) return true;
    reader.settle();
    this.#tellLoss();
    if (this.#options.follow === true) return this.#toNextEpoch();
    this.#end ??= how === "closed"
      ? new ShmError("EPIPE", this.name, "its producer has closed it")
      : new ShmError(
        "EOWNERDEAD",
        this.name,
        `its producer, process ${this.#attachment.identity.pid}, has died; ` +
          "open it again when there is a new one, or with the option follow",
      );
    throw this.#end;
  }

  #toNextEpoch(): boolean {
    // Where another producer's file is, this epoch's is not any more.
    const next = QueueAttachment.open(this.#paths, "first");
    if (next === null) return false;
    if (next.identity.epoch === this.epoch) {
      // Nobody has seen it.
      next.close(false);
      return false;
    }
    this.#thread?.close();
    this.#thread = null;
    this.#recordsBefore += this.#attachment.reader.read;
    this.#lostBefore += this.#attachment.reader.lost;
    this.#attachment.close();
    this.#attachment = next;
    this.#options.onEpoch?.(next.identity.epoch);
    return true;
  }

  #deadline(timeoutMs: number): number {
    this.#checkOpen();
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
      throw new ShmError("EINVAL", this.name, `no time limit: ${timeoutMs}`);
    }
    return monotonicMs() + timeoutMs;
  }

  #timedOut(timeoutMs: number): ShmError {
    const reason = `no record came within ${timeoutMs} ms`;
    return new ShmError("EAGAIN", this.name, reason);
  }

  /** Whether only a new producer can bring something. */
  get #isOver(): boolean {
    const attachment = this.#attachment;
    attachment.checkSizeNow();
    return attachment.isClosed || !attachment.isAlive;
  }

  /** False at the time limit. */
  #waitSync(deadline: number): boolean {
    if (this.#end !== null) return true;
    const left = deadline - monotonicMs();
    if (left <= 0) return false;
    const end = this.#attachment.wait(left);
    this.#checkWait(end);
    if (end === WaitEnd.DEAD) this.#lifeCheckedAt = 0;
    const idles = end === WaitEnd.DEAD || end === WaitEnd.CHANGED;
    if (idles && this.#options.follow === true && this.#isOver) {
      if (!this.#attachment.reader.refresh()) {
        this.#attachment.nap(Math.min(left, NEXT_EPOCH_POLL_MS));
        this.#lifeCheckedAt = 0;
      }
    }
    return end !== WaitEnd.TIMEOUT;
  }

  async #wait(deadline: number): Promise<boolean> {
    if (this.#waiting) {
      throw new ShmError("EBUSY", this.name, "somebody waits for it already");
    }
    if (this.#end !== null) return true;
    const left = deadline - monotonicMs();
    if (left <= 0) return false;
    this.#waiting = true;
    try {
      const end = await this.#threadWait(left);
      this.#checkOpen();
      this.#checkWait(end);
      if (end === WaitEnd.DEAD) this.#lifeCheckedAt = 0;
      const idles = end === WaitEnd.DEAD || end === WaitEnd.CHANGED;
      if (idles && this.#options.follow === true && this.#isOver) {
        if (!this.#attachment.reader.refresh()) {
          await delay(Math.min(left, NEXT_EPOCH_POLL_MS), () => {});
          this.#checkOpen();
          this.#lifeCheckedAt = 0;
        }
      }
      return end !== WaitEnd.TIMEOUT;
    } finally {
      this.#waiting = false;
    }
  }

  /** A wait that ended for a reason that will be there again. */
  #checkWait(end: WaitOutcome): void {
    if (end === WaitEnd.CUT) this.#attachment.checkSize();
    if (end === WaitEnd.DAMAGED) {
      this.#attachment.corrupt("its head is not where its producer's lock is");
    }
    if (end >= 0) return;
    const isLock = this.#attachment.identity.waiting === Waiting.RECORD_LOCK;
    const what = isLock ? "its record lock" : "its futex";
    throw systemRefusal(this.name, `cannot wait for ${what}`, end);
  }

  async #threadWait(timeoutMs: number): Promise<WaitOutcome> {
    const { reader, waitTarget } = this.#attachment;
    try {
      this.#thread ??= new WaitThread(waitTarget, this.#workerUrl());
      return await this.#thread.wait(reader.block, reader.low, timeoutMs);
    } catch (error) {
      this.#thread = null;
      if (error instanceof ShmError) throw error;
      throw new ShmError("EMTHREAD", this.name, "its thread has died", {
        cause: error,
      });
    }
  }

  #workerUrl(): string {
    const { workerUrl } = this.#options;
    if (workerUrl !== undefined) return String(workerUrl);
    if (PLACE !== null) return `${PLACE[1]}wait_worker${PLACE[2]}`;
    throw new ShmError(
      "ENOTSUP",
      this.name,
      "cannot start a thread: this program is bundled; make the package's " +
        'module "shm-worker" an entry point, too, and give its address as ' +
        "the option workerUrl",
    );
  }

  #producerState(): ShmProducerState["state"] {
    const { identity, isClosed, isAlive } = this.#attachment;
    if (isClosed) return "closed";
    if (!isAlive) return "dead";
    // Another process may have the number by now, or another name for it.
    const process = processIdentity(identity.pid);
    const isSame = process?.startTicks === identity.startTicks;
    return isSame && process.state === "stopped" ? "stopped" : "alive";
  }
}
