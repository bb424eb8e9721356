// libzmq: kqueue.{hpp,cpp} · runs on: io thread · RFC: –

import {
  errnoNumber,
  EV_ADD,
  EV_CLEAR,
  EV_DELETE,
  EV_EOF,
  EV_ERROR,
  Kqueue,
  userEventTarget,
} from "../../ffi/mod.ts";
import type { Kevents, KqueueSource, Wakeup } from "../../ffi/mod.ts";
import { DescriptorTable } from "./descriptor_table.ts";
import { KqueueHandle } from "./kqueue_handle.ts";
import { deliverFound, directions, noteFound } from "./level_handle.ts";
import { EVENTS_PER_TURN_MAX, NO_MEMORY_PAUSE_MS } from "./poller.ts";
import type { Poller, PollEvents, PollHandle, Trigger } from "./poller.ts";
import {
  brokenWakeup,
  cannotOpen,
  cannotWait,
  drainWakeup,
  isTransient,
  openWakeup,
  pause,
} from "./poller_failure.ts";
import { INPUT, OUTPUT, ReadyList } from "./ready_list.ts";

const EBADF = errnoNumber("EBADF");
const ENOENT = errnoNumber("ENOENT");

/** User data that stands for the wake-up. */
const WAKEUP = 0x7fffffff;

const DIRECTIONS: readonly number[] = [INPUT, OUTPUT];

/** How other threads end the wait: an event of the queue itself, or a pipe. */
export type KqueueWakeup = "user" | "pipe";

export interface KqueueOptions {
  readonly trigger?: Trigger | undefined;
  /** A file with `kqueue` and `kevent`, or these, for systems without. */
  readonly library?: string | KqueueSource | null | undefined;
  /**
   * A user event where the system has them, else a pipe. With a library a
   * pipe, which threads can write to that have not opened the library.
   */
  readonly wakeup?: KqueueWakeup | undefined;
}

/**
 * Poller over kqueue(2), of macOS and the BSDs or of a library.
 *
 * Level-triggered, changes of interest travel with the next wait, so they cost
 * no call. Edge-triggered, both filters are added with the descriptor and stay.
 * A removal deletes the filters at once, although closing would do that too: a
 * descriptor may be registered again without having been closed, and a library
 * never learns of a close.
 */
export class KqueuePoller implements Poller {
  readonly kind = "kqueue";
  readonly trigger: Trigger;
  /** Takes down what other filters than those of descriptors say. */
  onFilterEvent: ((events: Kevents, index: number) => void) | null = null;
  readonly #queue: Kqueue;
  /** null: user events. */
  readonly #wakeup: Wakeup | null;
  readonly #table: DescriptorTable<KqueueHandle> = new DescriptorTable();
  readonly #handles: (KqueueHandle | null)[] = [];
  readonly #free: number[] = [];
  /** Freed in this turn: usable again when its events are through. */
  readonly #retired: number[] = [];
  #dirty: KqueueHandle[] = [];
  /** Whose changes are in the queue's list. */
  readonly #changing: KqueueHandle[] = [];
  readonly #found: KqueueHandle[] = [];
  readonly #readyList: ReadyList | null;
  /** In this turn the kernel had no memory for a change. */
  #isShort = false;
  #isClosed = false;
  #strained = false;

  /**
   * @throws {PollerOpenError} When the system has no descriptor or memory left.
   * @throws {UnsupportedPlatformError} When there is no such library.
   */
  constructor(options: KqueueOptions = {}) {
    const trigger = options.trigger ?? "level";
    this.trigger = trigger;
    this.#readyList = trigger === "edge" ? new ReadyList() : null;
    const queue = Kqueue.open(options.library ?? null, EVENTS_PER_TURN_MAX);
    if (queue.fd < 0) {
      throw cannotOpen("create kqueue", queue.fd);
    }
    this.#queue = queue;
    const hasUserEvents = queue.layout.EVFILT_USER !== null;
    const wakeup = options.wakeup ??
      (queue.native && hasUserEvents ? "user" : "pipe");
    this.#wakeup = wakeup === "pipe" ? openWakeup("pipe", queue.fd) : null;
    const result = this.#watchWakeup();
    if (result < 0) {
      this.close();
      throw cannotOpen("watch for wake-ups", result);
    }
  }

