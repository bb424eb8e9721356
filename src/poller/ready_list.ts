// libzmq: none · runs on: io thread · RFC: –

import type { PollEvents } from "./poller.ts";

/** Directions, as bits. */
export const INPUT = 1;
export const OUTPUT = 2;

/** What an edge-triggered poller remembers of a descriptor. */
export interface ReadyEntry {
  readonly events: PollEvents;
  /** Directions of interest. */
  wanted: number;
  /** Directions that were told ready and are not exhausted since. */
  ready: number;
  /**
   * The last edge said that the peer sends no more, and no read has been short
   * since: behind what it took there is the end.
   */
  hungUp: boolean;
  /** It broke while nobody was interested, which is told once. */
  broken: boolean;
  /** Waits in the list to be delivered. */
  queued: boolean;
  removed: boolean;
}

/** From here on it pays to move what is left of a list to its front. */
const COMPACTION_MIN = 1024;

/**
 * The memory that turns edges into readiness: the descriptors that became
 * ready and are not exhausted yet. Each turn tells them again.
 */
export class ReadyList {
  /** First in, first out: what came before `#head` is delivered. */
  readonly #entries: ReadyEntry[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#entries.length;
  }

  /** An edge came; `broken` is told even without interest. */
  becameReady(entry: ReadyEntry, ready: number, broken: boolean): void {
    entry.ready |= ready;
    if (broken && entry.wanted === 0) {
      entry.broken = true;
      this.#queue(entry);
    } else this.interestChanged(entry);
  }

  /** What is ready already will be no edge again. */
  interestChanged(entry: ReadyEntry): void {
    if ((entry.ready & entry.wanted) !== 0) this.#queue(entry);
  }

  /** A call would have blocked, or moved less than it could have. */
  exhausted(entry: ReadyEntry, direction: number): void {
    if (direction === INPUT && entry.hungUp) {
      // An end that came with the data is no further edge, and the short read
      // that took those has not seen it: one more read, which finds it. Only
      // one, since a hang-up may pass: a pipe gets another writer, a socket is
      // connected after it was registered.
      entry.hungUp = false;
      return;
    }
    entry.ready &= ~direction;
  }

  /**
   * Tells at most so many descriptors that they are ready. Should a callback
   * throw, the others are told in the next turn.
   *
   * @returns How many were told.
   */
  deliver(countMax: number): number {
    // What queues up from now on is for the next turn.
    const end = this.#entries.length;
    let told = 0;
    while (this.#head < end && told < countMax) {
      const entry = this.#entries[this.#head++] as ReadyEntry;
      entry.queued = false;
      if (entry.removed) continue;
      try {
        if (deliverTo(entry)) told++;
      } finally {
        if (!entry.removed) this.interestChanged(entry);
      }
    }
    this.#compact();
    return told;
  }

  #queue(entry: ReadyEntry): void {
    if (entry.queued) return;
    entry.queued = true;
    this.#entries.push(entry);
  }

  /** Drops what is delivered: each entry is moved once at most, on average. */
  #compact(): void {
    const entries = this.#entries;
    const left = entries.length - this.#head;
    if (left > 0 && (this.#head < COMPACTION_MIN || this.#head < left)) return;
    entries.copyWithin(0, this.#head);
    entries.length = left;
    this.#head = 0;
  }
}

function deliverTo(entry: ReadyEntry): boolean {
  const { events, broken } = entry;
  entry.broken = false;
  if (entry.wanted === 0) {
    // Queued for that reason only, unless interest went meanwhile.
    if (!broken) return false;
    events.inEvent();
    return true;
  }
  const before = entry.ready & entry.wanted;
  if ((before & OUTPUT) !== 0) events.outEvent();
  // The callback may have removed the handle, or read what there was.
  if (!entry.removed && (entry.ready & entry.wanted & INPUT) !== 0) {
    events.inEvent();
  }
  return before !== 0;
}
