import { monotonicMs } from "./clock.ts";
import { closeFd } from "./descriptor.ts";
import { errnoNumber } from "./errno.ts";
import { host } from "./host.ts";
import { Kevents } from "./kevents.ts";
import {
  EV_ADD,
  EV_CLEAR,
  KQUEUE_LAYOUTS,
  type KqueueLayout,
  nativeKqueueLayout,
  NOTE_TRIGGER,
} from "./kqueue_layout.ts";
import { INTERRUPTED, openLibc, outcome, syscall } from "./libc.ts";
import type { SymbolRow, Word } from "./library.ts";
import { KQUEUE_SYMBOLS } from "./symbols.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";
import { repeatWait, toWaitTime } from "./wait_time.ts";

/** The functions of one kqueue, native or of a library. */
export interface KqueueCalls {
  kqueue(): number;
  kevent(
    kq: number,
    changes: ArrayBufferView | null,
    changeCount: Word,
    events: ArrayBufferView | null,
    eventCount: Word,
    timeout: ArrayBufferView | null,
  ): number;
}

/** Where a kqueue comes from. */
export interface KqueueSource {
  readonly layout: KqueueLayout;
  readonly calls: KqueueCalls;
  /** False when a library stands in for the kernel. */
  readonly native: boolean;
}

// One per JS thread, like libc: the libraries that were opened, and the one of
// them that `triggerKqueue` takes where the system has no kqueue.
const libraries: Map<string, KqueueSource> = new Map();
let latest: KqueueSource | null = null;

/** Identifies a queue's user event; other filters have numbers of their own. */
const USER_IDENT = 0;

/** A kernel queue of events, with the list of changes that goes to it. */
export class Kqueue {
  /** The queue's descriptor; negative errno when `open` failed. */
  readonly fd: number;
  readonly layout: KqueueLayout;
  /** False when a library stands in for the kernel. */
  readonly native: boolean;
  /** What {@linkcode wait} brought. */
  readonly events: Kevents;
  /** What {@linkcode apply} was answered: EV_ERROR with 0 or an errno. */
  readonly answers: Kevents;
  readonly #calls: KqueueCalls;
  readonly #changes: Kevents;
  readonly #eventsMax: Word;
  readonly #none: Word;
  // struct timespec: two 64-bit words, so the nanoseconds are element 2.
  readonly #timespec = new Uint32Array(new ArrayBuffer(16));
  #pending = 0;

  private constructor(source: KqueueSource, capacity: number) {
    const { layout, calls, native } = source;
    const { word } = openLibc().library;
    this.layout = layout;
    this.native = native;
    this.#calls = calls;
    this.#eventsMax = word(capacity);
    this.#none = word(0);
    this.events = new Kevents(layout, capacity);
    this.answers = new Kevents(layout, capacity);
    this.#changes = new Kevents(layout, capacity);
    this.fd = syscall(openLibc(), () => calls.kqueue());
  }

  /**
   * Opens a queue; look at `fd` for failure.
   *
   * @param library A file with `kqueue` and `kevent`, for systems without, or
   * those functions themselves.
   * @param capacity Of the lists of changes and of events.
   * @throws {UnsupportedPlatformError} No such library, or none given where
   * the system itself has no kqueue.
   */
  static open(
    library: string | KqueueSource | null = null,
    capacity: number = 256,
  ): Kqueue {
    const isSource = typeof library === "object" && library !== null;
    return new Kqueue(isSource ? library : kqueueSource(library), capacity);
  }

  /** Changes that the next {@linkcode wait} hands over. */
  get pending(): number {
    return this.#pending;
  }

  /** Appends a change; false when the list is full: {@linkcode apply} it. */
  append(
    ident: number,
    filter: number,
    flags: number,
    udata: number,
    fflags: number = 0,
  ): boolean {
    if (this.#pending === this.#changes.capacity) return false;
    this.#changes.set(this.#pending++, ident, filter, flags, fflags, udata);
    return true;
  }

  /** Takes back what was appended since `pending` was so many. */
  truncate(pending: number): void {
    this.#pending = Math.min(this.#pending, pending);
  }

  /**
   * Hands the changes over at once, without taking events.
   *
   * @param start The changes from this one on; those before it stay.
   * @returns How many `answers` there are, or negative errno; then the changes
   * stay in the list.
   */
  apply(start: number = 0): number {
    const count = this.#pending - start;
    if (count <= 0) return 0;
    const changes = this.#changes;
    const { answers } = this;
    // EV_RECEIPT: every change is answered, so the list of answers is full
    // and there is no room for an event, which would be lost.
    answers.clear();
    const list = changes.from(start, count, this.layout.EV_RECEIPT);
    const libc = openLibc();
    const size = libc.library.word(count);
    this.#setTimeout(0);
    const result = syscall(
      libc,
      () =>
        this.#calls.kevent(
          this.fd,
          list,
          size,
          answers.bytes,
          size,
          this.#timespec,
        ),
    );
    if (result >= 0) this.#pending = start;
    return result;
  }

