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
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
} from "../../ffi/mod.ts";
import type { Poller, PollEvents, PollHandle } from "./poller.ts";

/** Events taken per turn, so that timers and mail get theirs. */
const EVENTS_MAX = 256;

/** Index that stands for the wake-up descriptor. */
const WAKEUP = 0x7fffffff;

class EpollHandle implements PollHandle {
  readonly fd: number;
  readonly events: PollEvents;
  readonly index: number;
  /** Interest wanted, and what the kernel knows. */
  wanted = 0;
  known = 0;
  dirty = false;
  removed = false;

  constructor(fd: number, events: PollEvents, index: number) {
    this.fd = fd;
    this.events = events;
    this.index = index;
  }
}

/** Poller over Linux' epoll, level-triggered. */
export class EpollPoller implements Poller {
  readonly #epollFd: number;
  readonly #events = new EpollEvents(EVENTS_MAX);
  readonly #handles: (EpollHandle | null)[] = [];
  readonly #free: number[] = [];
  /** Freed in this turn: usable again when its events are through. */
  readonly #retired: number[] = [];
  readonly #dirty: EpollHandle[] = [];
  #load = 0;

  /**
   * @throws {RangeError} When the system has no epoll descriptor left.
   */
  constructor() {
    this.#epollFd = epollCreate();
    if (this.#epollFd < 0) {
      throw new RangeError(`Cannot create epoll: errno ${-this.#epollFd}`);
    }
  }

  get load(): number {
    return this.#load;
  }

  add(fd: number, events: PollEvents): PollHandle | number {
    const index = this.#free.pop() ?? this.#handles.length;
    const result = epollControl(this.#epollFd, EPOLL_CTL_ADD, fd, 0, index);
    if (result < 0) {
      this.#free.push(index);
      return result;
    }
    const handle = new EpollHandle(fd, events, index);
    this.#handles[index] = handle;
    this.#load++;
    return handle;
  }

  addWakeup(fd: number): number {
    // Edge-triggered: every write is an event, and nobody needs to read.
    const events = EPOLLIN | EPOLLET;
    return epollControl(this.#epollFd, EPOLL_CTL_ADD, fd, events, WAKEUP);
  }

  remove(handle: PollHandle): void {
    const entry = handle as EpollHandle;
    if (entry.removed) return;
    entry.removed = true;
    epollControl(this.#epollFd, EPOLL_CTL_DEL, entry.fd, 0, 0);
    this.#handles[entry.index] = null;
    this.#retired.push(entry.index);
    this.#load--;
  }

  setInterest(handle: PollHandle, input: boolean, output: boolean): void {
    const entry = handle as EpollHandle;
    entry.wanted = (input ? EPOLLIN : 0) | (output ? EPOLLOUT : 0);
    if (entry.wanted === entry.known || entry.dirty) return;
    // Told to the kernel before the next wait: what is toggled back until
    // then costs nothing.
    entry.dirty = true;
    this.#dirty.push(entry);
  }

  wait(timeoutMs: number): void {
    this.#flushInterest();
    const count = this.#events.wait(this.#epollFd, timeoutMs);
    if (count < 0) throw new RangeError(`Cannot wait: errno ${-count}`);
    for (let i = 0; i < count; i++) {
      this.#deliver(this.#events.dataAt(i), this.#events.eventsAt(i));
    }
    while (this.#retired.length > 0) {
      this.#free.push(this.#retired.pop() as number);
    }
  }

  close(): void {
    closeFd(this.#epollFd);
  }

  #deliver(index: number, events: number): void {
    if (index === WAKEUP) return;
    const entry = this.#handles[index];
    if (entry === null || entry === undefined) return;
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) entry.events.inEvent();
    if (!entry.removed && (events & EPOLLOUT) !== 0) entry.events.outEvent();
    if (!entry.removed && (events & EPOLLIN) !== 0) entry.events.inEvent();
  }

  #flushInterest(): void {
    for (const entry of this.#dirty) {
      entry.dirty = false;
      if (entry.removed || entry.wanted === entry.known) continue;
      const { fd, wanted, index } = entry;
      epollControl(this.#epollFd, EPOLL_CTL_MOD, fd, wanted, index);
      entry.known = wanted;
    }
    this.#dirty.length = 0;
  }
}
