// libzmq: none · runs on: io thread · RFC: –

import type { PollEvents, PollHandle } from "./poller.ts";
import { INPUT, OUTPUT } from "./ready_list.ts";

/** A descriptor of a poller that asks the system anew in every turn. */
export class LevelHandle implements PollHandle {
  readonly fd: number;
  readonly events: PollEvents;
  identity: string;
  /** Directions of interest. */
  wanted = 0;
  /** Directions that this turn has found ready. */
  ready = 0;
  removed = false;
  /** Where the poller keeps its interest; -1 = it has none. */
  place = -1;

  constructor(fd: number, events: PollEvents, identity: string) {
    this.fd = fd;
    this.events = events;
    this.identity = identity;
  }
}

/** The directions of interest as bits. */
export function directions(input: boolean, output: boolean): number {
  return (input ? INPUT : 0) | (output ? OUTPUT : 0);
}

/** What a handle needs to be delivered to. */
export interface Deliverable {
  readonly events: PollEvents;
  wanted: number;
  ready: number;
  removed: boolean;
}

/**
 * Tells those that a turn found ready, and empties the list. It was filled
 * before the first callback, so callbacks may add and remove as they please.
 * Should one throw, the rest stays in the list.
 *
 * @returns How many were told.
 */
export function deliverFound(found: Deliverable[]): number {
  let told = 0;
  let through = 0;
  try {
    for (const entry of found) {
      const ready = entry.ready;
      entry.ready = 0;
      through++;
      if (entry.removed || (ready & entry.wanted) === 0) continue;
      told++;
      if ((ready & entry.wanted & OUTPUT) !== 0) entry.events.outEvent();
      // The callback may have removed the handle, or its interest.
      if (!entry.removed && (ready & entry.wanted & INPUT) !== 0) {
        entry.events.inEvent();
      }
    }
  } finally {
    if (through === found.length) found.length = 0;
    else found.splice(0, through);
  }
  return told;
}

/** Takes down what a turn found of a handle, which is in the list once. */
export function noteFound(
  found: Deliverable[],
  entry: Deliverable,
  ready: number,
): void {
  if (entry.ready === 0) found.push(entry);
  entry.ready |= ready;
}
