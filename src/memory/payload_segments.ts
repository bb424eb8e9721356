// libzmq: yqueue.hpp (chunks), msg.cpp (allocation) · runs on: any · RFC: –

import { assert } from "../base/assert.ts";
import { ZmqError } from "../base/errors.ts";
import {
  add,
  and,
  compareExchange,
  exchange,
  get,
  load,
  notifyAll,
  or,
  put,
  store,
  wait,
} from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { H } from "./layout.ts";
import {
  allocationSize,
  CLASS_BYTES,
  classOf,
  GRANULE_SHIFT,
  PAGE_CLASS,
} from "./size_class.ts";
import {
  arePagesFree,
  cleanPages,
  extendPages,
  findPages,
  givePages,
  initPageMap,
  isFreePage,
  mapPages,
  PAGE_BYTES,
  PAGE_SHIFT,
  runPages,
  takePages,
} from "./page_map.ts";
import { KeptRuns } from "./kept_runs.ts";
import { RunCache } from "./run_cache.ts";
import type { ControlSegment } from "./control_segment.ts";

/** A place in payload memory: segment << 23 | granule. 0 = none. */
export type Ref = number;

const SEGMENT_SHIFT = 23;
const GRANULE_MASK = (1 << SEGMENT_SHIFT) - 1;
const PAGE_GRANULES_SHIFT = PAGE_SHIFT - GRANULE_SHIFT;

/** Cells of a class that a thread keeps for itself. */
const CACHE_MAX = 32;
/** Cells of the two largest classes that stay on the shared stack. */
const STACK_MAX = 64;

/** First payload segment, bytes; untouched pages cost nothing. */
export const FIRST_SEGMENT_BYTES: number = 64 << 20;
/** Later segments, bytes, unless one message needs more. */
const NEXT_SEGMENT_BYTES = 256 << 20;
/** No segment is larger: typed arrays of 2^31 bytes are slow in JSC. */
export const SEGMENT_MAX_BYTES: number = 2 ** 31 - PAGE_BYTES;
/** The most that one allocation may ask for: a segment less its page map. */
export const ALLOCATION_MAX_BYTES: number = SEGMENT_MAX_BYTES -
  mapPages(SEGMENT_MAX_BYTES) * PAGE_BYTES;
/** Segments of one context. */
const SEGMENTS_MAX = 128;

/** How long a thread looks for no news of its segment's keeper, ms. */
const KEEPER_WAIT_MS = 50;
/** How often it does, before it goes on without. */
const KEEPER_WAITS_MAX = 200;

/** Freed pages that are kept for reuse while no thread trims them: 32 MiB. */
const DIRTY_PAGES_MAX = (32 << 20) / PAGE_BYTES;

/** Freed pages that are not trimmed: 1 MiB. */
const DIRTY_PAGES_MIN = (1 << 20) / PAGE_BYTES;

/** Pages that are given back while the allocator is locked: 4 MiB. */
const TRIM_STEP_PAGES = (4 << 20) / PAGE_BYTES;

/** Unused cells of a small class before whole pages are looked for, bytes. */
const SWEEP_BYTES_MIN = 4 << 20;

/** Brings segments that one thread made to the others. */
export interface SegmentCourier {
  publish(index: number, buffer: SharedArrayBuffer): void;
  /**
   * @param makerLives Whether there is hope as long as nobody answers.
   * @throws {ZmqError} EOWNERDEAD when nobody has it any more.
   */
  obtain(index: number, makerLives: () => boolean): SharedArrayBuffer;
  close(): void;
}

/** The error of a thread that needs a segment which is nowhere any more. */
export function lostSegmentError(index: number): ZmqError {
  return new ZmqError("EOWNERDEAD", {
    message: `Message memory is gone: the thread that made payload segment ` +
      `${index} ended before any other thread had it; ` +
      `make another context to go on`,
  });
}

/**
 * One thread's view of a context's payload memory and its allocator.
 *
 * Cells come from a cache of this thread, then from a stack shared by all
 * threads (pushed by compare-and-swap, taken whole), then from fresh pages
 * under a lock. The free-list links of pages that were given back to the
 * system are in the segment's page map, never in the pages.
 */
