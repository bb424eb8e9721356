// libzmq: poll.{hpp,cpp} · runs on: io thread · RFC: –

import {
  errnoNumber,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
} from "../../ffi/mod.ts";
import type { Wakeup } from "../../ffi/mod.ts";
import { DescriptorTable } from "./descriptor_table.ts";
import {
  deliverFound,
  directions,
  LevelHandle,
  noteFound,
} from "./level_handle.ts";
import { EVENTS_PER_TURN_MAX } from "./poller.ts";
import type { Poller, PollEvents, PollHandle, Trigger } from "./poller.ts";
import {
  brokenWakeup,
  cannotWait,
  drainWakeup,
  isTransient,
  openWakeup,
  pause,
} from "./poller_failure.ts";
import { INPUT, OUTPUT } from "./ready_list.ts";

const EBADF = errnoNumber("EBADF");

const CAPACITY_MIN = 64;

/** Entry 0 of the set is the wake-up descriptor's. */
const FIRST = 1;

/**
 * Poller over poll(2), which every system has. Only handles with interest are
 * in the set, without gaps, so the others cost nothing.
 */
export class PollPoller implements Poller {
  readonly kind = "poll";
  readonly trigger: Trigger = "level";
  readonly #wakeup: Wakeup;
  readonly #table: DescriptorTable<LevelHandle> = new DescriptorTable();
  #set = new PollSet(CAPACITY_MIN);
  /** Whose entry is where; null is the wake-up's. */
  readonly #active: (LevelHandle | null)[] = [null];
  /**
   * Where the next turn begins to look: those before it were looked at in this
   * round, those from it on were not.
   */
  #next = FIRST;
  readonly #found: LevelHandle[] = [];
  #isClosed = false;
  readonly #closed: LevelHandle[] = [];

  /**
   * @throws {PollerOpenError} When the system has no descriptor left.
   */
  constructor() {
    this.#wakeup = openWakeup("pipe", -1);
    this.#set.set(0, this.#wakeup.readFd, POLLIN);
  }

  get load(): number {
    return this.#table.size;
  }

  get wakeTarget(): number {
    return this.#wakeup.writeFd;
  }

  add(fd: number, events: PollEvents): PollHandle | number {
    const identity = this.#table.admit(fd);
    if (typeof identity === "number") return identity;
    const former = this.#table.get(fd);
    if (former !== undefined) this.remove(former);
    const handle = new LevelHandle(fd, events, identity);
    this.#table.set(handle);
    return handle;
  }

  remove(handle: PollHandle): void {
    const entry = handle as LevelHandle;
    if (entry.removed) return;
    entry.removed = true;
    this.#table.delete(entry);
    if (entry.place >= 0) this.#deactivate(entry);
  }

  setInterest(handle: PollHandle, input: boolean, output: boolean): void {
    const entry = handle as LevelHandle;
    if (entry.removed) return;
    entry.wanted = directions(input, output);
    if (entry.wanted === 0) {
      if (entry.place >= 0) this.#deactivate(entry);
    } else if (entry.place < 0) {
      this.#makeRoom();
      this.#put(entry, this.#active.length);
    } else this.#put(entry, entry.place);
  }

  // The system is asked in every turn.
  inputExhausted(_handle: PollHandle): void {}
  outputExhausted(_handle: PollHandle): void {}

  wait(timeoutMs: number): number {
    // The numbers may be somebody else's by now.
    if (this.#isClosed) throw cannotWait("poll", -EBADF);
    const count = this.#set.wait(this.#active.length, timeoutMs);
    if (count < 0) {
      if (!isTransient(count)) throw cannotWait("poll", count);
      pause(timeoutMs);
      return 0;
    }
    if (count === 0) return 0;
    const woken = this.#set.revents(0);
    if (woken !== 0) this.#wake(woken, timeoutMs);
    this.#find(woken !== 0 ? count - 1 : count);
    return deliverFound(this.#found);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wakeup.close();
  }

  #wake(events: number, timeoutMs: number): void {
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) !== 0) {
      throw brokenWakeup("poll", events);
    }
    drainWakeup(this.#wakeup, timeoutMs);
  }

  /** Takes the ready ones down, at most a turn's worth, from `#next` on. */
  #find(count: number): void {
    const active = this.#active;
    let left = count;
    let index = this.#next;
    for (let looked = FIRST; looked < active.length && left > 0; looked++) {
      if (index >= active.length) index = FIRST;
      const events = this.#set.revents(index);
      if (events !== 0) {
        left--;
        const entry = active[index] as LevelHandle;
        if ((events & POLLNVAL) !== 0) this.#closed.push(entry);
        else {
          const broken = (events & (POLLERR | POLLHUP)) !== 0;
          const ready = directions(
            broken || (events & POLLIN) !== 0,
            broken || (events & POLLOUT) !== 0,
          );
          noteFound(this.#found, entry, ready);
        }
      }
      index++;
      if (this.#found.length === EVENTS_PER_TURN_MAX) break;
    }
    this.#next = index;
    // Closed without having been removed: epoll forgets such, and poll would
    // come back with them at once, for ever.
    for (const entry of this.#closed) {
      this.#deactivate(entry);
      this.#table.closed(entry);
    }
    this.#closed.length = 0;
  }

  #put(entry: LevelHandle, place: number): void {
    const events = ((entry.wanted & INPUT) !== 0 ? POLLIN : 0) |
      ((entry.wanted & OUTPUT) !== 0 ? POLLOUT : 0);
    entry.place = place;
    this.#active[place] = entry;
    this.#set.set(place, entry.fd, events);
  }

  /** Takes an entry out without passing over one not yet looked at. */
  #deactivate(entry: LevelHandle): void {
    let hole = entry.place;
    entry.place = -1;
    if (hole < this.#next) {
      // Filled by the last one before `#next`, whose place the last one of
      // all gets: that one's turn is still to come.
      this.#next--;
      this.#move(this.#next, hole);
      hole = this.#next;
    }
    this.#move(this.#active.length - 1, hole);
    this.#active.pop();
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    this.#put(this.#active[from] as LevelHandle, to);
  }

  #makeRoom(): void {
    if (this.#active.length < this.#set.capacity) return;
    this.#set = new PollSet(this.#set.capacity * 2);
    this.#set.set(0, this.#wakeup.readFd, POLLIN);
    for (let place = FIRST; place < this.#active.length; place++) {
      this.#put(this.#active[place] as LevelHandle, place);
    }
  }
}
