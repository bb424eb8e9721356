// libzmq: none · runs on: any · RFC: –

import { statSync } from "node:fs";
import {
  gettid,
  monotonicMs,
  signalName,
  spawnWorker,
  threadAlive,
} from "../../ffi/mod.ts";
import { add, load, notifyAll, store, wait } from "../memory/shared_access.ts";
import { EventLoopError } from "./event_loop_error.ts";
import { type LoopHost, OpenSource } from "./loop_host.ts";
import {
  ASKED,
  DENIED,
  DONE,
  HELPER_TID,
  SignalBoard,
  WANTED,
} from "./signal_board.ts";
import { SignalListeners } from "./signal_listeners.ts";
import { cannotListen, refusedByRuntime } from "./signal_relay.ts";
import type { SignalRelayHandle } from "./signal_relay.ts";

/** A signal that came. */
export interface SignalEvent {
  /** Its name, such as `"SIGTERM"`. */
  readonly signal: string;
  /**
   * How often it was told since the last time, at least once. The system
   * itself joins signals of one name that come in quick succession.
   */
  readonly count: number;
}

/** What the helper thread is told at its start. */
export interface SignalHelperData {
  readonly role: "signals";
  readonly board: SharedArrayBuffer;
}

/** Starting a thread takes a tenth of a second; much more is a failure. */
const HELPER_ANSWERS_MS = 20_000;

/** How often the life of the thread is checked meanwhile, ms. */
const HELPER_CHECK_MS = 100;

/** How a board comes to know of signals. */
export interface SignalFeed {
  readonly board: SignalBoard;
  /** @throws {EventLoopError} ENOTSUP or EINVAL. */
  listen(number: number, call: string): void;
  end(number: number): void;
  close(): void;
}

/** Another thread's relay. */
export class RelayFeed implements SignalFeed {
  readonly board: SignalBoard;
  readonly #names: readonly string[];
  readonly #ownThread: boolean;

  /** @param blocking Whether the loop's own thread blocks. */
  constructor(relay: SignalRelayHandle, blocking: boolean) {
    this.board = new SignalBoard(relay.board);
    this.#names = relay.names;
    this.#ownThread = blocking && relay.threadId === gettid();
  }

