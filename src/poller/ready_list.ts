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
  /** The peer sends no more: from now on every read comes back at once. */
  hungUp: boolean;
  /** Waits in the list to be delivered. */
  queued: boolean;
  removed: boolean;
}

/**
 * The memory that turns edges into readiness: the descriptors that became
 * ready and are not exhausted yet. Each turn tells them again.
 */
export class ReadyList {
  #entries: ReadyEntry[] = [];
  #spare: ReadyEntry[] = [];

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** An edge came; `broken` is told even without interest. */
  becameReady(entry: ReadyEntry, ready: number, broken: boolean): void {
    entry.ready |= ready;
    if (broken && entry.wanted === 0) this.#queue(entry);
    else this.interestChanged(entry);
  }

  /** What is ready already will be no edge again. */
  interestChanged(entry: ReadyEntry): void {
    if ((entry.ready & entry.wanted) !== 0) this.#queue(entry);
  }

  /** A call would have blocked, or moved less than it could have. */
  exhausted(entry: ReadyEntry, direction: number): void {
    // The end of the stream is no further edge: it is read, not waited for.
    if (direction === INPUT && entry.hungUp) return;
    entry.ready &= ~direction;
  }

  /**
   * Tells at most so many descriptors that they are ready.
   *
   * @returns How many were told.
   */
  deliver(countMax: number): number {
    const turn = this.#entries;
    if (turn.length === 0) return 0;
    this.#entries = this.#spare;
    let told = 0;
    for (let i = 0; i < turn.length; i++) {
      const entry = turn[i] as ReadyEntry;
      if (told === countMax) {
        // Ahead of what this turn queued, and so first in the next one.
        this.#entries = [...turn.slice(i), ...this.#entries];
        break;
      }
      entry.queued = false;
      if (entry.removed) continue;
      if (deliverTo(entry)) told++;
      if (!entry.removed) this.interestChanged(entry);
    }
    turn.length = 0;
    this.#spare = turn;
    return told;
  }

  #queue(entry: ReadyEntry): void {
    if (entry.queued) return;
    entry.queued = true;
    this.#entries.push(entry);
  }
}

function deliverTo(entry: ReadyEntry): boolean {
  const { events } = entry;
  if (entry.wanted === 0) {
    // Queued for that reason only, unless interest went meanwhile.
    if (!entry.hungUp) return false;
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
