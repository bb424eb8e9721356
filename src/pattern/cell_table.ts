// libzmq: none · runs on: app thread · RFC: –

/** Field of every cell: the next cell of its bucket, or of the free list. */
const NEXT = 0;
/** Field of every cell: first key; also tells free cells from live ones. */
export const KEY_A = 1;
/** Field of every cell: second key. */
export const KEY_B = 2;
/** The first field that is the user's. */
export const FIRST_FIELD = 3;

/** Value of `KEY_A` in a live cell that is in no bucket. */
export const UNLINKED = -1;
const FREE = -2;
const NONE = -1;

/** A {@link CellTable} on its way to another thread. */
export interface SavedCells {
  readonly data: Int32Array;
  readonly live: number;
  readonly used: number;
  readonly freeHead: number;
}

/** Cells of a fresh table; it shrinks to this again. */
const CAPACITY_MIN = 8;

/**
 * Records of a few 32-bit integers in one typed array, with a free list and a
 * hash index over two of their fields.
 *
 * A subscription costs some tens of octets this way, where a JavaScript object
 * with a typed array in it costs hundreds (libzmq: 1,369 for a random topic).
 * Cells are named by number; numbers change only in `compact`.
 */
export class CellTable {
  /** Field f of cell c is `data[c * stride + f]`. */
  data: Int32Array;
  /** How many cells are in use. */
  live: number;
  readonly #stride: number;
  /** Cells in use or in the free list; those behind were never used. */
  #used: number;
  #freeHead: number;
  /** First cell of each bucket; the length is a power of two. */
  #buckets: Int32Array;
  #shift: number;
  /** Mixed into hashes, so that peers cannot choose keys that collide. */
  readonly #seed: number;

  /** @param stride Fields of a cell, the first three being the table's. */
  constructor(stride: number, seed: number) {
    this.#stride = stride;
    this.#seed = seed | 0;
    this.data = new Int32Array(CAPACITY_MIN * stride);
    this.live = 0;
    this.#used = 0;
    this.#freeHead = NONE;
    this.#buckets = new Int32Array(0);
    this.#shift = 0;
    this.reindex();
  }

  /** How many cells fit without growing. */
  get capacity(): number {
    return this.data.length / this.#stride;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.data.byteLength + this.#buckets.byteLength;
  }

  /** A fresh cell in no bucket; its other fields are 0. */
  allocate(): number {
    let cell = this.#freeHead;
    if (cell === NONE) {
      if (this.#used === this.capacity) this.#grow();
      cell = this.#used++;
    } else {
      this.#freeHead = this.data[cell * this.#stride + NEXT] as number;
    }
    const start = cell * this.#stride;
    this.data.fill(0, start, start + this.#stride);
    this.data[start + KEY_A] = UNLINKED;
    this.live++;
    return cell;
  }

  /** Gives a cell back; it must be in no bucket. */
  free(cell: number): void {
    const start = cell * this.#stride;
    this.data[start + KEY_A] = FREE;
    this.data[start + NEXT] = this.#freeHead;
    this.#freeHead = cell;
    this.live--;
  }

  /** The cell with these keys, or -1. */
  find(keyA: number, keyB: number): number {
    const data = this.data;
    let cell = this.#buckets[this.#bucketOf(keyA, keyB)] as number;
    while (cell !== NONE) {
      const start = cell * this.#stride;
      if (data[start + KEY_B] === keyB && data[start + KEY_A] === keyA) {
        return cell;
      }
      cell = data[start + NEXT] as number;
    }
    return NONE;
  }

  /** Gives an unlinked cell its keys, from now on found under them. */
  link(cell: number, keyA: number, keyB: number): void {
    const start = cell * this.#stride;
    const bucket = this.#bucketOf(keyA, keyB);
    this.data[start + KEY_A] = keyA;
    this.data[start + KEY_B] = keyB;
    this.data[start + NEXT] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = cell;
  }

  /** Takes a cell out of its bucket. */
  unlink(cell: number): void {
    const data = this.data;
    const start = cell * this.#stride;
    const bucket = this.#bucketOf(
      data[start + KEY_A] as number,
      data[start + KEY_B] as number,
    );
    const next = data[start + NEXT] as number;
    let before = this.#buckets[bucket] as number;
    if (before === cell) {
      this.#buckets[bucket] = next;
    } else {
      while (data[before * this.#stride + NEXT] !== cell) {
        before = data[before * this.#stride + NEXT] as number;
      }
      data[before * this.#stride + NEXT] = next;
    }
    data[start + KEY_A] = UNLINKED;
  }

  /** Whether most of the memory is unused. */
  isSparse(): boolean {
    return this.capacity > CAPACITY_MIN && this.live * 4 < this.capacity;
  }

  /**
   * Moves the live cells together and gives memory back. Gives the new number
   * of each old cell (order is kept). The caller renumbers every field that
   * holds a cell's number, keys included, and then calls `reindex`.
   */
  compact(): Int32Array {
    const stride = this.#stride;
    const old = this.data;
    const renumbered = new Int32Array(this.#used).fill(NONE);
    const capacity = Math.max(CAPACITY_MIN, this.live + (this.live >> 1));
    const data = new Int32Array(capacity * stride);
    let to = 0;
    for (let cell = 0; cell < this.#used; cell++) {
      if (old[cell * stride + KEY_A] === FREE) continue;
      data.set(old.subarray(cell * stride, (cell + 1) * stride), to * stride);
      renumbered[cell] = to++;
    }
    this.data = data;
    this.#used = to;
    this.#freeHead = NONE;
    return renumbered;
  }

  /** Calculates the index anew, for new capacity or changed keys. */
  reindex(): void {
    const bits = 32 - Math.clz32(this.capacity - 1);
    this.#shift = 32 - bits;
    this.#buckets = new Int32Array(1 << bits).fill(NONE);
    const data = this.data;
    for (let cell = 0; cell < this.#used; cell++) {
      const keyA = data[cell * this.#stride + KEY_A] as number;
      const keyB = data[cell * this.#stride + KEY_B] as number;
      if (keyA >= 0) this.link(cell, keyA, keyB);
    }
  }

  /** All but the index, which has a seed of its own in each table. */
  save(): SavedCells {
    return {
      data: this.data,
      live: this.live,
      used: this.#used,
      freeHead: this.#freeHead,
    };
  }

  /** Makes this table what another one of the same stride was. */
  restore(saved: SavedCells): void {
    this.data = saved.data;
    this.live = saved.live;
    this.#used = saved.used;
    this.#freeHead = saved.freeHead;
    this.reindex();
  }

  /** Calls back for every live cell. */
  forEach(visit: (cell: number) => void): void {
    for (let cell = 0; cell < this.#used; cell++) {
      if (this.data[cell * this.#stride + KEY_A] !== FREE) visit(cell);
    }
  }

  #bucketOf(keyA: number, keyB: number): number {
    let hash = Math.imul(keyA ^ this.#seed, 0x9e3779b1) + keyB | 0;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> this.#shift;
  }

  #grow(): void {
    const capacity = this.capacity + (this.capacity >> 1);
    const data = new Int32Array(capacity * this.#stride);
    data.set(this.data);
    this.data = data;
    if (capacity > this.#buckets.length) this.reindex();
  }
}