  get strained(): boolean {
    return this.#strained;
  }

  get load(): number {
    return this.#table.size;
  }

  get wakeTarget(): number {
    return this.#wakeup?.writeFd ?? userEventTarget(this.#queue.fd);
  }

  /** None with a library, whose queue is no descriptor that can be polled. */
  get descriptor(): number | undefined {
    return this.#queue.native ? this.#queue.fd : undefined;
  }

  /** For filters that are not of descriptors: {@link onFilterEvent}. */
  get queue(): Kqueue {
    return this.#queue;
  }

  add(fd: number, events: PollEvents): PollHandle | number {
    const identity = this.#table.admit(fd);
    if (typeof identity === "number") return identity;
    const former = this.#table.get(fd);
    if (former !== undefined) this.remove(former);
    const index = this.#free.pop() ?? this.#handles.length;
    const handle = new KqueueHandle(fd, events, identity, index);
    if (this.#readyList !== null) {
      const result = this.#addEdges(handle);
      if (result < 0) {
        this.#free.push(index);
        return result;
      }
    }
    this.#handles[index] = handle;
    this.#table.set(handle);
    return handle;
  }

  remove(handle: PollHandle): void {
    const entry = handle as KqueueHandle;
    if (entry.removed) return;
    entry.removed = true;
    this.#handles[entry.index] = null;
    this.#retired.push(entry.index);
    this.#table.delete(entry);
    if (entry.known !== 0 || entry.isUnsure) this.#deleteFilters(entry);
  }

  setInterest(handle: PollHandle, input: boolean, output: boolean): void {
    const entry = handle as KqueueHandle;
    if (entry.removed) return;
    entry.wanted = directions(input, output);
    if (this.#readyList !== null) this.#readyList.interestChanged(entry);
    else if (entry.wanted !== entry.known) this.#markDirty(entry);
  }

  inputExhausted(handle: PollHandle): void {
    this.#readyList?.exhausted(handle as KqueueHandle, INPUT);
  }

  outputExhausted(handle: PollHandle): void {
    this.#readyList?.exhausted(handle as KqueueHandle, OUTPUT);
  }

  wait(timeoutMs: number): number {
    // The number may be somebody else's by now.
    if (this.#isClosed) throw cannotWait("kevent", -EBADF);
    const list = this.#readyList;
    let timeout = timeoutMs;
    this.#strained = !this.#appendChanges();
    if (this.#strained) {
      timeout = timeout < 0
        ? NO_MEMORY_PAUSE_MS
        : Math.min(timeout, NO_MEMORY_PAUSE_MS);
    }
    if (list !== null && !list.empty || this.#found.length > 0) timeout = 0;
    const count = this.#queue.wait(timeout);
    if (count < 0) {
      this.#doubtChanges();
      if (!isTransient(count)) throw cannotWait("kevent", count);
      this.#strained = true;
      // What is known to be ready does not need the kernel.
      const toldAnyway = this.#deliver();
      pause(timeoutMs);
      return toldAnyway;
    }
    this.#changing.length = 0;
    const { events } = this.#queue;
    for (let i = 0; i < count; i++) this.#note(events, i, timeoutMs);
    if (count === events.capacity) this.#distrustLibrary();
    const told = this.#deliver();
    if (this.#isShort) {
      // The kernel says so at once, however long it was asked to wait.
      this.#isShort = false;
      this.#strained = true;
      if (told === 0) pause(timeoutMs);
    }
    return told;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.close();
    this.#wakeup?.close();
  }

  #deliver(): number {
    const told = this.#readyList !== null
      ? this.#readyList.deliver(EVENTS_PER_TURN_MAX)
      : deliverFound(this.#found);
    // Their events are through: freed indices mean nothing any more.
    while (this.#retired.length > 0) {
      this.#free.push(this.#retired.pop() as number);
    }
    return told;
  }

  #watchWakeup(): number {
    const queue = this.#queue;
    const wakeup = this.#wakeup;
    if (wakeup === null) return queue.addUserEvent(WAKEUP);
    // Not EV_CLEAR: a pipe that was full would have no further edge.
    const filter = queue.layout.EVFILT_READ;
    queue.append(wakeup.readFd, filter, EV_ADD, WAKEUP);
    const result = queue.apply();
    return result < 0 ? result : -queue.answers.data(0);
  }

  #filter(direction: number): number {
    const { EVFILT_READ, EVFILT_WRITE } = this.#queue.layout;
    return direction === INPUT ? EVFILT_READ : EVFILT_WRITE;
  }

  /**
   * Adds both filters at once. One is enough: a BSD refuses that for writing to
   * a pipe whose other end is closed, and to what can only be read.
   *
   * @returns 0 or negative errno.
   */
  #addEdges(entry: KqueueHandle): number {
    // What waits in the list may be for a descriptor of the same number.
    const former = this.#applyChanges();
    if (former < 0) return former;
    const queue = this.#queue;
    for (const direction of DIRECTIONS) {
      const filter = this.#filter(direction);
      queue.append(entry.fd, filter, EV_ADD | EV_CLEAR, entry.index);
    }
    const result = queue.apply();
    queue.truncate(0);
    let error = Math.min(result, 0);
    let lasting = true;
    for (const [i, direction] of DIRECTIONS.entries()) {
      if (i >= result) continue;
      const refusal = -queue.answers.data(i) || 0;
      if (refusal === 0) entry.known |= direction;
      else {
        error ||= refusal;
        lasting &&= !isTransient(refusal);
      }
    }
    if (entry.known !== 0 && lasting) {
      // What was refused has no edge: a call will tell why.
      entry.ready = (INPUT | OUTPUT) & ~entry.known;
      return 0;
    }
    // After a call that failed nobody knows what it has made.
    entry.isUnsure = true;
    this.#deleteFilters(entry);
    return error;
  }

