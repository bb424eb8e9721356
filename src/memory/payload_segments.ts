// libzmq: yqueue.hpp (chunks), msg.cpp (allocation) · runs on: any · RFC: –

import {
  add,
  compareExchange,
  exchange,
  get,
  load,
  put,
  store,
} from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import { H } from "./layout.ts";
import type { ControlSegment } from "./control_segment.ts";

/** A place in payload memory: segment << 23 | granule. 0 = none. */
export type Ref = number;

/** Smallest unit of allocation, bytes. */
export const GRANULE_BYTES = 256;
const GRANULE_SHIFT = 8;
const SEGMENT_SHIFT = 23;
const GRANULE_MASK = (1 << SEGMENT_SHIFT) - 1;

/** Unit of the run allocator, bytes. */
const PAGE_BYTES = 16384;
const PAGE_SHIFT = 14;

/** Queue chunks at full size, bytes. */
export const CHUNK_BYTES = 65536;

/** Size classes, bytes: cells of a page, a page, a chunk. */
const CLASS_BYTES = [256, 512, 1024, 2048, 4096, 8192, PAGE_BYTES, CHUNK_BYTES];
const PAGE_CLASS = 6;

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
/** Segments of one context. */
const SEGMENTS_MAX = 128;

/** Freed pages that are kept for reuse before the system gets them: 32 MiB. */
const DIRTY_PAGES_MAX = (32 << 20) / PAGE_BYTES;

/** Words of a segment's head: hint, page count, then the page map. */
const HINT = 0;
const PAGES = 1;
const MAP = 16;

/** Brings segments that one thread made to the others. */
export interface SegmentCourier {
  publish(index: number, buffer: SharedArrayBuffer): void;
  obtain(index: number): SharedArrayBuffer;
  close(): void;
}

