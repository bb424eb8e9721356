// libzmq: none · runs on: any · RFC: –

import { copyBytes, host } from "../../ffi/mod.ts";
import * as shared from "../memory/shared_access.ts";
import { END_MARK, type Geometry } from "./layout.ts";

/** Slots whose views are kept: some hundred bytes each. */
const VIEWS_KEPT_MAX = 4096;

/**
 * A queue's memory. Every access to it goes through these methods, so that a
 * test can end the process at each.
 *
 * Ordering: `load`, `store`, `exchange`, `add` and `compareExchange` are
 * sequentially consistent; `get`, `put`, `copyIn` and `copyOut` are plain, and
 * the comment at the call says which atomic access orders them. JavaScript
 * promises that for shared buffers only, and mapped memory is none; both
 * runtimes emit the same instructions for it. Litmus tests of two processes on
 * one file watch that (`tests/unit/shm/litmus_test.ts`).
 */
export class RingMemory {
  readonly geometry: Geometry;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** The end mark alone. */
  readonly #end: Int32Array;
  /** By slot, the view that was made last. */
  readonly #views: (Uint8Array | undefined)[];

  constructor(bytes: Uint8Array, geometry: Geometry) {
    this.geometry = geometry;
    this.#words = new Int32Array(
      bytes.buffer,
      bytes.byteOffset,
      geometry.dataAt / 4,
    );
    this.#bytes = bytes;
    this.#end = new Int32Array(
      bytes.buffer,
      bytes.byteOffset + geometry.endMarkAt,
      1,
    );
    const kept = Math.min(geometry.slots, VIEWS_KEPT_MAX);
    this.#views = new Array<Uint8Array | undefined>(kept).fill(undefined);
  }

  load(index: number): number {
    return shared.load(this.#words, index);
  }

  store(index: number, value: number): void {
    shared.store(this.#words, index, value);
  }

  exchange(index: number, value: number): number {
    return shared.exchange(this.#words, index, value);
  }

  add(index: number, value: number): number {
    return shared.add(this.#words, index, value);
  }

  compareExchange(index: number, expected: number, value: number): number {
    return shared.compareExchange(this.#words, index, expected, value);
  }

  get(index: number): number {
    return shared.get(this.#words, index);
  }

  put(index: number, value: number): void {
    shared.put(this.#words, index, value);
  }

  /** Sets the mark that is there as long as nobody makes the file shorter. */
  putEndMark(): void {
    shared.put(this.#end, 0, END_MARK);
  }

  /**
   * Whether the file had its length until now; to be asked after what was read,
   * with an atomic load between, which this plain one does not pass. Atomic, it
   * would be a write under JavaScriptCore, to a line that everybody reads.
   */
  get hasEndMark(): boolean {
    return shared.get(this.#end, 0) === END_MARK;
  }

  /** Copies into the file's bytes from `at` on. */
  copyIn(at: number, source: Uint8Array): void {
    copyBytes(this.#bytes, at, source, 0, source.length);
  }

  /** Copies the file's bytes from `from` to `to` into `target` at `at`. */
  copyOut(target: Uint8Array, at: number, from: number, to: number): void {
    copyBytes(target, at, this.#bytes, from, to);
  }

  /**
   * The bytes of a record that begins in that slot, where they lie. Records of
   * a length come again and again: making an array for each would cost more
   * than all else that is done for a record.
   */
  view(slot: number, length: number): Uint8Array {
    const known = this.#views[slot];
    if (known !== undefined && known.length === length) return known;
    const at = this.geometry.dataAt + slot * this.geometry.slotBytes;
    const view = this.#bytes.subarray(at, at + length);
    if (slot < VIEWS_KEPT_MAX) this.#views[slot] = view;
    return view;
  }

  /** False once somebody has detached the buffer behind the views. */
  get attached(): boolean {
    return this.#bytes.byteLength > 0;
  }

  /**
   * Orders the plain writes behind it after the atomic store of `index` before
   * it. A store that releases may be passed by what comes later; a load of the
   * same word that acquires may not, and does not pass the store.
   */
  fenceAfterStore(index: number): void {
    shared.load(this.#words, index);
  }

  /**
   * Orders the plain reads before it before the atomic load behind it: on
   * x86-64 they are in order anyway, on arm64 a store of this thread's own that
   * releases stands between them.
   */
  fenceBeforeLoad(): void {
    if (host.arch === "aarch64") shared.store(fence, 0, 0);
  }
}

/** One per JS thread; its value means nothing. */
const fence: Int32Array = new Int32Array(1);
