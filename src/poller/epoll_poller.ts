// libzmq: epoll.{hpp,cpp} · runs on: io thread · RFC: –

import {
  closeFd,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epollControl,
  epollCreate,
  EPOLLERR,
  EPOLLET,
  EpollEvents,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  errnoNumber,
} from "../../ffi/mod.ts";
import type { Wakeup } from "../../ffi/mod.ts";
import { NumberMap } from "../base/number_map.ts";
import { EVENTS_PER_TURN_MAX, NO_MEMORY_PAUSE_MS } from "./poller.ts";
import type { Poller, PollEvents, PollHandle, Trigger } from "./poller.ts";
import {
  brokenWakeup,
  cannotOpen,
  cannotWait,
  isTransient,
  openWakeup,
  pause,
} from "./poller_failure.ts";
import { INPUT, OUTPUT, ReadyList } from "./ready_list.ts";
import type { ReadyEntry } from "./ready_list.ts";

const EBADF = errnoNumber("EBADF");
const EEXIST = errnoNumber("EEXIST");

/**
 * What a change of interest says of the descriptor, for good: it was closed,
 * and its number may be something else's that cannot even be polled.
 */
const LASTING: ReadonlySet<number> = new Set(
  ["EBADF", "EINVAL", "ELOOP", "ENOENT", "EPERM"]
    .map((name) => -errnoNumber(name)),
);

/** User data is an index and, above that, the descriptor. */
const FD_UNIT = 2 ** 32;

/** Index that stands for the wake-up descriptor. */
const WAKEUP = 0x7fffffff;

/** No interest: the kernel tells of a broken connection all the same, once. */
const NO_INTEREST = EPOLLET;

/** What the kernel knows when it knows nothing. */
const UNKNOWN = -1;

/** Both directions, told of at each change, for as long as the handle lives. */
const EVERY_EDGE = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

/**
 * The same for a shared descriptor, while there is interest in it; EPOLLRDHUP
 * does not go with EPOLLEXCLUSIVE.
 */
const EVERY_EXCLUSIVE_EDGE = (EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE) >>>
  0;

class EpollHandle implements PollHandle, ReadyEntry {
  readonly fd: number;
  readonly events: PollEvents;
  readonly index: number;
  /** Shared with other pollers, of which one is enough to be told. */
  readonly exclusive: boolean;
  wanted = 0;
  removed = false;
  // Level-triggered, or exclusive: what the kernel knows, and whether that is
  // out of date.
  known: number = NO_INTEREST;
  dirty = false;
  // Edge-triggered: see {@link ReadyEntry}.
  ready = 0;
  hungUp = false;
  broken = false;
  queued = false;

  constructor(
    fd: number,
    events: PollEvents,
    index: number,
    exclusive: boolean,
  ) {
    this.fd = fd;
    this.events = events;
    this.index = index;
    this.exclusive = exclusive;
  }
}

/** Poller over Linux' epoll. */
export class EpollPoller implements Poller {
  readonly kind = "epoll";
  readonly trigger: Trigger;
  readonly #epollFd: number;
  readonly #wakeup: Wakeup;
  readonly #events = new EpollEvents(EVENTS_PER_TURN_MAX);
  readonly #handles: (EpollHandle | null)[] = [];
  readonly #byFd: NumberMap<EpollHandle> = new NumberMap();
  readonly #free: number[] = [];
  /** Freed in this turn: usable again when its events are through. */
  readonly #retired: number[] = [];
  #dirty: EpollHandle[] = [];
  readonly #readyList: ReadyList | null;
  #isClosed = false;
  #strained = false;

