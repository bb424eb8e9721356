// libzmq: none · runs on: any · RFC: –

import { host, SIGNALS_REACH_WORKERS } from "../../ffi/mod.ts";
import { EventLoopError } from "./event_loop_error.ts";
import { FilterQueue } from "./kevent_filters.ts";
import type { LoopHost, LoopSource, OpenSource } from "./loop_host.ts";
import { InotifyWatcher } from "./file_source.ts";
import type { FileChange } from "./file_source.ts";
import { PidSource, ProcFilterSource } from "./process_source.ts";
import type { ProcessExit } from "./process_source.ts";
import { FilterSignals } from "./signal_filter_source.ts";
import {
  cannotListen,
  listenersAreCalled,
  waitableSignal,
} from "./signal_relay.ts";
import type { SignalRelayHandle } from "./signal_relay.ts";
import {
  BoardSignals,
  HelperFeed,
  OwnFeed,
  RelayFeed,
} from "./signal_source.ts";
import type { SignalEvent, SignalFeed } from "./signal_source.ts";
import { VnodeSource } from "./vnode_source.ts";

/** Beside this module, unless a bundle has given it another name. */
const PLACE = /^(.*\/)loop_sources(\.[a-z]+)$/.exec(import.meta.url);
const WORKER_URL: string | null = PLACE === null
  ? null
  : `${PLACE[1]}event_loop_worker${PLACE[2]}`;

/**
 * The module that the threads of loops start from. Never a guess: in a bundle
 * that would be the program itself, run once more.
 *
 * @param chosen The loop's option.
 */
export function loopWorkerUrl(
  chosen: string | null,
  call: string,
  beside: string | null = WORKER_URL,
): string {
  const url = chosen ?? beside;
  if (url !== null) return url;
  const reason = "cannot start a thread: this program is bundled, and the " +
    "thread's code is in the package's module \"event-loop-worker\"; make " +
    "that an entry point of the bundle, too, and give its address as the " +
    "loop's option workerUrl";
  throw new EventLoopError("ENOTSUP", call, {}, reason);
}

/** What a loop can wait for besides descriptors, by this system's means. */
export class LoopSources {
  readonly #loop: LoopHost;
  readonly #relay: SignalRelayHandle | null;
  readonly #workerUrl: string | null;
  /** Whether the loop's thread runs its event loop between turns. */
  readonly #idle: boolean;
  // Opened when first needed.
  #filters: FilterQueue | null = null;
  #inotify: InotifyWatcher | null = null;
  #signals: BoardSignals | null = null;
  #filterSignals: FilterSignals | null = null;

  constructor(
    loop: LoopHost,
    relay: SignalRelayHandle | null,
    workerUrl: string | null,
    idle: boolean,
  ) {
    this.#loop = loop;
    this.#relay = relay;
    this.#workerUrl = workerUrl;
    this.#idle = idle;
  }

  onProcessExit(
    pid: number,
    callback: (exit: ProcessExit) => void,
    call: string,
  ): OpenSource {
    if (!this.#hasFilters) {
      return PidSource.open(this.#loop, pid, callback, call);
    }
    const filters = this.#openFilters(call);
    return new ProcFilterSource(this.#loop, filters, pid, callback, call);
  }

  onFileChange(
    path: string,
    callback: (change: FileChange) => void,
    call: string,
  ): OpenSource {
    if (this.#hasFilters) {
      const filters = this.#openFilters(call);
      return new VnodeSource(this.#loop, filters, path, callback, call);
    }
    this.#inotify ??= new InotifyWatcher(this.#loop, call);
    return this.#inotify.watch(path, callback, call);
  }

  onSignal(
    signal: string,
    callback: (event: SignalEvent) => void,
    call: string,
  ): LoopSource {
    const number = waitableSignal(signal, call);
    // A library can take no signal from the runtime's threads: only a kernel.
    if (host.os !== "linux" && this.#relay === null && !this.#idle) {
      this.#filterSignals ??= new FilterSignals(
        this.#loop,
        this.#openFilters(call),
      );
      return this.#filterSignals.watch(number, callback, call);
    }
    this.#signals ??= new BoardSignals(
      this.#loop,
      this.#signalFeed(signal, call),
      call,
    );
    return this.#signals.watch(number, callback, call);
  }

  /** Once per turn: what comes through shared memory or a poller's queue. */
  turn(): void {
    this.#filters?.turn();
    this.#signals?.turn();
  }

  close(): void {
    this.#signals?.close();
    this.#inotify?.close();
    this.#filters?.close();
    this.#signals = this.#inotify = this.#filters = null;
  }

  get #hasFilters(): boolean {
    return host.os !== "linux" || this.#loop.poller.kind === "kqueue";
  }

  #openFilters(call: string): FilterQueue {
    return this.#filters ??= new FilterQueue(this.#loop, call);
  }

  #signalFeed(signal: string, call: string): SignalFeed {
    if (this.#relay !== null) return new RelayFeed(this.#relay, !this.#idle);
    if (this.#idle && listenersAreCalled()) return new OwnFeed();
    // A thread made for it has a running event loop, but Bun tells it nothing.
    if (SIGNALS_REACH_WORKERS) {
      const url = loopWorkerUrl(this.#workerUrl, call);
      return new HelperFeed(url, signal, call);
    }
    throw cannotListen(signal, call);
  }
}