export class PayloadSegments {
  readonly bytes: Uint8Array[] = [];
  readonly words: Words[] = [];
  readonly #addresses: number[] = [];
  readonly #control: ControlSegment;
  readonly #courier: SegmentCourier;
  #dropped = false;
  /** Segments whose keeper this thread has waited for. */
  readonly #keptSeen: Set<number> = new Set();
  /** Segments that did not come when this thread wanted to allocate. */
  readonly #unreachable: Set<number> = new Set();
  readonly #caches: number[][] = CLASS_BYTES.map(() => []);
  /** Unused cells at which whole pages are looked for, per small class. */
  readonly #sweepAt: number[] = CLASS_BYTES.map((size) =>
    SWEEP_BYTES_MIN / size
  );

  readonly #keptRuns: KeptRuns;
  readonly #runCache: RunCache = new RunCache();
  /** Whether runs were taken or freed of late. */
  #runsUsed = false;

  constructor(
    control: ControlSegment,
    buffers: readonly SharedArrayBuffer[],
    courier: SegmentCourier,
  ) {
    this.#control = control;
    this.#courier = courier;
    this.#keptRuns = new KeptRuns(control.words, (ref) => this.#mapOf(ref));
    buffers.forEach((buffer, index) => this.#adopt(index, buffer));
  }

  /** Makes the first segment of a new context. */
  static allocateFirst(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(FIRST_SEGMENT_BYTES);
    initPageMap(new Int32Array(buffer));
    return buffer;
  }

  /** Asks the reaper to take the segments that it does not have yet. */
  onAdded: (() => void) | null = null;

  /**
   * Whether the reaper is going to take segments. Set on a thread that may end
   * before the context does, and takes along what only it has: such a thread
   * lets nobody refer to a segment before the reaper has it, too.
   */
  keeperRuns: (() => boolean) | null = null;

  /**
   * For the reaper: takes a segment, so that it outlives its maker. One that is
   * not to be had is marked, and nobody looks for it any more.
   */
  keep(index: number): void {
    const { words } = this.#control;
    const bit = segmentBit(index);
    if ((load(words, lostWord(index)) & bit) !== 0) return;
    try {
      this.segment(index << SEGMENT_SHIFT);
    } catch {
      or(words, lostWord(index), bit);
    }
    if (this.bytes[index] !== undefined) or(words, keptWord(index), bit);
    // Wakes its maker, who asks again if it lives.
    notifyAll(words, keptWord(index));
  }

  /** Index of the segment that a place lies in. */
  segment(ref: Ref): number {
    const index = ref >>> SEGMENT_SHIFT;
    if (this.bytes[index] === undefined) {
      assert(!this.#dropped, "nothing is read after the segments were dropped");
      if (this.#isLost(index)) throw lostSegmentError(index);
      const { words, platform } = this.#control;
      const maker = load(words, H.SEGMENT_MAKERS + index);
      this.#adopt(
        index,
        this.#courier.obtain(index, () => platform.threadAlive(maker)),
      );
    }
    return index;
  }

  /** Byte offset of a place in its segment. */
  offset(ref: Ref): number {
    return (ref & GRANULE_MASK) << GRANULE_SHIFT;
  }

  /** All bytes of the segment that a place lies in. */
  bytesOf(ref: Ref): Uint8Array {
    return this.bytes[this.segment(ref)] as Uint8Array;
  }

  /** All words of the segment that a place lies in. */
  wordsOf(ref: Ref): Words {
    return this.words[this.segment(ref)] as Words;
  }

  /** Address of the first byte of the segment that a place lies in. */
  segmentAddress(ref: Ref): number {
    return this.#addresses[this.segment(ref)] as number;
  }

  /** Address of a place, the same in every thread. */
  addressOf(ref: Ref): number {
    return (this.#addresses[this.segment(ref)] as number) + this.offset(ref);
  }

  /**
   * Takes memory of {@link allocationSize}(bytes); 0 at the context's limit.
   *
   * @param guaranteed Part of a pipe's guaranteed minimum: may pass the limit.
   */
  allocate(bytes: number, guaranteed = false): Ref {
    const size = allocationSize(bytes);
    if (size > ALLOCATION_MAX_BYTES) return 0;
    if (!this.#charge(size >>> GRANULE_SHIFT, guaranteed)) return 0;
    const sizeClass = classOf(size);
    const ref = sizeClass < 0
      ? this.#takeCachedRun(size >>> PAGE_SHIFT)
      : this.#takeCell(sizeClass);
    if (ref === 0) this.#takeChargeBack(size);
    return ref;
  }

  /**
   * Makes memory larger where it lies; false at the limit and where that is not
   * free or not whole pages. Both numbers of bytes as they are asked for.
   */
  extend(ref: Ref, bytes: number, larger: number): boolean {
    const size = allocationSize(bytes);
    const grown = allocationSize(larger);
    if (classOf(size) >= 0 || classOf(grown) >= 0) return false;
    const granules = (grown - size) >>> GRANULE_SHIFT;
    if (granules === 0) return true;
    const extended = this.#control.locked(H.ALLOCATOR_LOCK, () => {
      const map = this.wordsOf(ref);
      const page = this.offset(ref) >>> PAGE_SHIFT;
      const pages = size >>> PAGE_SHIFT;
      const more = (grown - size) >>> PAGE_SHIFT;
      // Charged last: whoever takes a charge back has to tell those who were
      // refused meanwhile, and two that do so would keep each other busy.
      if (!this.#makeFree(map, page + pages, more)) return false;
      if (!this.#charge(granules, false)) return false;
      this.#takenDirty(extendPages(map, page, pages, more));
      return true;
    });
    return extended ?? false;
  }

  /** Gives memory back; `bytes` as it was asked for. */
  free(ref: Ref, bytes: number): void {
    const size = allocationSize(bytes);
    const sizeClass = classOf(size);
    if (sizeClass < 0) this.#cacheRun(ref, size >>> PAGE_SHIFT);
    else this.#giveCell(sizeClass, ref);
    this.#discharge(size);
  }

  /** Hands this thread's cached cells to the others, before it leaves. */
  flushCaches(): void {
    this.#caches.forEach((cache, sizeClass) => {
      for (const ref of cache) this.#push(sizeClass, ref, ref);
      cache.length = 0;
    });
    this.#flushRuns();
  }

  /** Ends what brings segments here; those that are here stay. */
  close(): void {
    this.#courier.close();
  }

  /** How many segments this thread refers to. */
  get count(): number {
    return this.bytes.length;
  }

  /** Lets go of all segments: nothing may be read or allocated any more. */
  drop(): void {
    this.bytes.length = 0;
    this.words.length = 0;
    this.#addresses.length = 0;
    this.#dropped = true;
  }

  #charge(granules: number, guaranteed: boolean): boolean {
    const { words } = this.#control;
    const limit = load(words, H.MEMORY_LIMIT);
    if (guaranteed || limit === 0) {
      add(words, H.MEMORY_USED, granules);
      return true;
    }
    // Never above the limit, not even for a moment: a thread that asks for
    // little must not be refused because another one asks for too much.
    let noted = false;
    let used = load(words, H.MEMORY_USED);
    for (;;) {
      if (used + granules <= limit) {
        const seen = compareExchange(
          words,
          H.MEMORY_USED,
          used,
          used + granules,
        );
        if (seen === used) return true;
        used = seen;
      } else {
        if (noted) return false;
        // Ordering: note what was freed so far, then look once more.
        this.#control.noteRefusal();
        noted = true;
        used = load(words, H.MEMORY_USED);
      }
    }
  }

  #discharge(size: number): void {
    add(this.#control.words, H.MEMORY_USED, -(size >>> GRANULE_SHIFT));
    this.#control.memoryCameFree();
  }

  /** Undoes a charge for memory that was not to be had. */
  #takeChargeBack(size: number): void {
    add(this.#control.words, H.MEMORY_USED, -(size >>> GRANULE_SHIFT));
    this.#control.chargeTakenBack();
  }

  #takeCell(sizeClass: number): Ref {
    const cache = this.#caches[sizeClass] as number[];
    if (cache.length === 0 && !this.#refill(sizeClass, cache)) return 0;
    return cache.pop() as number;
  }

  #giveCell(sizeClass: number, ref: Ref): void {
    const cache = this.#caches[sizeClass] as number[];
    if (cache.length < CACHE_MAX) {
      cache.push(ref);
      return;
    }
    if (
      sizeClass >= PAGE_CLASS &&
      load(this.#control.words, H.CELL_COUNT + sizeClass) >= STACK_MAX
    ) {
      this.#giveRun(ref, (CLASS_BYTES[sizeClass] as number) >>> PAGE_SHIFT);
      return;
    }
    this.#push(sizeClass, ref, ref);
    const unused = load(this.#control.words, H.CELL_COUNT + sizeClass);
    if (
      sizeClass < PAGE_CLASS && unused >= (this.#sweepAt[sizeClass] as number)
    ) this.#sweep(sizeClass);
  }

  /** Frees the pages whose cells all lie on the shared stack of a class. */
  #sweep(sizeClass: number): void {
    const { words } = this.#control;
    const stack = H.CELL_STACK + sizeClass;
    const first = exchange(words, stack, 0);
    const cells: Map<number, number> = new Map();
    for (let ref = first; ref !== 0; ref = this.#link(ref)) {
      const page = ref >>> PAGE_GRANULES_SHIFT;
      cells.set(page, (cells.get(page) ?? 0) + 1);
    }
    const whole = PAGE_BYTES / (CLASS_BYTES[sizeClass] as number);
    let kept: Ref = 0;
    let last: Ref = 0;
    let keptCount = 0;
    let freedCount = 0;
    for (let ref = first; ref !== 0;) {
      const next = this.#link(ref);
      if (cells.get(ref >>> PAGE_GRANULES_SHIFT) === whole) freedCount++;
      else {
        // Ordering: the stack was taken whole; nobody else sees its links.
        put(this.wordsOf(ref), this.offset(ref) >>> 2, kept);
        if (kept === 0) last = ref;
        kept = ref;
        keptCount++;
      }
      ref = next;
    }
    add(words, H.CELL_COUNT + sizeClass, -freedCount);
    if (kept !== 0) this.#pushChain(stack, kept, last);
    for (const [page, count] of cells) {
      if (count === whole) this.#giveRun(page << PAGE_GRANULES_SHIFT, 1);
    }
    // What could not be freed now is not looked at for every cell to come.
    this.#sweepAt[sizeClass] = Math.max(
      SWEEP_BYTES_MIN / (CLASS_BYTES[sizeClass] as number),
      2 * keptCount,
    );
  }

  /** Fills an empty cache from the shared stack, else from a fresh page. */
  #refill(sizeClass: number, cache: number[]): boolean {
    const stack = H.CELL_STACK + sizeClass;
    const { words } = this.#control;
    let ref = load(words, stack) === 0 ? 0 : exchange(words, stack, 0);
    while (ref !== 0 && cache.length < CACHE_MAX) {
      cache.push(ref);
      ref = this.#link(ref);
    }
    add(words, H.CELL_COUNT + sizeClass, -cache.length);
    if (ref !== 0 && compareExchange(words, stack, 0, ref) !== 0) {
      let last = ref;
      for (let next = this.#link(ref); next !== 0; next = this.#link(last)) {
        last = next;
      }
      this.#pushChain(stack, ref, last);
    }
    if (cache.length > 0) return true;
    const size = CLASS_BYTES[sizeClass] as number;
    const page = this.#takeRun(Math.max(1, size >>> PAGE_SHIFT), false);
    if (page === 0) return false;
    const step = size >>> GRANULE_SHIFT;
    const count = Math.max(1, PAGE_BYTES / size);
    for (let i = 0; i < count; i++) cache.push(page + i * step);
    return true;
  }

  #link(ref: Ref): Ref {
    // Ordering: published by the compare-and-swap that pushed the cell.
    return get(this.wordsOf(ref), this.offset(ref) >>> 2);
  }

  #push(sizeClass: number, first: Ref, last: Ref): void {
    add(this.#control.words, H.CELL_COUNT + sizeClass, 1);
    this.#pushChain(H.CELL_STACK + sizeClass, first, last);
  }

  #pushChain(stack: number, first: Ref, last: Ref): void {
    const { words } = this.#control;
    let head = load(words, stack);
    for (;;) {
      // Ordering: published by the compare-and-swap below.
      put(this.wordsOf(last), this.offset(last) >>> 2, head);
      const seen = compareExchange(words, stack, head, first);
      if (seen === head) return;
      head = seen;
    }
  }

  #takeCachedRun(pages: number): Ref {
    this.#runsUsed = true;
    const ref = this.#runCache.take(pages);
    if (ref === 0) return this.#takeRun(pages, true);
    // It came from another thread, perhaps, along with others.
    this.#awaitKeeper(ref >>> SEGMENT_SHIFT);
    return ref;
  }

  /** @param kept Whether it may be one that was kept. */
  #takeRun(pages: number, kept: boolean): Ref {
    const ref = this.#control.locked(
      H.ALLOCATOR_LOCK,
      () => (kept ? this.#takeKept(pages) : 0) || this.#takeRunLocked(pages),
    ) ?? 0;
    // Not under the lock: the reaper may need that on its way to the segment.
    if (ref !== 0) this.#awaitKeeper(ref >>> SEGMENT_SHIFT);
    return ref;
  }

  /**
   * Waits until the reaper has a segment, once for each: what this thread lets
   * others refer to must not go with it. When the reaper has not come to it
   * after seconds, that is what could happen; an error would be certain.
   */
  #awaitKeeper(index: number): void {
    // The first one comes with the handle.
    if (index === 0 || this.#keptSeen.has(index)) return;
    this.#keptSeen.add(index);
    const { words } = this.#control;
    const word = keptWord(index);
    const bit = segmentBit(index);
    let left = KEEPER_WAITS_MAX;
    while (left > 0 && this.keeperRuns?.()) {
      const kept = load(words, word);
      if ((kept & bit) !== 0) return;
      // It was given up while this thread or its courier had no turn.
      if ((and(words, lostWord(index), ~bit) & bit) !== 0) this.onAdded?.();
      if (wait(words, word, kept, KEEPER_WAIT_MS) === "timed-out") left--;
    }
  }

  /** Whether a segment can be allocated from. */
  #reach(index: number): boolean {
    if (this.bytes[index] !== undefined) return true;
    if (this.#isLost(index) || this.#unreachable.has(index)) return false;
    try {
      this.segment(index << SEGMENT_SHIFT);
      return true;
    } catch {
      // There are others, or one is made; the lock is not held so long again.
      this.#unreachable.add(index);
      return false;
    }
  }

  #isLost(index: number): boolean {
    const lost = load(this.#control.words, lostWord(index));
    return (lost & segmentBit(index)) !== 0;
  }

  #takeRunLocked(pages: number): Ref {
    const { words } = this.#control;
    this.#control.noteRefusal();
    const ref = this.#searchRun(pages) ||
      (this.#giveUnused() ? this.#searchRun(pages) : 0);
    if (ref !== 0) return ref;
    const count = load(words, H.SEGMENT_COUNT);
    if (count === SEGMENTS_MAX) return 0;
    const map = this.#addSegment(count, pages);
    if (map === null) return 0;
    return this.#takePages(count, map, findPages(map, pages), pages);
  }

  #takeKept(pages: number): Ref {
    const ref = this.#takeOneKept(pages);
    // Other lengths are asked for: they get the pages of these.
    if (ref === 0) this.#giveKept();
    // Whoever takes one is about to take more of them.
    else this.#fillRunCache(pages);
    return ref;
  }

  #fillRunCache(pages: number): void {
    while (this.#runCache.hasRoom(pages)) {
      const ref = this.#takeOneKept(pages);
      if (ref === 0) return;
      this.#runCache.push(ref, pages);
    }
  }

  #takeOneKept(pages: number): Ref {
    const ref = this.#keptRuns.take(pages);
    if (ref !== 0) this.#takenDirty(pages);
    return ref;
  }

  /** Takes a run of free pages from the segments there are. */
  #searchRun(pages: number): Ref {
    const count = load(this.#control.words, H.SEGMENT_COUNT);
    for (let index = 0; index < count; index++) {
      if (!this.#reach(index)) continue;
      const map = this.wordsOf(index << SEGMENT_SHIFT);
      const page = findPages(map, pages);
      if (page !== 0) return this.#takePages(index, map, page, pages);
    }
    return 0;
  }

  /** Whether so many pages are free, maybe by giving up runs that are kept. */
  #makeFree(map: Words, first: number, pages: number): boolean {
    return arePagesFree(map, first, pages) ||
      (this.#giveUnused() && arePagesFree(map, first, pages));
  }

  /**
   * Makes all runs that were kept, and those that this thread keeps for itself,
   * free pages like others; false when there are none.
   */
  #giveUnused(): boolean {
    const { words } = this.#control;
    if (this.#runCache.isEmpty && get(words, H.KEPT_RUNS) === 0) return false;
    this.#runCache.drain((ref, pages) => this.#giveRunLocked(ref, pages));
    this.#giveKept();
    return true;
  }

  /** Makes the runs that were kept free pages like others. */
  #giveKept(): void {
    for (;;) {
      const ref = this.#keptRuns.pop();
      if (ref === 0) return;
      const map = this.wordsOf(ref);
      const page = this.offset(ref) >>> PAGE_SHIFT;
      givePages(map, page, runPages(map, page), true);
    }
  }

  /** The words of a segment that can be had. */
  #mapOf(ref: Ref): Words | null {
    return this.#reach(ref >>> SEGMENT_SHIFT) ? this.wordsOf(ref) : null;
  }

  #takePages(index: number, map: Words, page: number, pages: number): Ref {
    assert(page !== 0, "a new segment has room for what it was made for");
    this.#takenDirty(takePages(map, page, pages));
    return (index << SEGMENT_SHIFT) | (page << PAGE_GRANULES_SHIFT);
  }

  #takenDirty(dirty: number): void {
    if (dirty <= 0) return;
    const { words } = this.#control;
    // Ordering: the allocator lock orders all accesses to both.
    const left = get(words, H.DIRTY_PAGES) - dirty;
    put(words, H.DIRTY_PAGES, left);
    if (left < get(words, H.DIRTY_PAGES_LOW)) {
      put(words, H.DIRTY_PAGES_LOW, left);
    }
  }

  /** Frees a run of at least two pages. */
  #cacheRun(ref: Ref, pages: number): void {
    this.#runsUsed = true;
    if (this.#runCache.push(ref, pages)) return;
    this.#control.locked(H.ALLOCATOR_LOCK, () => {
      this.#runCache.drain((each, length) => this.#keepRunLocked(each, length));
      if (this.#runCache.push(ref, pages)) return;
      this.#keepRunLocked(ref, pages);
    });
  }

  /**
   * Hands this thread's runs to the others, when it has neither taken nor freed
   * any since the last call: who is idle keeps nothing.
   */
  flushIdleRuns(): void {
    if (!this.#runsUsed) this.#flushRuns();
    this.#runsUsed = false;
  }

  /** Hands this thread's runs to the others. */
  #flushRuns(): void {
    if (this.#runCache.isEmpty) return;
    this.#control.locked(H.ALLOCATOR_LOCK, () => {
      this.#runCache.drain((ref, pages) => this.#keepRunLocked(ref, pages));
    });
  }

  #keepRunLocked(ref: Ref, pages: number): void {
    if (this.#mayStayDirty(pages) && this.#keptRuns.push(ref)) {
      const { words } = this.#control;
      put(words, H.DIRTY_PAGES, get(words, H.DIRTY_PAGES) + pages);
    } else this.#giveRunLocked(ref, pages);
  }

  #giveRun(ref: Ref, pages: number): void {
    this.#control.locked(
      H.ALLOCATOR_LOCK,
      () => this.#giveRunLocked(ref, pages),
    );
  }

  #giveRunLocked(ref: Ref, pages: number): void {
    const { words } = this.#control;
    const map = this.wordsOf(ref);
    const page = this.offset(ref) >>> PAGE_SHIFT;
    const dirty = this.#mayStayDirty(pages);
    givePages(map, page, pages, dirty);
    if (dirty) put(words, H.DIRTY_PAGES, get(words, H.DIRTY_PAGES) + pages);
    else this.#giveToSystem(ref, map, page, pages);
  }

  #mayStayDirty(pages: number): boolean {
    const { words } = this.#control;
    return load(words, H.TRIMMER) !== 0 ||
      get(words, H.DIRTY_PAGES) + pages <= DIRTY_PAGES_MAX;
  }

  /**
   * Makes a thread the one that calls {@link trim} every now and then, if none
   * is; until it {@link stopTrimming | stops}, all freed pages are kept.
   *
   * @returns Whether it is.
   */
  startTrimming(slot: number): boolean {
    const { words } = this.#control;
    const seen = compareExchange(words, H.TRIMMER, 0, slot + 1);
    return seen === 0 || seen === slot + 1;
  }

  stopTrimming(slot: number): void {
    compareExchange(this.#control.words, H.TRIMMER, slot + 1, 0);
  }

  /**
   * Gives half of the freed pages that nobody has needed since the last call
   * back to the system: steady traffic keeps what it goes on using, and an
   * idle context soon keeps next to nothing.
   */
  trim(): void {
    const { words } = this.#control;
    let left = this.#control.locked(
      H.ALLOCATOR_LOCK,
      () => this.#pagesToTrim(),
    ) ?? 0;
    let index = load(words, H.SEGMENT_COUNT) - 1;
    let below = SEGMENT_MAX_BYTES / PAGE_BYTES;
    // The others get the lock in between: the system takes its time.
    while (left > 0 && index >= 0) {
      const given = this.#control.locked(H.ALLOCATOR_LOCK, () => {
        if (!this.#reach(index)) return 0;
        const max = Math.min(left, TRIM_STEP_PAGES);
        const map = this.wordsOf(index << SEGMENT_SHIFT);
        const { page, pages } = cleanPages(map, below, max);
        below = page;
        if (pages === 0) return 0;
        put(words, H.DIRTY_PAGES, get(words, H.DIRTY_PAGES) - pages);
        const ref = (index << SEGMENT_SHIFT) | (page << PAGE_GRANULES_SHIFT);
        this.#giveToSystem(ref, map, page, pages);
        return pages;
      });
      if (given === undefined) return;
      left -= given;
      if (given > 0) continue;
      index--;
      below = SEGMENT_MAX_BYTES / PAGE_BYTES;
    }
    this.#control.locked(H.ALLOCATOR_LOCK, () => {
      put(words, H.DIRTY_PAGES_LOW, get(words, H.DIRTY_PAGES));
    });
  }

  #pagesToTrim(): number {
    const low = get(this.#control.words, H.DIRTY_PAGES_LOW);
    if (low <= DIRTY_PAGES_MIN) return 0;
    // Runs that were kept are not in the page map, where pages are looked for.
    this.#giveKept();
    return (low - DIRTY_PAGES_MIN + 1) >> 1;
  }

  /** Gives the bytes of free pages back to the system. */
  #giveToSystem(ref: Ref, map: Words, page: number, pages: number): void {
    // A segment may begin in the midst of one of the system's pages: the ones
    // at both ends go with the free neighbour that they share.
    const before = isFreePage(map, page - 1) ? PAGE_BYTES : 0;
    const behind = isFreePage(map, page + pages) ? PAGE_BYTES : 0;
    this.#control.platform.madviseFree(
      this.addressOf(ref) - before,
      pages * PAGE_BYTES + before + behind,
    );
  }

  #addSegment(index: number, pages: number): Words | null {
    const needed = pages * PAGE_BYTES + mapPages(SEGMENT_MAX_BYTES) *
        PAGE_BYTES;
    const size = Math.min(
      SEGMENT_MAX_BYTES,
      Math.max(NEXT_SEGMENT_BYTES, needed),
    );
    let buffer: SharedArrayBuffer;
    try {
      buffer = new SharedArrayBuffer(size);
    } catch {
      return null; // The system has no such range: as at the limit.
    }
    initPageMap(new Int32Array(buffer));
    // First to the others: if that fails, nobody knows the segment.
    this.#courier.publish(index, buffer);
    this.#adopt(index, buffer);
    // The runtime may have zeroed by hand what it had used before.
    const head = mapPages(size) * PAGE_BYTES;
    const address = this.#addresses[index] as number;
    this.#control.platform.madviseFree(address + head, size - head);
    const { words, tid } = this.#control;
    store(words, H.SEGMENT_MAKERS + index, tid);
    store(words, H.SEGMENT_COUNT, index + 1);
    this.onAdded?.();
    return this.words[index] as Words;
  }

  #adopt(index: number, buffer: SharedArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    this.bytes[index] = bytes;
    this.words[index] = new Int32Array(buffer);
    this.#addresses[index] = this.#control.platform.addressOf(bytes);
  }
}

function keptWord(index: number): number {
  return H.SEGMENTS_KEPT + (index >>> 5);
}

function lostWord(index: number): number {
  return H.SEGMENTS_LOST + (index >>> 5);
}

function segmentBit(index: number): number {
  return 1 << (index & 31);
}