/** Size of what an allocation of so many bytes takes. */
export function allocationSize(bytes: number): number {
  if (bytes <= PAGE_BYTES / 2) {
    let size = GRANULE_BYTES;
    while (size < bytes) size <<= 1;
    return size;
  }
  if (bytes > CHUNK_BYTES - PAGE_BYTES && bytes <= CHUNK_BYTES) {
    return CHUNK_BYTES;
  }
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

function classOf(size: number): number {
  if (size === CHUNK_BYTES) return PAGE_CLASS + 1;
  if (size > PAGE_BYTES) return -1;
  return 31 - Math.clz32(size) - GRANULE_SHIFT;
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
  readonly #caches: number[][] = CLASS_BYTES.map(() => []);

  constructor(
    control: ControlSegment,
    buffers: readonly SharedArrayBuffer[],
    courier: SegmentCourier,
  ) {
    this.#control = control;
    this.#courier = courier;
    buffers.forEach((buffer, index) => this.#adopt(index, buffer));
  }

  /** Makes the first segment of a new context. */
  static allocateFirst(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(FIRST_SEGMENT_BYTES);
    initSegment(new Int32Array(buffer));
    return buffer;
  }

  /** Index of the segment that a place lies in. */
  segment(ref: Ref): number {
    const index = ref >>> SEGMENT_SHIFT;
    if (this.bytes[index] === undefined) {
      this.#adopt(index, this.#courier.obtain(index));
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
    if (size > SEGMENT_MAX_BYTES - 2 * PAGE_BYTES) return 0;
    if (!this.#charge(size, guaranteed)) return 0;
    const sizeClass = classOf(size);
    const ref = sizeClass < 0
      ? this.#takeRun(size >>> PAGE_SHIFT)
      : this.#takeCell(sizeClass);
    if (ref === 0) this.#discharge(size);
    return ref;
  }

  /** Gives memory back; `bytes` as it was asked for. */
  free(ref: Ref, bytes: number): void {
    const size = allocationSize(bytes);
    const sizeClass = classOf(size);
    if (sizeClass < 0) this.#giveRun(ref, size >>> PAGE_SHIFT);
    else this.#giveCell(sizeClass, ref);
    this.#discharge(size);
  }

  /** Hands this thread's cached cells to the others, before it leaves. */
  flushCaches(): void {
    this.#caches.forEach((cache, sizeClass) => {
      for (const ref of cache) this.#push(sizeClass, ref, ref);
      cache.length = 0;
    });
  }

  /** Ends what brings segments here; those that are here stay. */
  close(): void {
    this.#courier.close();
  }

  #charge(size: number, guaranteed: boolean): boolean {
    const { words } = this.#control;
    const granules = size >>> GRANULE_SHIFT;
    const used = add(words, H.MEMORY_USED, granules) + granules;
    const limit = load(words, H.MEMORY_LIMIT);
    if (guaranteed || limit === 0 || used <= limit) return true;
    add(words, H.MEMORY_USED, -granules);
    return false;
  }

  #discharge(size: number): void {
    add(this.#control.words, H.MEMORY_USED, -(size >>> GRANULE_SHIFT));
    this.#control.memoryCameFree();
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
    const page = this.#takeRun(Math.max(1, size >>> PAGE_SHIFT));
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

  #takeRun(pages: number): Ref {
    return this.#control.locked(
      H.ALLOCATOR_LOCK,
      () => this.#takeRunLocked(pages),
    ) ?? 0;
  }

  #takeRunLocked(pages: number): Ref {
    const { words } = this.#control;
    const count = load(words, H.SEGMENT_COUNT);
    for (let index = 0; index < count; index++) {
      const map = this.wordsOf(index << SEGMENT_SHIFT);
      const page = findRun(map, pages);
      if (page !== 0) return this.#markRun(index, map, page, pages);
    }
    if (count === SEGMENTS_MAX) return 0;
    const map = this.#addSegment(count, pages);
    if (map === null) return 0;
    return this.#markRun(count, map, findRun(map, pages), pages);
  }

  #markRun(index: number, map: Words, page: number, pages: number): Ref {
    // Ordering: the allocator lock orders all accesses to the map.
    put(map, MAP + page, pages);
    map.fill(-1, MAP + page + 1, MAP + page + pages);
    if (get(map, HINT) === page) put(map, HINT, page + pages);
    const { words } = this.#control;
    const dirty = load(words, H.DIRTY_PAGES);
    store(words, H.DIRTY_PAGES, Math.max(0, dirty - pages));
    return (index << SEGMENT_SHIFT) |
      (page << (PAGE_SHIFT - GRANULE_SHIFT));
  }

  #giveRun(ref: Ref, pages: number): void {
    this.#control.locked(H.ALLOCATOR_LOCK, () => {
      const { words, platform } = this.#control;
      const dirty = load(words, H.DIRTY_PAGES) + pages;
      if (dirty > DIRTY_PAGES_MAX) {
        platform.madviseFree(this.addressOf(ref), pages << PAGE_SHIFT);
      } else store(words, H.DIRTY_PAGES, dirty);
      const map = this.wordsOf(ref);
      const page = this.offset(ref) >>> PAGE_SHIFT;
      // Ordering: the allocator lock orders all accesses to the map.
      map.fill(0, MAP + page, MAP + page + pages);
      if (page < get(map, HINT)) put(map, HINT, page);
    });
  }

  #addSegment(index: number, pages: number): Words | null {
    const needed = (pages + mapPages(SEGMENT_MAX_BYTES)) << PAGE_SHIFT;
    const size = needed > 0 && needed <= NEXT_SEGMENT_BYTES
      ? NEXT_SEGMENT_BYTES
      : Math.min(SEGMENT_MAX_BYTES, needed > 0 ? needed : SEGMENT_MAX_BYTES);
    let buffer: SharedArrayBuffer;
    try {
      buffer = new SharedArrayBuffer(size);
    } catch {
      return null; // The system has no such range: as at the limit.
    }
    initSegment(new Int32Array(buffer));
    this.#adopt(index, buffer);
    this.#courier.publish(index, buffer);
    store(this.#control.words, H.SEGMENT_COUNT, index + 1);
    return this.words[index] as Words;
  }

  #adopt(index: number, buffer: SharedArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    this.bytes[index] = bytes;
    this.words[index] = new Int32Array(buffer);
    this.#addresses[index] = this.#control.platform.addressOf(bytes);
  }
}

function mapPages(bytes: number): number {
  const pages = Math.floor(bytes / PAGE_BYTES);
  return Math.ceil((MAP + pages) * 4 / PAGE_BYTES);
}

function initSegment(map: Words): void {
  const pages = Math.floor(map.byteLength / PAGE_BYTES);
  const head = mapPages(map.byteLength);
  // Ordering: nobody else has the segment yet.
  put(map, PAGES, pages);
  put(map, HINT, head);
  put(map, MAP, head);
  map.fill(-1, MAP + 1, MAP + head);
}

/** First fit from the hint on; 0 when there is no such run. */
function findRun(map: Words, pages: number): number {
  const end = get(map, PAGES);
  let page = get(map, HINT);
  while (page + pages <= end) {
    let free = 0;
    while (free < pages && get(map, MAP + page + free) === 0) free++;
    if (free === pages) return page;
    page += free;
    page += get(map, MAP + page);
  }
  return 0;
}
