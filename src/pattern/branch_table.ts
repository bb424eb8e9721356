// libzmq: none · runs on: app thread · RFC: –

// Fields of a branch: 32 octets, half a cache line.
/** The node it leads away from. */
export const PARENT = 0;
/** The first four octets of its label, the first one lowest… */
export const HEAD = 1;
/** …and the next four; octets behind a shorter label are 0. */
export const TAIL = 2;
export const LABEL_LENGTH = 3;
/** Where the label's octets are. */
export const LABEL_START = 4;
/** The node it leads to. */
export const CHILD = 5;
/** The number stored at that node. */
export const VALUE = 6;
/** Fields of a branch; a power of two, for the sake of cache lines. */
const BRANCH = 8;
const BRANCH_SHIFT = 3;

/** Octets of a label that are in the branch itself. */
export const INLINE_OCTETS = 8;

const NONE = -1;
const EMPTY = -1;

/** The first place: the root's, to which no branch leads. */
export const ROOT_PLACE = 0;

/** Places of a fresh table, the root's aside; it shrinks to this again. */
const CAPACITY_MIN = 8;

/**
 * The branches of a tree, found by the node that they leave and the first
 * octet of their label: open addressing, so that a step of a walk touches one
 * cache line, in which is all that a walk asks.
 *
 * A branch has a place until the next `insert`, `remove` or `rebuild`; who is
 * moved is told.
 */
export class BranchTable {
  /** Field f of the branch at place p is `data[p + f]`. */
  data: Int32Array;
  #live: number;
  /** The last place. */
  #last: number;
  #shift: number;
  /** Mixed into hashes, so that peers cannot choose labels that collide. */
  readonly #seed: number;
  readonly #moved: (child: number, place: number) => void;

  constructor(seed: number, moved: (child: number, place: number) => void) {
    this.#seed = seed | 0;
    this.#moved = moved;
    this.data = emptyPlaces(CAPACITY_MIN);
    this.#live = 0;
    this.#last = CAPACITY_MIN << BRANCH_SHIFT;
    this.#shift = shiftFor(CAPACITY_MIN);
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.data.byteLength;
  }

  /** Whether most of the memory is unused. */
  isSparse(): boolean {
    return this.#capacity > CAPACITY_MIN && this.#live * 8 < this.#capacity;
  }

  /** The place of a branch, or -1. */
  find(parent: number, octet: number): number {
    const data = this.data;
    const last = this.#last;
    let place = this.#home(parent, octet);
    for (;;) {
      const found = data[place + PARENT] as number;
      if (
        found === parent && ((data[place + HEAD] as number) & 0xff) === octet
      ) return place;
      if (found === EMPTY) return NONE;
      place = place === last ? BRANCH : place + BRANCH;
    }
  }

  /** A place for a new branch; only its two keys and its child are set. */
  insert(parent: number, octet: number, child: number): number {
    // Two thirds full at most: else who is not there is looked for too long.
    if ((this.#live + 1) * 3 > this.#capacity * 2) this.rebuild(null);
    this.#live++;
    const place = this.#freePlace(parent, octet);
    this.data[place + PARENT] = parent;
    this.data[place + HEAD] = octet;
    this.data[place + CHILD] = child;
    this.#moved(child, place);
    return place;
  }

  /** Takes a branch out; those that it was in the way of move up. */
  remove(place: number): void {
    const data = this.data;
    let hole = place;
    for (let at = place;;) {
      at = at === this.#last ? BRANCH : at + BRANCH;
      const parent = data[at + PARENT] as number;
      if (parent === EMPTY) break;
      const home = this.#home(parent, (data[at + HEAD] as number) & 0xff);
      // It stays if its home lies behind the hole: nobody would find it there.
      const isBehind = hole <= at
        ? hole < home && home <= at
        : hole < home || home <= at;
      if (isBehind) continue;
      data.copyWithin(hole, at, at + BRANCH);
      this.#moved(data[hole + CHILD] as number, hole);
      hole = at;
    }
    data.fill(0, hole, hole + BRANCH);
    data[hole + PARENT] = EMPTY;
    this.#live--;
  }

  /** Takes over so many branches of another table, which had another seed. */
  restore(data: Int32Array, live: number): void {
    this.data = data;
    this.#live = live;
    this.rebuild(null);
  }

  /**
   * Puts all branches into a table of the right size, a quarter to half full.
   *
   * @param numbers The new number of each node; null if they keep theirs.
   */
  rebuild(numbers: Int32Array | null): void {
    const old = this.data;
    const need = Math.max(CAPACITY_MIN, 2 * this.#live);
    const capacity = 1 << (32 - Math.clz32(need - 1));
    this.data = emptyPlaces(capacity);
    this.#last = capacity << BRANCH_SHIFT;
    this.#shift = shiftFor(capacity);
    this.data.set(old.subarray(0, BRANCH));
    for (let from = BRANCH; from < old.length; from += BRANCH) {
      if (old[from + PARENT] === EMPTY) continue;
      this.#putBack(old, from, numbers);
    }
  }

  get #capacity(): number {
    return this.#last >>> BRANCH_SHIFT;
  }

  #putBack(old: Int32Array, from: number, numbers: Int32Array | null): void {
    let parent = old[from + PARENT] as number;
    let child = old[from + CHILD] as number;
    if (numbers !== null) {
      parent = numbers[parent] as number;
      child = numbers[child] as number;
    }
    const octet = (old[from + HEAD] as number) & 0xff;
    const place = this.#freePlace(parent, octet);
    for (let i = 0; i < BRANCH; i++) {
      this.data[place + i] = old[from + i] as number;
    }
    this.data[place + PARENT] = parent;
    this.data[place + CHILD] = child;
    this.#moved(child, place);
  }

  #freePlace(parent: number, octet: number): number {
    let place = this.#home(parent, octet);
    while (this.data[place + PARENT] !== EMPTY) {
      place = place === this.#last ? BRANCH : place + BRANCH;
    }
    return place;
  }

  /** Where a branch is looked for first. */
  #home(parent: number, octet: number): number {
    let hash = Math.imul(parent ^ this.#seed, 0x9e3779b1) + octet | 0;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    const index = (hash ^ (hash >>> 13)) >>> this.#shift;
    return (index + 1) << BRANCH_SHIFT;
  }
}

function shiftFor(capacity: number): number {
  return 32 - (31 - Math.clz32(capacity));
}

/** So many free places, and the root's, which is in use. */
function emptyPlaces(capacity: number): Int32Array {
  const data = new Int32Array((1 + capacity) * BRANCH);
  for (let at = BRANCH; at < data.length; at += BRANCH) data[at] = EMPTY;
  return data;
}