  /**
   * @throws {PollerOpenError} When the system has no descriptor or memory left.
   */
  constructor(trigger: Trigger = "level") {
    this.trigger = trigger;
    this.#readyList = trigger === "edge" ? new ReadyList() : null;
    this.#epollFd = epollCreate();
    if (this.#epollFd < 0) {
      throw cannotOpen("create epoll", this.#epollFd);
    }
    this.#wakeup = openWakeup("eventfd", this.#epollFd);
    // Edge-triggered: every write is an event, and nobody needs to read.
    const events = (EPOLLIN | EPOLLET) >>> 0;
    const { readFd } = this.#wakeup;
    const result = this.#control(EPOLL_CTL_ADD, readFd, events, WAKEUP);
    if (result < 0) {
      this.close();
      throw cannotOpen("watch for wake-ups", result);
    }
  }

  get load(): number {
    return this.#byFd.size;
  }

  get wakeTarget(): number {
    return this.#wakeup.writeFd;
  }

  get descriptor(): number {
    return this.#epollFd;
  }

  get strained(): boolean {
    return this.#strained;
  }

  add(
    fd: number,
    events: PollEvents,
    exclusive = false,
  ): PollHandle | number {
    const index = this.#free.pop() ?? this.#handles.length;
    const level = this.#readyList === null;
    // An exclusive one must not wait before it has interest: the kernel would
    // wake this poller, and nobody else.
    const interest = level || exclusive ? NO_INTEREST : EVERY_EDGE;
    let result = this.#control(EPOLL_CTL_ADD, fd, interest, index);
    if (result === -EEXIST && !this.#byFd.has(fd)) {
      // Left over from a removal that failed; it may have been exclusive, and
      // such a one cannot be modified.
      this.#control(EPOLL_CTL_DEL, fd, 0, 0);
      result = this.#control(EPOLL_CTL_ADD, fd, interest, index);
    }
    if (result < 0) {
      this.#free.push(index);
      return result;
    }
    // The kernel forgets what is closed; its number is somebody else's now.
    const former = this.#byFd.get(fd);
    if (former !== undefined) this.#forget(former);
    const handle = new EpollHandle(fd, events, index, exclusive);
    this.#handles[index] = handle;
    this.#byFd.set(fd, handle);
    return handle;
  }

  remove(handle: PollHandle): void {
    const entry = handle as EpollHandle;
    if (entry.removed) return;
    this.#forget(entry);
    this.#control(EPOLL_CTL_DEL, entry.fd, 0, 0);
  }

  setInterest(handle: PollHandle, input: boolean, output: boolean): void {
    const entry = handle as EpollHandle;
    entry.wanted = (input ? INPUT : 0) | (output ? OUTPUT : 0);
    if (this.#readyList !== null) {
      this.#readyList.interestChanged(entry);
      if (!entry.exclusive) return;
    }
    if (entry.dirty || this.#interestBits(entry) === entry.known) return;
    // Told to the kernel before the next wait: what is toggled back until
    // then costs nothing.
    entry.dirty = true;
    this.#dirty.push(entry);
  }

  inputExhausted(handle: PollHandle): void {
    this.#readyList?.exhausted(handle as EpollHandle, INPUT);
  }

  outputExhausted(handle: PollHandle): void {
    this.#readyList?.exhausted(handle as EpollHandle, OUTPUT);
  }

  wait(timeoutMs: number): number {
    // The number may be somebody else's by now.
    if (this.#isClosed) throw cannotWait("epoll_wait", -EBADF);
    const list = this.#readyList;
    let timeout = timeoutMs;
    this.#strained = !this.#flushInterest();
    if (this.#strained) {
      timeout = timeout < 0
        ? NO_MEMORY_PAUSE_MS
        : Math.min(timeout, NO_MEMORY_PAUSE_MS);
    }
    if (list !== null && !list.empty) timeout = 0;
    const count = this.#events.wait(this.#epollFd, timeout);
    if (count < 0) {
      if (!isTransient(count)) throw cannotWait("epoll_wait", count);
      this.#strained = true;
      // What is known to be ready does not need the kernel.
      const toldAnyway = list === null ? 0 : list.deliver(EVENTS_PER_TURN_MAX);
      this.#recycle();
      pause(timeoutMs);
      return toldAnyway;
    }
    let told = 0;
    for (let i = 0; i < count; i++) {
      const data = this.#events.dataAt(i);
      const index = data >>> 0;
      const events = this.#events.eventsAt(i);
      if (index === WAKEUP) {
        if (isBroken(events)) throw brokenWakeup("epoll_wait", events);
        continue;
      }
      const entry = this.#handles[index];
      const fd = (data - index) / FD_UNIT;
      if (entry === null || entry === undefined || entry.fd !== fd) {
        this.#forgotten(fd);
        continue;
      }
      if (list !== null) noteEdge(list, entry, events);
      else if (deliverLevel(entry, events)) told++;
    }
    if (list !== null) told = list.deliver(EVENTS_PER_TURN_MAX);
    this.#recycle();
    return told;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeFd(this.#epollFd);
    this.#wakeup.close();
  }

  /** The turn's events are through: freed indices mean nothing any more. */
  #recycle(): void {
    while (this.#retired.length > 0) {
      this.#free.push(this.#retired.pop() as number);
    }
  }

  #forget(entry: EpollHandle): void {
    entry.removed = true;
    this.#handles[entry.index] = null;
    this.#retired.push(entry.index);
    this.#byFd.delete(entry.fd);
  }

  /** Tells the kernel what has changed; false when it had no memory for it. */
  #flushInterest(): boolean {
    if (this.#dirty.length === 0) return true;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const entry of dirty) {
      entry.dirty = false;
      const interest = this.#interestBits(entry);
      if (entry.removed || interest === entry.known) continue;
      const result = this.#modify(entry, interest);
      if (result >= 0) entry.known = interest;
      else if (!LASTING.has(result)) {
        // Without it the descriptor is never told of.
        entry.dirty = true;
        this.#dirty.push(entry);
      } else entry.known = UNKNOWN;
    }
    return this.#dirty.length === 0;
  }

  #modify(entry: EpollHandle, interest: number): number {
    const { fd, index, exclusive } = entry;
    if (!exclusive) return this.#control(EPOLL_CTL_MOD, fd, interest, index);
    // epoll_ctl(2): what is exclusive can be added, but not modified.
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
    // Should adding fail, the kernel knows nothing of it.
    entry.known = UNKNOWN;
    const bits = interest === NO_INTEREST
      ? interest
      : (interest | EPOLLEXCLUSIVE) >>> 0;
    return this.#control(EPOLL_CTL_ADD, fd, bits, index);
  }

