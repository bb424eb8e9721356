// libzmq: poller_base.cpp (timers) · runs on: io thread · RFC: –

/** A pending timer. */
export interface Timer {
  /** When it is due, in milliseconds of the queue's clock. */
  readonly dueMs: number;
}

class Entry implements Timer {
  readonly dueMs: number;
  readonly order: number;
  callback: (() => void) | null;
  /** Place in the heap, -1 when out of it. */
  place = -1;

  constructor(dueMs: number, order: number, callback: () => void) {
    this.dueMs = dueMs;
    this.order = order;
    this.callback = callback;
  }
}

/** Timers of one thread: a binary heap, so adding and cancelling is O(log n). */
export class TimerQueue {
  readonly #now: () => number;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** @param now The clock, in milliseconds; must never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Calls back once, not before so many milliseconds have passed. */
  add(delayMs: number, callback: () => void): Timer {
    return this.addAt(this.#now() + delayMs, callback);
  }

  /** Calls back once, not before the queue's clock shows that time. */
  addAt(dueMs: number, callback: () => void): Timer {
    const entry = new Entry(dueMs, this.#order++, callback);
    entry.place = this.#heap.length;
    this.#heap.push(entry);
    this.#up(entry);
    return entry;
  }

  /** Forgets a timer; nothing happens when it already went off. */
  cancel(timer: Timer): void {
    const entry = timer as Entry;
    entry.callback = null;
    if (entry.place >= 0) this.#removeAt(entry.place);
  }

  /** Forgets all timers. */
  clear(): void {
    for (const entry of this.#heap.splice(0)) {
      entry.callback = null;
      entry.place = -1;
    }
  }

  /**
   * Calls what is due, and no timer that is added meanwhile.
   *
   * @returns Milliseconds until the next timer, rounded up; -1 = none.
   */
  execute(): number {
    const heap = this.#heap;
    if (heap.length === 0) return -1;
    const now = this.#now();
    const last = this.#order;
    while (heap.length > 0) {
      const first = heap[0] as Entry;
      if (first.dueMs > now || first.order >= last) break;
      this.#removeAt(0);
      const { callback } = first;
      first.callback = null;
      callback?.();
    }
    const next = heap[0];
    if (next === undefined) return -1;
    // The callbacks took their time.
    return Math.max(0, Math.ceil(next.dueMs - this.#now()));
  }

  #removeAt(place: number): void {
    const heap = this.#heap;
    const entry = heap[place] as Entry;
    const last = heap.pop() as Entry;
    entry.place = -1;
    if (last === entry) return;
    heap[place] = last;
    last.place = place;
    this.#down(last);
    this.#up(last);
  }

  #up(entry: Entry): void {
    const heap = this.#heap;
    let place = entry.place;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = heap[parentPlace] as Entry;
      if (!before(entry, parent)) break;
      heap[place] = parent;
      parent.place = place;
      place = parentPlace;
    }
    heap[place] = entry;
    entry.place = place;
  }

  #down(entry: Entry): void {
    const heap = this.#heap;
    let place = entry.place;
    for (;;) {
      let childPlace = 2 * place + 1;
      if (childPlace >= heap.length) break;
      const right = heap[childPlace + 1];
      if (right !== undefined && before(right, heap[childPlace] as Entry)) {
        childPlace++;
      }
      const child = heap[childPlace] as Entry;
      if (!before(child, entry)) break;
      heap[place] = child;
      child.place = place;
      place = childPlace;
    }
    heap[place] = entry;
    entry.place = place;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
