// libzmq: none · runs on: any · RFC: –

/** Places of a small map, and of one that is not worth shrinking. */
const CAPACITY_MIN = 8;
const SHRINK_MIN = 128;

// Of maps without entries: most of them never have any.
const NO_KEYS: Int32Array = new Int32Array(1);
const NO_VALUES: readonly undefined[] = [undefined];

/**
 * Objects by 32-bit integers, in no particular order.
 *
 * For maps that live long and whose entries come and go. A `Map` renews its
 * table now and then, and the runtimes link each old table to the next one, for
 * iterators. Once a collector of young objects has taken one of them for old,
 * all that come after it are reachable, with all that they held, until the next
 * full collection: each connection that there ever was would stay. Here nothing
 * refers to what has gone.
 */
export class NumberMap<T extends object> {
  /** A key is in use where there is a value; the length is a power of two. */
  #keys: Int32Array = NO_KEYS;
  #values: (T | undefined)[] = NO_VALUES as undefined[];
  #size = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** The object with this number. */
  get(key: number): T | undefined {
    return this.#values[this.#find(key)];
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  /** Adds an object, instead of the former one with its number. */
  set(key: number, value: T): void {
    let at = this.#find(key);
    if (this.#values[at] === undefined) {
      this.#size++;
      if (2 * this.#size > this.#keys.length) {
        this.#resize(Math.max(CAPACITY_MIN, 2 * this.#keys.length));
        at = this.#find(key);
      }
    }
    this.#keys[at] = key;
    this.#values[at] = value;
  }

  /** Removes an entry; nothing happens when there is none. */
  delete(key: number): void {
    const values = this.#values;
    let hole = this.#find(key);
    if (values[hole] === undefined) return;
    const keys = this.#keys;
    const mask = keys.length - 1;
    // What did not find its own place free moves up.
    for (let at = (hole + 1) & mask;; at = (at + 1) & mask) {
      const value = values[at];
      if (value === undefined) break;
      const other = keys[at] as number;
      if (((at - home(other, mask)) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = other;
      values[hole] = value;
      hole = at;
    }
    values[hole] = undefined;
    this.#size--;
    if (keys.length >= SHRINK_MIN && 8 * this.#size < keys.length) {
      this.#resize(keys.length / 2);
    }
  }

  clear(): void {
    this.#keys = NO_KEYS;
    this.#values = NO_VALUES as undefined[];
    this.#size = 0;
  }

  /** All objects, as of now. */
  values(): T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** Where a key is, or would be. */
  #find(key: number): number {
    const keys = this.#keys;
    const values = this.#values;
    const mask = keys.length - 1;
    let at = home(key, mask);
    while (values[at] !== undefined && keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #resize(capacity: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(capacity);
    this.#values = new Array(capacity).fill(undefined);
    for (let from = 0; from < values.length; from++) {
      if (values[from] === undefined) continue;
      const at = this.#find(keys[from] as number);
      this.#keys[at] = keys[from] as number;
      this.#values[at] = values[from];
    }
  }
}

/** The place that a key would like to have. */
function home(key: number, mask: number): number {
  // Only the product's upper bits depend on all of the key's.
  const product = Math.imul(key, 0x9e3779b1);
  return (product ^ (product >>> 15)) & mask;
}