  /**
   * Hands the changes over and waits for events, in one call. A change that
   * failed is an event with EV_ERROR.
   *
   * @param timeoutMs Negative or Infinity: for ever.
   * @returns The number of `events`, or negative errno; then it is unknown
   * which changes were made, and they stay in the list.
   */
  wait(timeoutMs: number): number {
    const waitTime = toWaitTime(timeoutMs);
    const startMs = waitTime > 0 ? monotonicMs() : 0;
    let result = this.#kevent(waitTime);
    if (result === INTERRUPTED) {
      // The changes were made before the signal came.
      this.#pending = 0;
      result = repeatWait(waitTime, startMs, (left) => this.#kevent(left));
    }
    if (result >= 0) this.#pending = 0;
    return result;
  }

  /** Adds the event that {@linkcode triggerKqueue} makes happen; 0 or errno. */
  addUserEvent(udata: number): number {
    const filter = this.layout.EVFILT_USER;
    if (filter === null) return -errnoNumber("ENOTSUP");
    const start = this.#pending;
    this.append(USER_IDENT, filter, EV_ADD | EV_CLEAR, udata);
    const result = this.apply(start);
    this.truncate(start);
    if (result < 0) return result;
    return -this.answers.data(0) || 0;
  }

  /** Closes the queue, which forgets all it was told. */
  close(): number {
    return closeFd(this.fd);
  }

  #kevent(waitTime: number): number {
    const libc = openLibc();
    const count = this.#pending;
    const isForEver = waitTime < 0;
    if (!isForEver) this.#setTimeout(waitTime);
    return outcome(
      libc,
      this.#calls.kevent(
        this.fd,
        count === 0 ? null : this.#changes.bytes,
        count === 0 ? this.#none : libc.library.word(count),
        this.events.bytes,
        this.#eventsMax,
        isForEver ? null : this.#timespec,
      ),
    );
  }

  #setTimeout(waitTime: number): void {
    this.#timespec[0] = Math.floor(waitTime / 1000);
    this.#timespec[2] = (waitTime % 1000) * 1_000_000;
  }
}

// The trigger's own, so that it can be called in the middle of anything.
let trigger: Kevents | null = null;

/**
 * Makes the user event of a queue happen, from any thread; 0 or negative
 * errno. Where the system has no kqueue, that of the library which this thread
 * opened last.
 */
export function triggerKqueue(fd: number): number {
  const libc = openLibc();
  let source: KqueueSource | null = latest;
  if (nativeKqueueLayout(host.os) !== null) source = kqueueSource(null);
  if (source === null || source.layout.EVFILT_USER === null) {
    return -errnoNumber("ENOSYS");
  }
  const { calls, layout } = source;
  trigger ??= new Kevents(layout, 1);
  // Some systems keep the user data of the trigger, others that of the event:
  // it is the filter by which the event is known.
  trigger.set(0, USER_IDENT, layout.EVFILT_USER as number, 0, NOTE_TRIGGER, 0);
  const { bytes } = trigger;
  const one = libc.library.word(1);
  const none = libc.library.word(0);
  return Math.min(
    0,
    syscall(libc, () => calls.kevent(fd, bytes, one, null, none, null)),
  );
}

/** The functions and the layout to use; opened once per thread. */
export function kqueueSource(library: string | null): KqueueSource {
  const libc = openLibc();
  const key = library ?? "";
  const known = libraries.get(key);
  if (known !== undefined) return library === null ? known : (latest = known);
  let source: KqueueSource;
  if (library === null) {
    const layout = nativeKqueueLayout(host.os);
    if (layout === null) {
      throw new UnsupportedPlatformError(
        "This system has no kqueue: name a library that has one",
      );
    }
    const calls = libc.call as unknown as KqueueCalls;
    source = { layout, calls, native: true };
  } else {
    source = {
      layout: KQUEUE_LAYOUTS.libkqueue,
      calls: openKqueueLibrary(library),
      native: false,
    };
    latest = source;
  }
  libraries.set(key, source);
  return source;
}

function openKqueueLibrary(name: string): KqueueCalls {
  const table: Readonly<Record<string, SymbolRow>> = KQUEUE_SYMBOLS;
  try {
    const symbols = openLibc().library.open(name, table);
    return symbols as unknown as KqueueCalls;
  } catch (cause) {
    throw new UnsupportedPlatformError(
      `Cannot open the kqueue library "${name}": it is missing or has no ` +
        "kqueue and kevent, or foreign calls are not allowed for it",
      { cause },
    );
  }
}
