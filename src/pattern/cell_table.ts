// libzmq: none · runs on: app thread · RFC: –

import { CellPool, MARK, NEXT, POOL_FIELDS, UNLINKED } from "./cell_pool.ts";
import type { SavedCells } from "./cell_pool.ts";

/** Field of every cell: first key. */
export const KEY_A: number = MARK;
/** Field of every cell: second key. */
export const KEY_B: number = POOL_FIELDS;
/** The first field that is the user's. */
export const FIRST_FIELD: number = POOL_FIELDS + 1;

const NONE = -1;

/** A pool of cells with a hash index over two of their fields. */
export class CellTable extends CellPool {
  /** First cell of each bucket; the length is a power of two. */
  #buckets: Int32Array;
  #shift: number;
  /** Mixed into hashes, so that peers cannot choose keys that collide. */
  readonly #seed: number;

  /** @param stride Fields of a cell, the first three being the table's. */
  constructor(stride: number, seed: number) {
    super(stride);
    this.#seed = seed | 0;
    this.#buckets = new Int32Array(0);
    this.#shift = 0;
    this.reindex();
  }

  override get bytes(): number {
    return super.bytes + this.#buckets.byteLength;
  }

  /** The cell with these keys, or -1. */
  find(keyA: number, keyB: number): number {
    const { data, stride } = this;
    let cell = this.#buckets[this.#bucketOf(keyA, keyB)] as number;
    while (cell !== NONE) {
      const start = cell * stride;
      if (data[start + KEY_B] === keyB && data[start + KEY_A] === keyA) {
        return cell;
      }
      cell = data[start + NEXT] as number;
    }
    return NONE;
  }

  /** Gives an unlinked cell its keys, from now on found under them. */
  link(cell: number, keyA: number, keyB: number): void {
    const start = cell * this.stride;
    const bucket = this.#bucketOf(keyA, keyB);
    this.data[start + KEY_A] = keyA;
    this.data[start + KEY_B] = keyB;
    this.data[start + NEXT] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = cell;
  }

  /** Takes a cell out of its bucket. */
  unlink(cell: number): void {
    const { data, stride } = this;
    const start = cell * stride;
    const bucket = this.#bucketOf(
      data[start + KEY_A] as number,
      data[start + KEY_B] as number,
    );
    const next = data[start + NEXT] as number;
    let before = this.#buckets[bucket] as number;
    if (before === cell) {
      this.#buckets[bucket] = next;
    } else {
      while (data[before * stride + NEXT] !== cell) {
        before = data[before * stride + NEXT] as number;
      }
      data[before * stride + NEXT] = next;
    }
    data[start + KEY_A] = UNLINKED;
  }

  /** Calculates the index anew, for new capacity or changed keys. */
  reindex(): void {
    const bits = 32 - Math.clz32(this.capacity - 1);
    this.#shift = 32 - bits;
    this.#buckets = new Int32Array(1 << bits).fill(NONE);
    const { data, stride } = this;
    this.forEach((cell) => {
      const keyA = data[cell * stride + KEY_A] as number;
      const keyB = data[cell * stride + KEY_B] as number;
      if (keyA >= 0) this.link(cell, keyA, keyB);
    });
  }

  /** The index has a seed of its own in each table. */
  override restore(saved: SavedCells): void {
    super.restore(saved);
    this.reindex();
  }

  protected override grow(): void {
    super.grow();
    if (this.capacity > this.#buckets.length) this.reindex();
  }

  #bucketOf(keyA: number, keyB: number): number {
    let hash = Math.imul(keyA ^ this.#seed, 0x9e3779b1) + keyB | 0;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> this.#shift;
  }
}
