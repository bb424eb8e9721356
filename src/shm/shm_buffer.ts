// libzmq: none · runs on: app thread · RFC: –

import { delay, KeepAlive, monotonicMs, spawnWorker } from "../../ffi/mod.ts";
import type { ErrorCode } from "../base/error_codes.ts";
import {
  add,
  get,
  load,
  notifyAll,
  store,
  wait,
  waitAsync,
  type Words,
} from "../memory/shared_access.ts";
import {
  Board,
  BufferState,
  type BufferThreadData,
  END_TEXT_BYTES,
  Entry,
  ENTRY_WORDS,
} from "./buffer_board.ts";
import { ShmError } from "./shm_error.ts";

/** What `ShmConsumer.buffered` may be told. */
export interface ShmBufferOptions {
  /** Records that the buffer holds, from 1 to 2^20; 1024 unless given. */
  readonly capacity?: number;
  /**
   * Bytes of records that it holds; as many as the ring has unless given. A
   * record takes a multiple of 8.
   */
  readonly bytes?: number;
}

/** See {@linkcode ShmBuffer.statistics}. */
export interface ShmBufferStatistics {
  /** Records read out of the buffer. */
  readonly records: number;
  /** Records that the ring has lost before the one that was read last. */
  readonly lost: number;
  /** Records in the buffer now. */
  readonly waiting: number;
  /** How many it can hold. */
  readonly capacity: number;
}

/** What a buffer needs of the consumer that it takes over. */
export interface BufferedConsumer {
  tryRead(): Uint8Array | null;
  wait(timeoutMs?: number): Promise<boolean>;
  readonly sequence: bigint;
  readonly epoch: number;
  readonly lost: number;
  close(): void;
}

/** Where the buffer's thread begins. */
export interface BufferStart {
  readonly name: string;
  readonly directory: string;
  readonly follow: boolean;
  readonly epoch: number;
  readonly expected: bigint | null;
  readonly ringBytes: number;
}

/** Longer times end at once in the runtimes' timers, ms. */
const DELAY_MS_MAX = 2 ** 31 - 1;

const CAPACITY_MAX = 2 ** 20;
const CAPACITY_DEFAULT = 1024;
/** How long the thread may take to start, ms; after that it goes on alone. */
const START_MS_MAX = 2000;
const BYTES_MIN = 64;
const BYTES_MAX = 2 ** 31 - 8;

/**
 * A consumer whose thread takes the records out of the ring at once, so that a
 * burst is absorbed while this thread works. Made by `ShmConsumer.buffered`.
 *
 * The thread copies each record, since the producer may overwrite it at any
 * time; `read` copies it out of the buffer for its reader to keep. While the
 * buffer is full the thread does not read: then the ring's own rule applies,
 * and the oldest records are lost or the producer is held back.
 *
 * @example A burst that is larger than the ring
 * ```ts
 * import { ShmConsumer, ShmProducer } from "@purezmq/zmq/shm";
 * import assert from "node:assert/strict";
 *
 * const name = `example-${crypto.randomUUID()}`;
 * using producer = ShmProducer.create(name, { slots: 8, holdBack: true });
 * using buffer = ShmConsumer.open(name).buffered({ capacity: 1000 });
 * for (let n = 0; n < 100; n++) producer.write(new Uint8Array([n]));
 * for (let n = 0; n < 100; n++) {
 *   assert.deepEqual([...await buffer.read(10_000)], [n]);
 * }
 * ```
 */
export class ShmBuffer implements Disposable, AsyncIterable<Uint8Array> {
  readonly #name: string;
  readonly #consumer: BufferedConsumer;
  readonly #words: Words;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #keepAlive = new KeepAlive();
  #taken = 0;
  #records = 0;
  #lost = 0;
  #sequence = -1n;
  #epoch: number;
  #waiting = false;
  #failure: Error | null = null;
  #closed = false;

