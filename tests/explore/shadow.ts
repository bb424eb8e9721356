// What the explorer remembers of each word and byte of shared memory: who
// accessed it last, and which accesses come before which.

/** Threads of one execution, the one that sets the scene included. */
export const THREADS_MAX = 6;

/** A vector clock: how many steps of each thread come before. */
export type Clock = Int32Array;

/** Two accesses that nothing orders, one of them plain and one a write. */
export class DataRace extends Error {}

/** The last accesses of each kind to one place, one entry per thread. */
class Cell {
  execution = -1;
  /** What the last atomic write publishes; null before the first. */
  published: Clock | null = null;
  readonly #publishing: Clock = new Int32Array(THREADS_MAX);
  readonly plainReads: Clock = new Int32Array(THREADS_MAX);
  readonly plainWrites: Clock = new Int32Array(THREADS_MAX);
  readonly atomicReads: Clock = new Int32Array(THREADS_MAX);
  readonly atomicWrites: Clock = new Int32Array(THREADS_MAX);
  /** Where each thread's last plain and atomic access was made. */
  readonly plainSites: Int32Array = new Int32Array(THREADS_MAX);
  readonly atomicSites: Int32Array = new Int32Array(THREADS_MAX);
  /** Single bytes of the word were accessed. */
  split = false;

  renew(execution: number): void {
    this.execution = execution;
    this.published = null;
    // Faster than to fill so short arrays.
    for (let i = 0; i < THREADS_MAX; i++) {
      this.plainReads[i] = 0;
      this.plainWrites[i] = 0;
      this.atomicReads[i] = 0;
      this.atomicWrites[i] = 0;
    }
    this.split = false;
  }

  publish(clock: Clock): void {
    this.#publishing.set(clock);
    this.published = this.#publishing;
  }
}

interface Numbered {
  /** Number of the buffer's first word. */
  base?: number;
}

/** Joins a clock into another. */
export function join(into: Clock, from: Clock): void {
  for (let i = 0; i < THREADS_MAX; i++) {
    if ((from[i] as number) > (into[i] as number)) into[i] = from[i] as number;
  }
}

/**
 * The memory model of JavaScript without its weak part: atomics are
 * sequentially consistent, and a program whose plain accesses are all ordered
 * by them has no other behaviour. That they are is checked here.
 */
export class Shadow {
  /** Clocks by thread; each thread's own entry is at least 1. */
  readonly clocks: Clock[] = [];
  readonly #words: (Cell | undefined)[] = [];
  readonly #bytes: (Cell | undefined)[] = [];
  #execution = 0;
  #nextBase = 1;

  /** Forgets everything: another execution begins. */
  renew(): void {
    this.#execution++;
    for (let i = 0; i < THREADS_MAX; i++) {
      const clock = this.clocks[i] ??= new Int32Array(THREADS_MAX);
      clock.fill(0);
      clock[i] = 1;
    }
  }

  /**
   * A number for a word of shared memory, the same in all executions; -1 for
   * private memory.
   */
  place(words: Int32Array | Uint8Array, wordIndex: number): number {
    const buffer = words.buffer as SharedArrayBuffer & Numbered;
    if (buffer.base === undefined) {
      if (!(buffer instanceof SharedArrayBuffer)) return -1;
      buffer.base = this.#nextBase;
      this.#nextBase += buffer.byteLength >>> 2;
    }
    return buffer.base + (words.byteOffset >>> 2) + wordIndex;
  }

  /** An atomic access by a thread. */
  atomic(
    thread: number,
    place: number,
    reads: boolean,
    writes: boolean,
    site: number,
  ): void {
    const cell = this.#cell(this.#words, place);
    const clock = this.clocks[thread] as Clock;
    check(clock, thread, cell.plainWrites, cell.plainSites, site);
    if (writes) check(clock, thread, cell.plainReads, cell.plainSites, site);
    if (cell.split) this.#checkBytes(thread, place, writes, site);
    if (reads && cell.published !== null) join(clock, cell.published);
    const now = clock[thread] as number;
    cell.atomicSites[thread] = site;
    if (reads) cell.atomicReads[thread] = now;
    if (!writes) return;
    cell.atomicWrites[thread] = now;
    cell.publish(clock);
    clock[thread] = now + 1;
  }