  /** Whatever there is of them: that one is absent is no error. */
  #deleteFilters(entry: KqueueHandle): void {
    const queue = this.#queue;
    if (this.#applyChanges() < 0) this.#doubtChanges();
    for (const direction of DIRECTIONS) {
      if (!entry.isUnsure && (entry.known & direction) === 0) continue;
      queue.append(entry.fd, this.#filter(direction), EV_DELETE, entry.index);
    }
    // Should it fail, the filters show when they bring an event.
    queue.apply();
    queue.truncate(0);
  }

  #markDirty(entry: KqueueHandle): void {
    if (entry.isDirty) return;
    // Told to the kernel with the next wait: what is toggled back until then
    // is no change.
    entry.isDirty = true;
    this.#dirty.push(entry);
  }

  /** Puts what changed into the list; false when the kernel lacks memory. */
  #appendChanges(): boolean {
    if (this.#dirty.length === 0) return true;
    const dirty = this.#dirty;
    this.#dirty = [];
    let hasMemory = true;
    for (const entry of dirty) {
      entry.isDirty = false;
      // In doubt both are said: that a filter to delete is absent, or one to
      // add is there, is no error.
      const change = entry.isUnsure
        ? INPUT | OUTPUT
        : entry.wanted ^ entry.known;
      if (entry.removed || change === 0) continue;
      if (hasMemory && this.#queue.pending + 2 > EVENTS_PER_TURN_MAX) {
        hasMemory = this.#applyChanges() >= 0;
        if (!hasMemory) this.#doubtChanges();
      }
      if (!hasMemory) {
        this.#markDirty(entry);
        continue;
      }
      for (const direction of DIRECTIONS) {
        if ((change & direction) === 0) continue;
        const flags = (entry.wanted & direction) !== 0 ? EV_ADD : EV_DELETE;
        const { fd, index } = entry;
        this.#queue.append(fd, this.#filter(direction), flags, index);
      }
      entry.known = entry.wanted;
      entry.isUnsure = false;
      this.#changing.push(entry);
    }
    // Those that were refused are dirty again.
    return this.#dirty.length === 0;
  }

