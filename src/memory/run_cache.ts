// libzmq: none · runs on: any · RFC: –

import { PAGE_BYTES } from "./page_map.ts";

/** What one thread keeps for itself, bytes: a few large messages. */
const RUN_CACHE_BYTES = 4 << 20;
const RUN_CACHE_PAGES = RUN_CACHE_BYTES / PAGE_BYTES;

/** Runs of one thread: all of them change hands under one lock. */
const RUNS_MAX = 16;

/** A place in payload memory, as PayloadSegments numbers them; 0 = none. */
type Ref = number;

/**
 * Freed runs of pages that one thread keeps, so that the allocator's lock is
 * taken once for several of them. To the page map they are in use.
 */
export class RunCache {
  readonly #refs: Ref[] = [];
  readonly #lengths: number[] = [];
  #pages = 0;

  get isEmpty(): boolean {
    return this.#refs.length === 0;
  }

  /** Keeps a run of so many pages; false when there is no room for it. */
  push(ref: Ref, pages: number): boolean {
    if (!this.hasRoom(pages)) return false;
    this.#refs.push(ref);
    this.#lengths.push(pages);
    this.#pages += pages;
    return true;
  }

  /** Whether one more run of so many pages can be kept. */
  hasRoom(pages: number): boolean {
    return this.#refs.length < RUNS_MAX &&
      this.#pages + pages <= RUN_CACHE_PAGES;
  }

  /** The run of so many pages that came last; 0 when there is none. */
  take(pages: number): Ref {
    const lengths = this.#lengths;
    let at = lengths.length - 1;
    while (at >= 0 && lengths[at] !== pages) at--;
    if (at < 0) return 0;
    this.#pages -= pages;
    const ref = this.#refs[at] as Ref;
    // Mostly it is the last one, and that makes no array.
    if (at === lengths.length - 1) {
      this.#refs.pop();
      lengths.pop();
    } else {
      this.#refs.splice(at, 1);
      lengths.splice(at, 1);
    }
    return ref;
  }

  /** Hands every run over, the oldest one first. */
  drain(give: (ref: Ref, pages: number) => void): void {
    const refs = this.#refs.splice(0);
    const lengths = this.#lengths.splice(0);
    this.#pages = 0;
    refs.forEach((ref, i) => give(ref, lengths[i] as number));
  }
}