  /** A plain access to a word. */
  plain(thread: number, place: number, writes: boolean, site: number): void {
    const cell = this.#cell(this.#words, place);
    this.#plain(cell, thread, writes, site);
    if (cell.split) this.#checkBytes(thread, place, writes, site);
    this.#note(cell, thread, writes, site);
  }

  /** Plain accesses to a range of bytes; whole words count as words. */
  plainBytes(
    thread: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    writes: boolean,
    site: number,
  ): void {
    const first = this.place(bytes, -(bytes.byteOffset >>> 2));
    if (first < 0) return;
    const end = bytes.byteOffset + to;
    for (let offset = bytes.byteOffset + from; offset < end;) {
      if ((offset & 3) === 0 && offset + 4 <= end) {
        this.plain(thread, first + (offset >>> 2), writes, site);
        offset += 4;
      } else this.#plainByte(thread, first, offset++, writes, site);
    }
  }

  #plainByte(
    thread: number,
    first: number,
    offset: number,
    writes: boolean,
    site: number,
  ): void {
    const place = first + (offset >>> 2);
    const word = this.#cell(this.#words, place);
    this.#plain(word, thread, writes, site);
    word.split = true;
    const cell = this.#cell(this.#bytes, place * 4 + (offset & 3));
    this.#plain(cell, thread, writes, site);
    this.#note(cell, thread, writes, site);
  }

  /** What one thread did so far comes before what the other does from now. */
  order(before: number, after: number): void {
    const clock = this.clocks[before] as Clock;
    join(this.clocks[after] as Clock, clock);
    clock[before] = (clock[before] as number) + 1;
  }

  #cell(cells: (Cell | undefined)[], at: number): Cell {
    const cell = cells[at] ??= new Cell();
    if (cell.execution !== this.#execution) cell.renew(this.#execution);
    return cell;
  }

  #plain(cell: Cell, thread: number, writes: boolean, site: number): void {
    const clock = this.clocks[thread] as Clock;
    check(clock, thread, cell.plainWrites, cell.plainSites, site);
    check(clock, thread, cell.atomicWrites, cell.atomicSites, site);
    if (!writes) return;
    check(clock, thread, cell.plainReads, cell.plainSites, site);
    check(clock, thread, cell.atomicReads, cell.atomicSites, site);
  }

  #checkBytes(
    thread: number,
    place: number,
    writes: boolean,
    site: number,
  ): void {
    for (let i = 0; i < 4; i++) {
      this.#plain(this.#cell(this.#bytes, place * 4 + i), thread, writes, site);
    }
  }

  #note(cell: Cell, thread: number, writes: boolean, site: number): void {
    const now = (this.clocks[thread] as Clock)[thread] as number;
    (writes ? cell.plainWrites : cell.plainReads)[thread] = now;
    cell.plainSites[thread] = site;
  }
}

function check(
  clock: Clock,
  thread: number,
  others: Clock,
  sites: Int32Array,
  site: number,
): void {
  for (let other = 0; other < THREADS_MAX; other++) {
    if ((others[other] as number) <= (clock[other] as number)) continue;
    if (other === thread) continue;
    throw new DataRace(
      `nothing orders ${siteName(sites[other] as number)} of thread ${other} ` +
        `and ${siteName(site)} of thread ${thread}`,
    );
  }
}

let siteNames: readonly string[] = [];

/** Names the places in the sources that accesses are made at. */
export function nameSites(names: readonly string[]): void {
  siteNames = names;
}

/** The names as they were given, for what is known of the places by number. */
export function namesOfSites(): readonly string[] {
  return siteNames;
}

/** "queue_writer.ts:241" */
export function siteName(site: number): string {
  return siteNames[site] ?? `site ${site}`;
}
