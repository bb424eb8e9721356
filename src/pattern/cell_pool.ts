// libzmq: none · runs on: app thread · RFC: –

/** Field of every cell: the next free one, or whatever links live ones. */
export const NEXT = 0;
/** Field of every cell: tells free cells, where it is FREE, from live ones. */
export const MARK = 1;
/** The first field that is the user's. */
export const POOL_FIELDS = 2;

/** Value of `MARK` in a live cell that was just allocated. */
export const UNLINKED = -1;
const FREE = -2;
const NONE = -1;

/** A {@link CellPool} on its way to another thread. */
export interface SavedCells {
  readonly data: Int32Array;
  readonly live: number;
  readonly used: number;
  readonly freeHead: number;
}

/** Cells of a fresh pool; it shrinks to this again. */
const CAPACITY_MIN = 8;

/**
 * Records of a few 32-bit integers in one typed array, with a free list.
 *
 * A subscription costs some tens of octets this way, where a JavaScript object
 * with a typed array in it costs hundreds (libzmq: 1,369 for a random topic).
 * Cells are named by number; numbers change only in `compact`.
 */
export class CellPool {
  /** Field f of cell c is `data[c * stride + f]`. */
  data: Int32Array;
  /** How many cells are in use. */
  live: number;
  readonly stride: number;
  /** Cells in use or in the free list; those behind were never used. */
  #used: number;
  #freeHead: number;

  /** @param stride Fields of a cell, the first two being the pool's. */
  constructor(stride: number) {
    this.stride = stride;
    this.data = new Int32Array(CAPACITY_MIN * stride);
    this.live = 0;
    this.#used = 0;
    this.#freeHead = NONE;
  }

  /** How many cells fit without growing. */
  get capacity(): number {
    return this.data.length / this.stride;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.data.byteLength;
  }

  /** A fresh cell, unlinked; its other fields are 0. */
  allocate(): number {
    let cell = this.#freeHead;
    if (cell === NONE) {
      if (this.#used === this.capacity) this.#grow();
      cell = this.#used++;
    } else {
      this.#freeHead = this.data[cell * this.stride + NEXT] as number;
    }
    const start = cell * this.stride;
    this.data.fill(0, start, start + this.stride);
    this.data[start + MARK] = UNLINKED;
    this.live++;
    return cell;
  }

  /** Gives a cell back; nothing may refer to it any more. */
  free(cell: number): void {
    const start = cell * this.stride;
    this.data[start + MARK] = FREE;
    this.data[start + NEXT] = this.#freeHead;
    this.#freeHead = cell;
    this.live--;
  }

  /** Whether most of the memory is unused. */
  isSparse(): boolean {
    return this.capacity > CAPACITY_MIN && this.live * 4 < this.capacity;
  }

  /**
   * Moves the live cells together and gives memory back. Gives the new number
   * of each old cell (order is kept). The caller renumbers every field that
   * holds a cell's number.
   */
  compact(): Int32Array {
    const { stride } = this;
    const old = this.data;
    const renumbered = new Int32Array(this.#used).fill(NONE);
    const capacity = Math.max(CAPACITY_MIN, this.live + (this.live >> 1));
    const data = new Int32Array(capacity * stride);
    let to = 0;
    for (let cell = 0; cell < this.#used; cell++) {
      if (old[cell * stride + MARK] === FREE) continue;
      data.set(old.subarray(cell * stride, (cell + 1) * stride), to * stride);
      renumbered[cell] = to++;
    }
    this.data = data;
    this.#used = to;
    this.#freeHead = NONE;
    return renumbered;
  }

  save(): SavedCells {
    return {
      data: this.data,
      live: this.live,
      used: this.#used,
      freeHead: this.#freeHead,
    };
  }

  /** Makes this pool what another one of the same stride was. */
  restore(saved: SavedCells): void {
    this.data = saved.data;
    this.live = saved.live;
    this.#used = saved.used;
    this.#freeHead = saved.freeHead;
  }

  /** Calls back for every live cell. */
  forEach(visit: (cell: number) => void): void {
    for (let cell = 0; cell < this.#used; cell++) {
      if (this.data[cell * this.stride + MARK] !== FREE) visit(cell);
    }
  }

  /** Makes room for half as many cells more. */
  #grow(): void {
    const capacity = this.capacity + (this.capacity >> 1);
    const data = new Int32Array(capacity * this.stride);
    data.set(this.data);
    this.data = data;
  }
}
