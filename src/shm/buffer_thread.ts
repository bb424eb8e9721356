// libzmq: none · runs on: the thread that fills a buffer · RFC: –

import { copyBytes } from "../../ffi/mod.ts";
import { ZmqError } from "../base/errors.ts";
import {
  add,
  load,
  notifyAll,
  put,
  store,
  wait,
} from "../memory/shared_access.ts";
import {
  Board,
  BufferState,
  type BufferThreadData,
  END_TEXT_BYTES,
  Entry,
  ENTRY_WORDS,
} from "./buffer_board.ts";
import type { RecordView } from "./record_view.ts";
import { ShmConsumer } from "./shm_consumer.ts";
import { ShmError } from "./shm_error.ts";

/** What an error says fits its place whatever its letters are. */
const END_TEXT_LENGTH_MAX = END_TEXT_BYTES / 8;

/** How long the thread sleeps before it looks whether it is to end, ms. */
const CLOSE_CHECK_MS = 250;

/** Bytes that a record takes: none is without a place of its own. */
function roomOf(length: number): number {
  return Math.max(8, Math.ceil(length / 8) * 8);
}

/** Moves records from the ring into the buffer until either ends. */
export function runBufferThread(data: BufferThreadData): void {
  const filler = new BufferFiller(data);
  try {
    filler.run();
  } catch (error) {
    filler.end(error);
  }
}

class BufferFiller {
  readonly #data: BufferThreadData;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Null until a record tells its number. */
  #expected: bigint | null;
  #epoch: number;
  #lostSeen = 0;
  #put = 0;
  #taken = 0;
  /** Bytes from `#oldest` to `#next`, round the end, are in use. */
  #next = 0;
  #oldest = 0;

  constructor(data: BufferThreadData) {
    this.#data = data;
    this.#words = new Int32Array(data.board);
    this.#bytes = new Uint8Array(data.bytes);
    this.#expected = data.expected;
    this.#epoch = data.epoch;
  }

  run(): void {
    const { name, directory, follow } = this.#data;
    let consumer: ShmConsumer;
    try {
      // What the buffer's maker has read already is left out.
      consumer = ShmConsumer.open(name, { directory, follow, from: "oldest" });
    } catch (error) {
      // Without a row of its own, too, the maker reads for itself.
      const isMissed = error instanceof ShmError &&
        (error.code === "ENOENT" || error.code === "ENOBUFS");
      if (!isMissed) throw error;
      this.#tell(BufferState.MISSED);
      return;
    }
    if (consumer.epoch !== this.#epoch) {
      // What is left of the maker's epoch is there for the maker alone.
      consumer.close();
      this.#tell(BufferState.MISSED);
      return;
    }
    try {
      this.#tell(BufferState.READING);
      while (!this.#isClosed) {
        const view = consumer.view();
        if (view === null) consumer.waitSync(CLOSE_CHECK_MS);
        else this.#take(consumer, view);
      }
    } finally {
      consumer.close();
    }
  }

  end(error: unknown): void {
    const { code, message } = error instanceof ZmqError
      ? error
      : { code: "EMTHREAD", message: String(error) };
    const said = message.slice(0, END_TEXT_LENGTH_MAX);
    const text = new TextEncoder().encode(
      JSON.stringify({ code, message: said }),
    );
    const length = Math.min(text.length, END_TEXT_BYTES);
    const at = this.#data.board.byteLength - END_TEXT_BYTES;
    new Uint8Array(this.#data.board).set(text.subarray(0, length), at);
    store(this.#words, Board.END_BYTES, length);
    this.#tell(BufferState.ENDED);
  }

  #take(consumer: ShmConsumer, view: RecordView): void {
    const { sequence, bytes } = view;
    if (consumer.epoch !== this.#epoch) {
      this.#epoch = consumer.epoch;
      this.#expected = sequence - BigInt(consumer.lost - this.#lostSeen);
    }
    this.#lostSeen = consumer.lost;
    this.#expected ??= sequence;
    if (sequence < this.#expected) return;
    const at = this.#room(bytes.length);
    if (at < 0) return;
    copyBytes(this.#bytes, at, bytes, 0, bytes.length);
    // Overwritten meanwhile: the next one's number tells.
    if (!view.release()) return;
    const entry = Board.FIRST_ENTRY +
      (this.#put & this.#data.mask) * ENTRY_WORDS;
    const lost = Number(sequence - this.#expected);
    const values = [
      [Entry.AT, at],
      [Entry.LENGTH, bytes.length],
      [Entry.SEQUENCE_LOW, Number(BigInt.asIntN(32, sequence))],
      [Entry.SEQUENCE_HIGH, Number(sequence >> 32n)],
      [Entry.EPOCH_LOW, this.#epoch % 2 ** 32 | 0],
      [Entry.EPOCH_HIGH, Math.floor(this.#epoch / 2 ** 32)],
      [Entry.LOST, Math.min(lost, 2 ** 31 - 1)],
    ] as const;
    // Plain: the store of PUT publishes them, and the record's bytes.
    for (const [word, value] of values) put(this.#words, entry + word, value);
    this.#expected = sequence + 1n;
    this.#next = at + roomOf(bytes.length);
    this.#put = (this.#put + 1) | 0;
    store(this.#words, Board.PUT, this.#put);
    this.#ring();
  }

  /** Waits for room for a record; where it is, or -1 at the end. */
  #room(length: number): number {
    const size = roomOf(length);
    if (size > this.#bytes.length) {
      throw new ShmError(
        "EMSGSIZE",
        this.#data.name,
        `a record of ${length} bytes is larger than the buffer, which has ` +
          `${this.#bytes.length}`,
      );
    }
    for (;;) {
      if (this.#isClosed) return -1;
      const taken = load(this.#words, Board.TAKEN);
      this.#free(taken);
      const isFull = ((this.#put - taken) | 0) >= this.#data.capacity;
      const at = isFull ? -1 : this.#place(size, taken === this.#put);
      if (at >= 0) return at;
      wait(this.#words, Board.TAKEN, taken, CLOSE_CHECK_MS);
    }
  }

  #free(taken: number): void {
    if (taken === this.#taken) return;
    this.#taken = taken;
    if (taken === this.#put) return;
    const entry = Board.FIRST_ENTRY + (taken & this.#data.mask) * ENTRY_WORDS;
    this.#oldest = load(this.#words, entry + Entry.AT);
  }

  /** Where so many bytes are free in one piece, or -1. */
  #place(length: number, isEmpty: boolean): number {
    const next = this.#next;
    if (isEmpty) {
      this.#oldest = 0;
      return 0;
    }
    if (next > this.#oldest) {
      if (this.#bytes.length - next >= length) return next;
      return length < this.#oldest ? 0 : -1;
    }
    // One byte stays free: else a full buffer would look like an empty one.
    return this.#oldest - next > length ? next : -1;
  }

  #ring(): void {
    add(this.#words, Board.BELL, 1);
    notifyAll(this.#words, Board.BELL);
  }

  get #isClosed(): boolean {
    return load(this.#words, Board.CLOSED) !== 0;
  }

  #tell(state: number): void {
    store(this.#words, Board.STATE, state);
    this.#ring();
  }
}
