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
export class CellTable {
  readonly #pool: CellPool;
  /** First cell of each bucket; the length is a power of two. */
  #buckets: Int32Array;
  #shift: number;
  /** Mixed into hashes, so that peers cannot choose keys that collide. */
  readonly #seed: number;

  /** @param stride Fields of a cell, the first three being the table's. */
  constructor(stride: number, seed: number) {
    this.#pool = new CellPool(stride);
    this.#seed = seed | 0;
    this.#buckets = new Int32Array(0);
    this.#shift = 0;
    this.reindex();
  }

  /** As {@link CellPool.data}. */
  get data(): Int32Array {
    return this.#pool.data;
  }

  /** How many cells are in use. */
  get live(): number {
    return this.#pool.live;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#pool.bytes + this.#buckets.byteLength;
  }

  /** As {@link CellPool.allocate}. */
  allocate(): number {
    const cell = this.#pool.allocate();
    if (this.#pool.capacity > this.#buckets.length) this.reindex();
    return cell;
  }

  /** Gives a cell back; it must be in no bucket. */
  free(cell: number): void {
    this.#pool.free(cell);
  }

  /** The cell with these keys, or -1. */
  find(keyA: number, keyB: number): number {
    const { data, stride } = this.#pool;
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
    const { data, stride } = this.#pool;
    const start = cell * stride;
    const bucket = this.#bucketOf(keyA, keyB);
    data[start + KEY_A] = keyA;
    data[start + KEY_B] = keyB;
    data[start + NEXT] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = cell;
  }

  /** Takes a cell out of its bucket. */
  unlink(cell: number): void {
    const { data, stride } = this.#pool;
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

  /** Whether most of the memory is unused. */
  isSparse(): boolean {
    return this.#pool.isSparse();
  }

  /** As {@link CellPool.compact}; keys count, too. Then comes `reindex`. */
  compact(): Int32Array {
    return this.#pool.compact();
  }

  /** Calculates the index anew, for new capacity or changed keys. */
  reindex(): void {
    const bits = 32 - Math.clz32(this.#pool.capacity - 1);
    this.#shift = 32 - bits;
    this.#buckets = new Int32Array(1 << bits).fill(NONE);
    const { data, stride } = this.#pool;
    this.#pool.forEach((cell) => {
      const keyA = data[cell * stride + KEY_A] as number;
      const keyB = data[cell * stride + KEY_B] as number;
      if (keyA >= 0) this.link(cell, keyA, keyB);
    });
  }

  /** Calls back for every live cell. */
  forEach(visit: (cell: number) => void): void {
    this.#pool.forEach(visit);
  }

  /** All but the index, which has a seed of its own in each table. */
  save(): SavedCells {
    return this.#pool.save();
  }

  /** Makes this table what another one of the same stride was. */
  restore(saved: SavedCells): void {
    this.#pool.restore(saved);
    this.reindex();
  }

  #bucketOf(keyA: number, keyB: number): number {
    let hash = Math.imul(keyA ^ this.#seed, 0x9e3779b1) + keyB | 0;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> this.#shift;
  }
}
