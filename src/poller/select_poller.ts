// libzmq: select.{hpp,cpp} · runs on: io thread · RFC: –

import {
  errnoNumber,
  FD_SETSIZE,
  fileStatus,
  SelectSet,
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
  cannotWait,
  drainWakeup,
  isTransient,
  openWakeup,
  pause,
  PollerOpenError,
} from "./poller_failure.ts";

const EBADF = errnoNumber("EBADF");
const EMFILE = errnoNumber("EMFILE");

/**
 * Poller over select(2). It knows descriptors below FD_SETSIZE only, whatever
 * the process may open, and refuses others with EMFILE.
 */
export class SelectPoller implements Poller {
  readonly kind = "select";
  readonly trigger: Trigger = "level";
  readonly #wakeup: Wakeup;
  readonly #table: DescriptorTable<LevelHandle> = new DescriptorTable();
  readonly #set = new SelectSet();
  /** Handles with interest, by their descriptor. */
  readonly #active: (LevelHandle | null)[] = new Array(FD_SETSIZE).fill(null);
  /** The descriptor at which the next turn begins to look. */
  #next = 0;
  readonly #found: LevelHandle[] = [];
  #isClosed = false;

  /**
   * @throws {PollerOpenError} When the system has no descriptor left, or none below
   * FD_SETSIZE.
   */
  constructor() {
    this.#wakeup = openWakeup("pipe", -1);
    const { readFd } = this.#wakeup;
    if (readFd >= FD_SETSIZE) {
      this.#wakeup.close();
      throw new PollerOpenError(
        -EMFILE,
        `Cannot watch for wake-ups: select takes descriptors below ` +
          `${FD_SETSIZE} only, and the system gave ${readFd}`,
      );
    }
    this.#set.set(readFd, true, false);
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
    if (fd >= FD_SETSIZE) return -EMFILE;
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
    this.#deactivate(entry);
  }

  setInterest(handle: PollHandle, input: boolean, output: boolean): void {
    const entry = handle as LevelHandle;
    if (entry.removed) return;
    entry.wanted = directions(input, output);
    if (entry.wanted === 0) this.#deactivate(entry);
    else {
      this.#active[entry.fd] = entry;
      this.#set.set(entry.fd, input, output);
    }
  }

  // The system is asked in every turn.
  inputExhausted(_handle: PollHandle): void {}
  outputExhausted(_handle: PollHandle): void {}

  wait(timeoutMs: number): number {
    // The numbers may be somebody else's by now.
    if (this.#isClosed) throw cannotWait("select", -EBADF);
    const count = this.#set.wait(timeoutMs);
    if (count < 0) {
      if (count === -EBADF && this.#forgetClosed()) return 0;
      if (!isTransient(count)) throw cannotWait("select", count);
      pause(timeoutMs);
      return 0;
    }
    if (count === 0) return 0;
    const { readFd } = this.#wakeup;
    // A broken pipe is readable too: reading it tells.
    if (((this.#set.readyInput(readFd >>> 5) >>> (readFd & 31)) & 1) !== 0) {
      drainWakeup(this.#wakeup, timeoutMs);
    }
    this.#find();
    return deliverFound(this.#found);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wakeup.close();
  }

  /** Takes the ready ones down, at most a turn's worth, from `#next` on. */
  #find(): void {
    const { words } = this.#set;
    const start = this.#next;
    const firstWord = start >>> 5;
    const lower = (1 << (start & 31)) - 1;
    // Word by word, the first one in two parts: its upper one now, its lower
    // one when all others are through.
    if (firstWord < words && this.#findIn(firstWord, ~lower)) return;
    for (let word = firstWord + 1; word < words; word++) {
      if (this.#findIn(word, -1)) return;
    }
    for (let word = 0; word < Math.min(firstWord, words); word++) {
      if (this.#findIn(word, -1)) return;
    }
    if (firstWord < words) this.#findIn(firstWord, lower);
  }

  /** Those of one word; true when the turn is full. */
  #findIn(word: number, mask: number): boolean {
    const inputs = this.#set.readyInput(word) & mask;
    const outputs = this.#set.readyOutput(word) & mask;
    let bits = inputs | outputs;
    while (bits !== 0) {
      const bit = bits & -bits;
      bits &= ~bit;
      const fd = word * 32 + 31 - Math.clz32(bit);
      const entry = this.#active[fd];
      // null: the wake-up's own.
      if (entry === null || entry === undefined) continue;
      const ready = directions((inputs & bit) !== 0, (outputs & bit) !== 0);
      noteFound(this.#found, entry, ready);
      if (this.#found.length === EVENTS_PER_TURN_MAX) {
        this.#next = (fd + 1) % FD_SETSIZE;
        return true;
      }
    }
    return false;
  }

  #deactivate(entry: LevelHandle): void {
    if (this.#active[entry.fd] !== entry) return;
    this.#active[entry.fd] = null;
    this.#set.set(entry.fd, false, false);
  }

  /**
   * One closed descriptor fails the call for all. epoll forgets those that
   * were closed without being removed, and so does this.
   *
   * @returns False when none of the handles is to blame.
   */
  #forgetClosed(): boolean {
    let found = false;
    for (const entry of this.#active) {
      if (entry === null || fileStatus(entry.fd) !== -EBADF) continue;
      found = true;
      this.#deactivate(entry);
      this.#table.closed(entry);
    }
    return found;
  }
}