  /** Hands over what is in the list, in a call of its own. */
  #applyChanges(): number {
    const queue = this.#queue;
    if (queue.pending === 0) return 0;
    const count = queue.apply();
    if (count < 0) return count;
    this.#changing.length = 0;
    for (let i = 0; i < count; i++) {
      const { answers } = queue;
      const entry = this.#handles[answers.udata(i)];
      if (answers.data(i) !== 0 && entry?.fd === answers.ident(i)) {
        this.#noteError(entry, answers.filter(i), answers.data(i));
      }
    }
    return 0;
  }

  /** After a call that failed nobody knows which changes it has made. */
  #doubtChanges(): void {
    this.#queue.truncate(0);
    for (const entry of this.#changing) {
      entry.known = 0;
      entry.isUnsure = true;
      if (!entry.removed) this.#markDirty(entry);
    }
    this.#changing.length = 0;
  }

  /** Takes down what an event says; nobody is told before all are down. */
  #note(events: Kevents, i: number, timeoutMs: number): void {
    const filter = events.filter(i);
    const flags = events.flags(i);
    const udata = events.udata(i);
    const { EVFILT_READ, EVFILT_USER, EVFILT_WRITE } = this.#queue.layout;
    if (filter === EVFILT_USER) return;
    if (filter !== EVFILT_READ && filter !== EVFILT_WRITE) {
      this.onFilterEvent?.(events, i);
      return;
    }
    if (udata === WAKEUP) {
      this.#noteWake(flags, timeoutMs);
      return;
    }
    const fd = events.ident(i);
    const entry = this.#handles[udata];
    if (entry === null || entry === undefined || entry.fd !== fd) {
      // Left over from one that was removed while the system had no memory.
      if ((flags & EV_ERROR) === 0) {
        this.#queue.append(fd, filter, EV_DELETE, udata);
      }
      return;
    }
    if ((flags & EV_ERROR) !== 0) {
      if (events.data(i) !== 0) this.#noteError(entry, filter, events.data(i));
      return;
    }
    const direction = filter === this.#queue.layout.EVFILT_READ
      ? INPUT
      : OUTPUT;
    if (this.#readyList === null) this.#noteLevel(entry, direction);
    else {
      const isBroken = events.fflags(i) !== 0;
      this.#noteEdge(entry, direction, (flags & EV_EOF) !== 0, isBroken);
    }
  }

  #noteWake(flags: number, timeoutMs: number): void {
    if ((flags & (EV_EOF | EV_ERROR)) !== 0) {
      throw brokenWakeup("kevent", flags);
    }
    drainWakeup(this.#wakeup as Wakeup, timeoutMs);
  }

  #noteLevel(entry: KqueueHandle, direction: number): void {
    entry.known |= direction;
    // The deletion of this filter has failed.
    if ((entry.wanted & direction) === 0) this.#markDirty(entry);
    this.#find(entry, direction);
  }

  /** Remembers what the kernel says only once. */
  #noteEdge(
    entry: KqueueHandle,
    direction: number,
    isEnd: boolean,
    isBroken: boolean,
  ): void {
    const list = this.#readyList as ReadyList;
    // The end of what can be written says nothing of what can still be read.
    if (direction === INPUT) entry.hungUp = isEnd;
    const broken = isEnd && isBroken;
    list.becameReady(entry, broken ? INPUT | OUTPUT : direction, broken);
  }

  /** The kernel has refused a change. */
  #noteError(entry: KqueueHandle, filter: number, errno: number): void {
    const direction = filter === this.#queue.layout.EVFILT_READ
      ? INPUT
      : OUTPUT;
    const wasDeletion = (entry.known & direction) === 0;
    if (isTransient(-errno)) {
      entry.known ^= direction;
      this.#isShort = true;
      this.#markDirty(entry);
    } else if (!wasDeletion && errno !== EBADF && errno !== ENOENT) {
      // As a broken pipe does: a call will tell why.
      this.#find(entry, direction);
    }
  }

  #find(entry: KqueueHandle, direction: number): void {
    noteFound(this.#found, entry, direction);
  }

  /**
   * A full list may have been too short for a library: libkqueue drops what
   * finds no room in it, and an edge does not come again. So everything counts
   * as ready, until a call says that it would block.
   */
  #distrustLibrary(): void {
    const list = this.#readyList;
    if (list === null || this.#queue.native) return;
    for (const entry of this.#table.values()) {
      list.becameReady(entry, INPUT | OUTPUT, false);
    }
  }
}
