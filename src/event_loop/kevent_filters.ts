// libzmq: kqueue.{hpp,cpp} · runs on: any · RFC: –

import {
  errnoNumber,
  EV_ADD,
  EV_CLEAR,
  EV_DELETE,
  EV_ERROR,
  Kqueue,
} from "../../ffi/mod.ts";
import type { Kevents } from "../../ffi/mod.ts";
import { POLLER_REASONS, refused } from "./event_loop_error.ts";
import type { EventLoopSubject } from "./event_loop_error.ts";
import type { LoopHost } from "./loop_host.ts";
import { KqueuePoller } from "../poller/kqueue_poller.ts";
import type { PollEvents, PollHandle } from "../poller/poller.ts";

/** What a filter says: its NOTE_* bits and its number. */
export type FilterEvent = (notes: number, data: number) => void;

const ENOBUFS = errnoNumber("ENOBUFS");

/** Events taken in one call. */
const CAPACITY = 64;

/** The listeners of one filter, of which the system keeps only one. */
type Listeners = Set<FilterEvent>;

interface Noted {
  readonly listeners: Listeners;
  readonly notes: number;
  readonly data: number;
}

/**
 * The filters of a kqueue for what is no descriptor: processes, files and
 * signals. They are in the poller's own queue, or, under another poller, in
 * one that is polled like any descriptor.
 */
export class FilterQueue implements PollEvents {
  readonly #loop: LoopHost;
  readonly #queue: Kqueue;
  /** Of a queue of our own; null in the poller's. */
  readonly #handle: PollHandle | null;
  /** By what the system tells filters apart by: {@link nameOf}. */
  readonly #listeners: Map<string, Listeners> = new Map();
  #noted: Noted[] = [];

  /** @throws {EventLoopError} The system has no descriptor left. */
  constructor(loop: LoopHost, call: string) {
    const { poller } = loop;
    this.#loop = loop;
    if (poller instanceof KqueuePoller) {
      this.#queue = poller.queue;
      this.#handle = null;
      // Called in the middle of what the poller does: told in the loop's turn.
      poller.onFilterEvent = (events, index) => this.#note(events, index);
      return;
    }
    this.#queue = Kqueue.open(null, CAPACITY);
    const { fd } = this.#queue;
    if (fd < 0) throw refused(call, {}, fd);
    const handle = poller.add(fd, this);
    if (typeof handle === "number") {
      this.#queue.close();
      throw refused(call, { fd }, handle, POLLER_REASONS);
    }
    this.#handle = handle;
    poller.setInterest(handle, true, false);
  }

  /**
   * Asks for the events of a filter, each time they happen.
   *
   * @param notes The same for all who ask for this filter.
   * @throws {EventLoopError} The system refused.
   */
  add(
    ident: number,
    filter: number,
    notes: number,
    told: FilterEvent,
    call: string,
    subject: EventLoopSubject,
  ): void {
    const name = nameOf(ident, filter);
    const known = this.#listeners.get(name);
    if (known !== undefined) {
      known.add(told);
      return;
    }
    const errno = this.#change(ident, filter, EV_ADD | EV_CLEAR, notes);
    if (errno < 0) throw refused(call, subject, errno);
    this.#listeners.set(name, new Set([told]));
  }

  /** Takes a listener back, and the filter with its last one. */
  remove(ident: number, filter: number, told: FilterEvent): void {
    const name = nameOf(ident, filter);
    const listeners = this.#listeners.get(name);
    listeners?.delete(told);
    if (listeners === undefined || listeners.size > 0) return;
    this.#listeners.delete(name);
    // ENOENT for what was told only once, like the end of a process.
    this.#change(ident, filter, EV_DELETE, 0);
  }

  inEvent(): void {
    const count = this.#queue.wait(0);
    const handle = this.#handle as PollHandle;
    if (count < CAPACITY) this.#loop.poller.inputExhausted(handle);
    for (let i = 0; i < count; i++) this.#note(this.#queue.events, i);
  }

  outEvent(): void {}

  /** Tells what was taken down. */
  turn(): void {
    if (this.#noted.length === 0) return;
    const noted = this.#noted;
    this.#noted = [];
    for (const { listeners, notes, data } of noted) {
      // A copy: listeners take themselves back.
      for (const told of [...listeners]) {
        if (listeners.has(told)) told(notes, data);
      }
    }
  }

  close(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#noted = [];
    if (this.#handle === null) return;
    this.#loop.poller.remove(this.#handle);
    this.#queue.close();
  }

  #note(events: Kevents, index: number): void {
    if ((events.flags(index) & EV_ERROR) !== 0) return;
    // Looked up now: by the time it is told, a number may be somebody else's.
    const name = nameOf(events.ident(index), events.filter(index));
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    this.#noted.push({
      listeners,
      notes: events.fflags(index),
      data: events.data(index),
    });
  }

  /** 0 or negative errno. */
  #change(
    ident: number,
    filter: number,
    flags: number,
    notes: number,
  ): number {
    const queue = this.#queue;
    // What the poller has in the list stays there for its next wait.
    const start = queue.pending;
    if (!queue.append(ident, filter, flags, 0, notes)) return -ENOBUFS;
    const count = queue.apply(start);
    queue.truncate(start);
    if (count < 0) return count;
    return count > 0 ? -queue.answers.data(0) || 0 : 0;
  }
}

function nameOf(ident: number, filter: number): string {
  return `${filter} ${ident}`;
}