  /** Made by `ShmConsumer.buffered`. */
  constructor(
    consumer: BufferedConsumer,
    options: ShmBufferOptions,
    workerUrl: string,
    start: BufferStart,
  ) {
    const { name, ringBytes, ...rest } = start;
    const { capacity = CAPACITY_DEFAULT } = options;
    const bytes = options.bytes ?? Math.max(BYTES_MIN, ringBytes);
    checkSize(name, "capacity", capacity, 1, CAPACITY_MAX);
    checkSize(name, "bytes", bytes, BYTES_MIN, BYTES_MAX);
    const entries = 2 ** Math.ceil(Math.log2(capacity));
    const words = Board.FIRST_ENTRY + entries * ENTRY_WORDS;
    const board = new SharedArrayBuffer(words * 4 + END_TEXT_BYTES);
    const memory = new SharedArrayBuffer(bytes);
    this.#name = name;
    this.#consumer = consumer;
    this.#epoch = start.epoch;
    this.#capacity = capacity;
    this.#mask = entries - 1;
    this.#words = new Int32Array(board);
    this.#bytes = new Uint8Array(memory);
    const data: BufferThreadData = {
      role: "shm-buffer",
      ...rest,
      name,
      capacity,
      mask: this.#mask,
      board,
      bytes: memory,
    };
    spawnWorker(workerUrl, data).onExit((error) => {
      this.#failure = error;
      this.#ring();
    });
    this.#handOver();
  }

  /** The queue's name. */
  get name(): string {
    return this.#name;
  }

  /** The number, in its epoch, of the record that was read last. */
  get sequence(): bigint {
    return this.#sequence;
  }