  /** What the kernel should know of a handle. */
  #interestBits(entry: EpollHandle): number {
    if (entry.wanted === 0) return NO_INTEREST;
    if (this.#readyList !== null) return EVERY_EXCLUSIVE_EDGE;
    return ((entry.wanted & INPUT) !== 0 ? EPOLLIN : 0) |
      ((entry.wanted & OUTPUT) !== 0 ? EPOLLOUT : 0);
  }

  /**
   * An event of what is not registered: it was removed in this turn, or the
   * kernel had no memory for its removal and would tell of it for ever.
   */
  #forgotten(fd: number): void {
    if (!this.#byFd.has(fd)) this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  #control(operation: number, fd: number, events: number, index: number) {
    const data = index + fd * FD_UNIT;
    return epollControl(this.#epollFd, operation, fd, events, data);
  }
}

function isBroken(events: number): boolean {
  return (events & (EPOLLERR | EPOLLHUP)) !== 0;
}

/** Delivers what a level-triggered descriptor has; false when nothing. */
function deliverLevel(entry: EpollHandle, events: number): boolean {
  const broken = isBroken(events);
  if (entry.wanted === 0) {
    if (broken) entry.events.inEvent();
    return broken;
  }
  let told = false;
  if ((entry.wanted & OUTPUT) !== 0 && (broken || (events & EPOLLOUT) !== 0)) {
    told = true;
    entry.events.outEvent();
  }
  if (
    !entry.removed && (entry.wanted & INPUT) !== 0 &&
    (broken || (events & EPOLLIN) !== 0)
  ) {
    told = true;
    entry.events.inEvent();
  }
  return told;
}

/** Remembers what the kernel says only once. */
function noteEdge(list: ReadyList, entry: EpollHandle, events: number): void {
  const broken = isBroken(events);
  // Every event has all that holds at that moment. An error alone is no
  // hang-up: the next read takes it, and the one after that may block.
  entry.hungUp = (events & (EPOLLHUP | EPOLLRDHUP)) !== 0;
  const ready = ((events & (EPOLLIN | EPOLLRDHUP)) !== 0 ? INPUT : 0) |
    ((events & EPOLLOUT) !== 0 ? OUTPUT : 0);
  list.becameReady(entry, broken ? INPUT | OUTPUT : ready, broken);
}
