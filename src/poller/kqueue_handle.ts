// libzmq: none · runs on: io thread · RFC: –

import type { PollEvents, PollHandle } from "./poller.ts";
import type { ReadyEntry } from "./ready_list.ts";

/** A descriptor of a {@link KqueuePoller}. */
export class KqueueHandle implements PollHandle, ReadyEntry {
  readonly fd: number;
  readonly events: PollEvents;
  identity: string;
  readonly index: number;
  wanted = 0;
  removed = false;
  // Level-triggered: the filters that the kernel was told of, by their
  // direction; whether a failed call leaves a doubt of that, until all is said
  // anew; and whether it differs from what is wanted.
  known = 0;
  isUnsure = false;
  isDirty = false;
  // Level-triggered: what this turn found. Edge-triggered: see
  // {@link ReadyEntry}.
  ready = 0;
  hungUp = false;
  broken = false;
  queued = false;

  constructor(
    fd: number,
    events: PollEvents,
    identity: string,
    index: number,
  ) {
    this.fd = fd;
    this.events = events;
    this.identity = identity;
    this.index = index;
  }
}