  listen(number: number, call: string): void {
    const signal = signalName(number);
    // The relay's listener would wait for this very loop to end.
    if (this.#ownThread) throw cannotListen(signal, call);
    if (this.#names.includes(signal)) return;
    const reason = "is not among those of the SignalRelay";
    throw new EventLoopError("EINVAL", call, { signal }, reason);
  }

  end(): void {}

  close(): void {}
}

/** Listeners of the thread itself, which runs its event loop. */
export class OwnFeed implements SignalFeed {
  readonly board: SignalBoard = new SignalBoard();
  readonly #listeners = new SignalListeners(this.board);

  listen(number: number, call: string): void {
    try {
      this.#listeners.listen(number);
    } catch (error) {
      throw refusedByRuntime(signalName(number), call, error);
    }
  }

  end(number: number): void {
    this.#listeners.end(number);
  }

  close(): void {
    this.#listeners.endAll();
  }
}

/** Listeners of a thread that is there for nothing else. */
export class HelperFeed implements SignalFeed {
  readonly board: SignalBoard = new SignalBoard();
  #wanted = 0;
  /** It did not answer: it is not asked again. */
  #isDead = false;
  #cause: unknown = undefined;

  /**
   * @param workerUrl The module that knows the role.
   * @throws {EventLoopError} EMTHREAD: there is no such module, or it may not
   * be read.
   */
  constructor(workerUrl: string, signal: string, call: string) {
    try {
      // The runtime says so only to an event loop, which stands still here.
      if (workerUrl.startsWith("file:")) statSync(new URL(workerUrl));
    } catch (error) {
      throw noHelper(signal, call, error);
    }
    const data: SignalHelperData = {
      role: "signals",
      board: this.board.buffer,
    };
    spawnWorker(workerUrl, data).onExit((error) => {
      this.#isDead = true;
      this.#cause = error ?? undefined;
    });
  }

  listen(number: number, call: string): void {
    this.#wanted |= 1 << number;
    const answered = this.#ask();
    const denied = load(this.board.words, DENIED) & (1 << number);
    if (answered && denied === 0) return;
    this.#wanted &= ~(1 << number);
    const signal = signalName(number);
    if (answered) throw refusedByRuntime(signal, call);
    throw noHelper(signal, call, this.#cause);
  }

  end(number: number): void {
    this.#wanted &= ~(1 << number);
    this.#ask();
  }

  close(): void {
    this.#wanted = 1;
    this.#ask();
  }

  /** Has the helper do what is wanted, and waits until it has. */
  #ask(): boolean {
    const { words } = this.board;
    // Also to one that is late, so that it ends.
    store(words, WANTED, this.#wanted);
    const number = add(words, ASKED, 1) + 1;
    notifyAll(words, ASKED);
    const deadlineMs = monotonicMs() + HELPER_ANSWERS_MS;
    while (!this.#isDead) {
      const done = load(words, DONE);
      if (done === number) return true;
      if (wait(words, DONE, done, HELPER_CHECK_MS) !== "timed-out") continue;
      const tid = load(words, HELPER_TID);
      const hasEnded = tid !== 0 && !threadAlive(tid);
      this.#isDead = hasEnded || monotonicMs() >= deadlineMs;
    }
    return false;
  }
}

function noHelper(
  signal: string,
  call: string,
  cause: unknown,
): EventLoopError {
  const reason = "cannot be heard: the thread that listens " +
    "did not start, or died";
  const error = new EventLoopError("EMTHREAD", call, { signal }, reason);
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The signals of one loop, by a board. */
export class BoardSignals {
  readonly loop: LoopHost;
  readonly #feed: SignalFeed;
  readonly #seat: number;
  readonly #sources: Set<BoardSignalSource> = new Set();

  /** @throws {EventLoopError} EMFILE: too many loops have this relay. */
  constructor(loop: LoopHost, feed: SignalFeed, call: string) {
    this.loop = loop;
    this.#feed = feed;
    this.#seat = feed.board.takeSeat(loop.poller.wakeTarget);
    if (this.#seat >= 0) return;
    const reason = "too many loops have this SignalRelay";
    throw new EventLoopError("EMFILE", call, {}, reason);
  }

  watch(
    number: number,
    callback: (event: SignalEvent) => void,
    call: string,
  ): BoardSignalSource {
    const { board } = this.#feed;
    // Before somebody listens: what comes from then on is told.
    const seen = board.countOf(number);
    this.#feed.listen(number, call);
    const source = new BoardSignalSource(this, board, number, seen, callback);
    this.#sources.add(source);
    return source;
  }

  forget(source: BoardSignalSource): void {
    this.#sources.delete(source);
    for (const { number } of this.#sources) {
      if (number === source.number) return;
    }
    this.#feed.end(source.number);
  }

  /** Tells what came since the last turn; whoever counted woke the loop. */
  turn(): void {
    for (const source of [...this.#sources]) source.look();
  }

  close(): void {
    this.#feed.close();
    this.#feed.board.leaveSeat(this.#seat);
  }
}

/** One signal that somebody waits for, by a board. */
export class BoardSignalSource extends OpenSource {
  readonly number: number;
  readonly #signals: BoardSignals;
  readonly #board: SignalBoard;
  readonly #callback: (event: SignalEvent) => void;
  #seen: number;

  /** @param seen How often the signal came before it was of interest. */
  constructor(
    signals: BoardSignals,
    board: SignalBoard,
    number: number,
    seen: number,
    callback: (event: SignalEvent) => void,
  ) {
    super(signals.loop);
    this.number = number;
    this.#signals = signals;
    this.#board = board;
    this.#callback = callback;
    this.#seen = seen;
  }

  look(): void {
    if (!this.active) return;
    const total = this.#board.countOf(this.number);
    const count = (total - this.#seen) | 0;
    if (count === 0) return;
    this.#seen = total;
    const signal = signalName(this.number);
    this.#signals.loop.tell(this.#callback, { signal, count });
  }

  protected override release(): void {
    this.#signals.forget(this);
  }
}