  /** The epoch of the record that was read last. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Records that the ring has lost before the one that was read last. */
  get lost(): number {
    return this.#lost;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What happened so far. */
  get statistics(): ShmBufferStatistics {
    return {
      records: this.#records,
      lost: this.#lost,
      waiting: (load(this.#words, Board.PUT) - this.#taken) | 0,
      capacity: this.#capacity,
    };
  }

  /**
   * The next record if it is in the buffer.
   *
   * @returns Bytes to keep; null when there is none yet.
   * @throws {ShmError} What `ShmConsumer.tryRead` throws, once the buffer is
   * empty. EMSGSIZE: a record is larger than the buffer. EMTHREAD: its thread
   * has died. EBADF: closed.
   */
  tryRead(): Uint8Array | null {
    this.#checkOpen();
    // Before the count: what was put in before the end is seen.
    const state = load(this.#words, Board.STATE);
    const failure = this.#failure;
    if (load(this.#words, Board.PUT) !== this.#taken) return this.#take();
    if (state === BufferState.MISSED) return this.#direct();
    if (state === BufferState.ENDED) throw this.#end();
    if (failure !== null) {
      throw new ShmError("EMTHREAD", this.#name, "its thread has died", {
        cause: failure,
      });
    }
    return null;
  }

  /**
   * The next record, as soon as it is there. One wait at a time.
   *
   * @param timeoutMs Milliseconds to wait for it, from 0 on; without a limit
   * unless given.
   * @throws {ShmError} EAGAIN: none came in time. EBUSY: somebody waits
   * already. EINVAL: no time limit. And as {@linkcode ShmBuffer.tryRead} does.
   */
  async read(timeoutMs: number = Infinity): Promise<Uint8Array> {
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
      throw new ShmError("EINVAL", this.#name, `no time limit: ${timeoutMs}`);
    }
    if (this.#waiting) {
      throw new ShmError("EBUSY", this.#name, "somebody waits for it already");
    }
    const deadline = monotonicMs() + timeoutMs;
    this.#waiting = true;
    this.#keepAlive.retain();
    try {
      for (;;) {
        // First: whatever comes later rings it.
        const bell = load(this.#words, Board.BELL);
        const record = this.tryRead();
        if (record !== null) return record;
        const left = deadline - monotonicMs();
        if (left <= 0) {
          const reason = `no record came within ${timeoutMs} ms`;
          throw new ShmError("EAGAIN", this.#name, reason);
        }
        await this.#wait(bell, left);
      }
    } finally {
      this.#waiting = false;
      this.#keepAlive.release();
    }
  }

  /**
   * Iterates over the records until the producer closes the queue, or this
   * buffer is closed. Leaving the iteration does not close it.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      let record: Uint8Array;
      try {
        record = await this.read();
      } catch (error) {
        const isEnd = error instanceof ShmError &&
          (error.code === "EPIPE" || error.code === "EBADF" && this.#closed);
        if (isEnd) return;
        throw error;
      }
      yield record;
    }
  }

  /**
   * Lets go of the queue, and of what is in the buffer. A read that waits is
   * rejected with EBADF. Closing twice does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    store(this.#words, Board.CLOSED, 1);
    notifyAll(this.#words, Board.TAKEN);
    this.#ring();
    this.#consumer.close();
  }

  /** The same as {@linkcode ShmBuffer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ShmError("EBADF", this.#name, "this buffer is closed");
    }
  }

  #take(): Uint8Array {
    const words = this.#words;
    const entry = Board.FIRST_ENTRY + (this.#taken & this.#mask) * ENTRY_WORDS;
    // Plain: the load of PUT comes before them.
    const word = (index: number): number => get(words, entry + index);
    const at = word(Entry.AT);
    const record = this.#bytes.slice(at, at + word(Entry.LENGTH));
    this.#sequence = BigInt(word(Entry.SEQUENCE_HIGH)) * 2n ** 32n +
      BigInt(word(Entry.SEQUENCE_LOW) >>> 0);
    this.#epoch = word(Entry.EPOCH_HIGH) * 2 ** 32 +
      (word(Entry.EPOCH_LOW) >>> 0);
    this.#lost += word(Entry.LOST);
    this.#records++;
    this.#taken = (this.#taken + 1) | 0;
    store(words, Board.TAKEN, this.#taken);
    notifyAll(words, Board.TAKEN);
    return record;
  }

  /** The thread came too late: what there is, its consumer still has. */
  #direct(): Uint8Array | null {
    const consumer = this.#consumer;
    const record = consumer.tryRead();
    if (record === null) return null;
    this.#sequence = consumer.sequence;
    this.#epoch = consumer.epoch;
    this.#lost = consumer.lost;
    this.#records++;
    return record;
  }

  /** Until something has changed since `bell` was looked at. */
  async #wait(bell: number, timeoutMs: number): Promise<void> {
    const words = this.#words;
    const state = load(words, Board.STATE);
    // The thread sees the queue by itself: nobody else need be in it.
    if (state === BufferState.READING) this.#consumer.close();
    if (state === BufferState.MISSED) {
      await this.#consumer.wait(timeoutMs);
      return;
    }
    let endDelay = (): void => {};
    if (timeoutMs !== Infinity) {
      const limit = Math.min(timeoutMs, DELAY_MS_MAX);
      void delay(limit, (wake) => endDelay = wake).then(() => this.#ring());
    }
    await waitAsync(words, Board.BELL, bell);
    endDelay();
  }

  /**
   * Blocks until the thread reads: this thread may hold the producer back, and
   * may be the producer itself.
   */
  #handOver(): void {
    const words = this.#words;
    const deadline = monotonicMs() + START_MS_MAX;
    for (;;) {
      const bell = load(words, Board.BELL);
      const state = load(words, Board.STATE);
      if (state === BufferState.READING) this.#consumer.close();
      const left = deadline - monotonicMs();
      if (state !== BufferState.STARTING || left <= 0) return;
      wait(words, Board.BELL, bell, left);
    }
  }

  #ring(): void {
    add(this.#words, Board.BELL, 1);
    notifyAll(this.#words, Board.BELL);
  }

  #end(): ShmError {
    const length = load(this.#words, Board.END_BYTES);
    const { buffer } = this.#words;
    // Copied: text of shared memory cannot be decoded in place.
    const bytes = new Uint8Array(buffer, buffer.byteLength - END_TEXT_BYTES)
      .slice(0, length);
    const { code, message } = JSON.parse(new TextDecoder().decode(bytes)) as {
      code: ErrorCode;
      message: string;
    };
    return new ShmError(code, this.#name, message);
  }
}

function checkSize(
  name: string,
  what: string,
  value: number,
  least: number,
  most: number,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = `a whole number from ${least} to ${most}`;
  throw new ShmError("EINVAL", name, `${what} must be ${range}, not ${value}`);
}
