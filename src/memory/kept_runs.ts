// libzmq: none · runs on: any · RFC: –

import { H } from "./layout.ts";
import {
  PAGE_BYTES,
  PAGE_SHIFT,
  runLink,
  runPages,
  setRunLink,
  unlinkRun,
} from "./page_map.ts";
import { GRANULE_SHIFT } from "./size_class.ts";
import { get, put } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";

/** Runs that are kept: what it takes to give them back is done under a lock. */
const KEPT_MAX = 1024;

/** Runs that are looked at for one of the right length. */
const LOOKED_AT_MAX = 4;

const PAGE_GRANULES_SHIFT = PAGE_SHIFT - GRANULE_SHIFT;
const SEGMENT_PAGES_MASK = 2 ** 31 / PAGE_BYTES - 1;

/** A place in payload memory, as PayloadSegments numbers them; 0 = none. */
type Ref = number;

/** The map of the segment that a run lies in; null when it is not here. */
export type MapOf = (ref: Ref) => Words | null;

/**
 * Freed runs that are kept whole, the last one first: messages of one size that
 * come and go need no search, and find pages that are still in the caches. To
 * the page map they are in use. Whoever calls holds the allocator lock, which
 * orders all plain accesses here.
 */
export class KeptRuns {
  readonly #words: Words;
  readonly #mapOf: MapOf;

  constructor(words: Words, mapOf: MapOf) {
    this.#words = words;
    this.#mapOf = mapOf;
  }

  /** Keeps a run of at least two pages; false when there are enough. */
  push(ref: Ref): boolean {
    const words = this.#words;
    const count = get(words, H.KEPT_RUNS);
    const map = this.#mapOf(ref);
    if (count >= KEPT_MAX || map === null) return false;
    setRunLink(map, pageOf(ref), get(words, H.KEPT_RUN));
    put(words, H.KEPT_RUN, ref);
    put(words, H.KEPT_RUNS, count + 1);
    return true;
  }

  /** A run of so many pages; 0 when none of the last ones is that long. */
  take(pages: number): Ref {
    const words = this.#words;
    let before: Ref = 0;
    let ref = get(words, H.KEPT_RUN);
    for (let i = 0; ref !== 0 && i < LOOKED_AT_MAX; i++) {
      const map = this.#mapOf(ref);
      if (map === null) return 0;
      const next = runLink(map, pageOf(ref));
      if (runPages(map, pageOf(ref)) === pages) {
        this.#unlink(before, ref, next);
        return ref;
      }
      before = ref;
      ref = next;
    }
    return 0;
  }

  /**
   * Takes the last run, whatever its length; 0 when there is none, or it lies
   * in a segment that is not here.
   */
  pop(): Ref {
    const ref = get(this.#words, H.KEPT_RUN);
    const map = ref === 0 ? null : this.#mapOf(ref);
    if (map === null) return 0;
    this.#unlink(0, ref, runLink(map, pageOf(ref)));
    return ref;
  }

  #unlink(before: Ref, ref: Ref, next: Ref): void {
    const words = this.#words;
    if (before === 0) put(words, H.KEPT_RUN, next);
    else setRunLink(this.#mapOf(before) as Words, pageOf(before), next);
    unlinkRun(this.#mapOf(ref) as Words, pageOf(ref));
    put(words, H.KEPT_RUNS, get(words, H.KEPT_RUNS) - 1);
  }
}

/** Where in its segment a run begins, in pages. */
function pageOf(ref: Ref): number {
  return (ref >>> PAGE_GRANULES_SHIFT) & SEGMENT_PAGES_MASK;
}
