// libzmq: none · runs on: watcher thread · RFC: –

import {
  gettid,
  MessagePipe,
  monotonicMs,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  PollSet,
  threadAlive,
  Wakeup,
} from "../../ffi/mod.ts";
import { add, load, notifyAll, store, wait } from "../memory/shared_access.ts";
import {
  brokenWakeup,
  drainWakeup,
  isTransient,
  pause,
} from "../poller/poller_failure.ts";

/** How often the owner's life is checked, ms. */
const OWNER_CHECK_INTERVAL_MS = 2000;

/** What a watcher is told at its start. */
export interface WatcherData {
  readonly role: "watcher";
  readonly port: unknown;
  /** See {@link WatcherWord}. */
  readonly words: SharedArrayBuffer;
  /** Kernel thread id of the thread that it watches for. */
  readonly ownerTid: number;
}

/** The words that a watcher shares with its owner. */
export const WatcherWord = {
  /** Counts rounds of answers; the owner waits for it to change. */
  BELL: 0,
  /**
   * The descriptor that wakes the watcher, plus one; 0 = there is none, {@link
   * WAKE_FD_OPENING}.
   */
  WAKE_FD: 1,
  /** See {@link WatcherStop}. */
  STOP: 2,
  /** Kernel thread id of the watcher, once it runs. */
  TID: 3,
  COUNT: 4,
} as const;

/** In place of the descriptor: it is about to be there. */
export const WAKE_FD_OPENING = -1;

/**
 * How the owner ends its watcher. The watcher closes its descriptor only when
 * the owner has left: its number may be somebody else's from then on. The owner
 * waits until it is gone, since its own end may cut the watcher's short.
 */
export const WatcherStop = { NO: 0, WANTED: 1, LEFT: 2, GONE: 3 } as const;

/** Asks for one answer, when one of the descriptors is ready. */
export interface WatchRequest {
  readonly id: number;
  readonly fds: readonly number[];
  /** POLL* bits for each of them; null takes the request back. */
  readonly events: readonly number[] | null;
}

/** Says that a descriptor of a request is ready, or that nobody can tell. */
export interface WatchAnswer {
  readonly id: number;
  /** A negative errno of poll(2), else 0. */
  readonly errno: number;
}

/**
 * Waits for descriptors in poll(2), for a thread whose event loop must go on
 * meanwhile. Nothing is read: the owner looks for itself.
 */
export function runDescriptorWatcher(data: WatcherData): void {
  const words = new Int32Array(data.words);
  store(words, WatcherWord.TID, gettid());
  // Ordering: told first, then look; the owner wants it to stop first, then
  // looks. One of the two sees the other.
  store(words, WatcherWord.WAKE_FD, WAKE_FD_OPENING);
  if (load(words, WatcherWord.STOP) === WatcherStop.NO) {
    new Watcher(data, words).run();
  } else {
    store(words, WatcherWord.WAKE_FD, 0);
    MessagePipe.from(data.port).close();
  }
  store(words, WatcherWord.STOP, WatcherStop.GONE);
  notifyAll(words, WatcherWord.STOP);
}

class Watcher {
  readonly #channel: MessagePipe;
  readonly #words: Int32Array;
  readonly #ownerTid: number;
  readonly #wakeup: Wakeup;
  readonly #requests: Map<number, WatchRequest> = new Map();
  #set = new PollSet(16);
  #lastCheckMs = monotonicMs();

  constructor(data: WatcherData, words: Int32Array) {
    this.#channel = MessagePipe.from(data.port);
    this.#words = words;
    this.#ownerTid = data.ownerTid;
    this.#wakeup = Wakeup.open();
    if (this.#wakeup.readFd < 0) {
      throw new RangeError("Cannot open a descriptor for wake-ups");
    }
  }

  run(): void {
    const words = this.#words;
    try {
      // Ordering: the descriptor first, then look for what is wanted; the
      // owner says what it wants first, then looks for the descriptor. One of
      // the two sees the other.
      store(words, WatcherWord.WAKE_FD, this.#wakeup.writeFd + 1);
      while (this.#ownerLives()) {
        if (load(words, WatcherWord.STOP) !== WatcherStop.NO) break;
        this.#takeRequests();
        this.#turn();
      }
    } catch (error) {
      // The owner may be about to use the descriptor: it stays open.
      store(words, WatcherWord.WAKE_FD, 0);
      throw error;
    }
    this.#awaitOwner();
    this.#wakeup.close();
    store(words, WatcherWord.WAKE_FD, 0);
    this.#channel.close();
  }

  #takeRequests(): void {
    for (;;) {
      const request = this.#channel.take() as WatchRequest | undefined;
      if (request === undefined) return;
      if (request.events === null) this.#requests.delete(request.id);
      else this.#requests.set(request.id, request);
    }
  }

  #turn(): void {
    const count = this.#fill();
    const set = this.#set;
    const result = set.wait(count, OWNER_CHECK_INTERVAL_MS);
    if (result === 0) return;
    if (result < 0) {
      // Whatever it says, it says so at once, again and again.
      pause(OWNER_CHECK_INTERVAL_MS);
      // It passes: nobody needs to know. Anything else is the requests' fault.
      if (isTransient(result)) return;
    } else if (set.revents(0) !== 0) this.#wake(set.revents(0));
    this.#answer(result);
  }

  /** @throws {RangeError} Nobody could wake this thread any more. */
  #wake(events: number): void {
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) !== 0) {
      throw brokenWakeup("poll", events);
    }
    drainWakeup(this.#wakeup, OWNER_CHECK_INTERVAL_MS);
  }

  /** Answers those that are ready; all of them after an error. */
  #answer(result: number): void {
    const set = this.#set;
    let index = 1;
    let answered = false;
    for (const { id, fds } of [...this.#requests.values()]) {
      let ready = result < 0;
      for (let n = 0; n < fds.length; n++, index++) {
        if (set.revents(index) !== 0) ready = true;
      }
      if (!ready) continue;
      this.#requests.delete(id);
      const answer: WatchAnswer = { id, errno: Math.min(result, 0) };
      this.#channel.post(answer);
      answered = true;
    }
    if (!answered) return;
    add(this.#words, WatcherWord.BELL, 1);
    notifyAll(this.#words, WatcherWord.BELL);
  }

  /** Prepares the poll; how many entries it has. */
  #fill(): number {
    let count = 1;
    for (const { fds } of this.#requests.values()) count += fds.length;
    if (count > this.#set.capacity) this.#set = new PollSet(2 * count);
    const set = this.#set;
    set.set(0, this.#wakeup.readFd, POLLIN);
    let index = 1;
    for (const { fds, events } of this.#requests.values()) {
      for (let n = 0; n < fds.length; n++, index++) {
        set.set(index, fds[n] as number, events?.[n] ?? 0);
      }
    }
    return count;
  }

  #ownerLives(): boolean {
    const now = monotonicMs();
    if (now - this.#lastCheckMs < OWNER_CHECK_INTERVAL_MS) return true;
    this.#lastCheckMs = now;
    return threadAlive(this.#ownerTid);
  }

  /** Waits until the owner has done all that it does to end a watcher. */
  #awaitOwner(): void {
    const words = this.#words;
    const { STOP } = WatcherWord;
    while (
      load(words, STOP) !== WatcherStop.LEFT && threadAlive(this.#ownerTid)
    ) wait(words, STOP, WatcherStop.WANTED, OWNER_CHECK_INTERVAL_MS);
  }
}
