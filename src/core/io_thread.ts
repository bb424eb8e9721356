// libzmq: io_thread.{hpp,cpp} · runs on: io thread · RFC: –

import { get, store } from "../memory/shared_access.ts";
import {
  ContextState,
  OWN,
  OwnKind,
  Pool,
  Sleep,
  THREAD,
} from "../memory/layout.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { Session } from "./session.ts";
import { ArgumentReader } from "./launch_arguments.ts";
import { ListenerObject } from "./listener_object.ts";
import { LIVENESS_INTERVAL_MS, type Thread } from "./thread.ts";
import type { IoContext, IoObject, Transport } from "./transport.ts";
import type { Poller } from "../poller/poller.ts";
import { TimerQueue } from "../poller/timer_queue.ts";
import { assert } from "../base/assert.ts";

/**
 * An I/O worker: one blocking loop over its poller, its timers and its
 * mailbox. It never returns to its JavaScript event loop while it runs, so
 * nothing here may use promises.
 */
export class IoThread implements IoContext, CommandTarget {
  readonly thread: Thread;
  readonly poller: Poller;
  readonly timers: TimerQueue;
  readonly argumentReader: ArgumentReader;
  readonly #transports: ReadonlyMap<string, Transport>;
  readonly #turnHooks: (() => void)[] = [];
  /** Owner: this worker. Keeps objects that only the kernel refers to. */
  readonly #objects: object[] = [];
  readonly #ready: (() => void)[] = [];
  readonly #stopHooks: (() => void)[] = [];
  readonly workerUrl: string;
  #stopping = false;
  #loadTold = -1;

  constructor(
    thread: Thread,
    poller: Poller,
    transports: readonly Transport[],
    workerUrl: string,
  ) {
    this.workerUrl = workerUrl;
    this.thread = thread;
    this.argumentReader = new ArgumentReader(thread.memory);
    this.poller = poller;
    this.timers = new TimerQueue(() => thread.platform.monotonicMs());
    const table = new Map<string, Transport>();
    for (const transport of transports) {
      for (const protocol of transport.protocols) {
        table.set(protocol, transport);
      }
    }
    this.#transports = table;
    thread.register(thread.record + THREAD.NODE, this);
    thread.onUnknown = (node, bits) => this.#launch(node, bits);
    store(
      thread.control.words,
      thread.record + THREAD.WAKE_TARGET,
      poller.wakeTarget,
    );
  }

  get wakeTarget(): number {
    return this.poller.wakeTarget;
  }

  transport(protocol: string): Transport {
    const transport = this.#transports.get(protocol);
    assert(transport !== undefined, `transport ${protocol} is wired`);
    return transport;
  }

  addObject(object: object): void {
    this.#objects.push(object);
  }

  onStop(hook: () => void): void {
    this.#stopHooks.push(hook);
  }

  addTurnHook(hook: () => void): void {
    this.#turnHooks.push(hook);
  }

  /** Calls back in the next turn: for work cut off so that others get theirs. */
  continueLater(callback: () => void): void {
    this.#ready.push(callback);
  }

  processCommands(bits: number): void {
    if ((bits & Command.STOP) !== 0) this.#stopping = true;
  }

  /** Runs until the context stops this thread. */
  run(): void {
    const { thread, poller, timers } = this;
    const { payload, slot } = thread.memory;
    payload.startTrimming(slot);
    this.#watchOthers();
    while (!this.#stopping) {
      thread.processMail();
      for (const hook of this.#turnHooks) hook();
      // Before the timers: what runs here may add some.
      for (const callback of this.#ready.splice(0)) callback();
      let timeout = timers.execute();
      if (this.#ready.length > 0) timeout = 0;
      this.#tellLoad();
      if (this.#stopping || thread.state === ContextState.FAILED) break;
      if (thread.prepareSleep(Sleep.DESCRIPTOR)) {
        poller.wait(timeout);
        thread.awake();
      } else poller.wait(0);
    }
  }

  /**
   * Lets go of every descriptor. In a context that failed there are
   * connections and listeners left, whose peers and ports wait for that.
   */
  close(): void {
    for (const hook of this.#stopHooks) hook();
    for (const object of [...this.#objects, ...this.thread.targets]) {
      abandon(object);
    }
    const { control, record, memory } = this.thread;
    memory.payload.stopTrimming(memory.slot);
    store(control.words, record + THREAD.WAKE_TARGET, -1);
    this.poller.close();
  }

  /** Without one of them the context has failed, and this worker with it. */
  #watchOthers(): void {
    this.timers.add(LIVENESS_INTERVAL_MS, () => {
      this.thread.checkLiveness();
      const { payload, slot } = this.thread.memory;
      if (payload.startTrimming(slot)) payload.trim();
      if (this.thread.control.state === ContextState.FAILED) {
        this.#stopping = true;
      }
      this.#watchOthers();
    });
  }

  #tellLoad(): void {
    const { load } = this.poller;
    if (load === this.#loadTold) return;
    this.#loadTold = load;
    store(this.thread.control.words, this.thread.record + THREAD.LOAD, load);
  }

  /** A new object for this thread. */
  #launch(node: number, bits: number): void {
    const { control } = this.thread;
    const { layout, words } = control;
    if (layout.poolOf(node) !== Pool.OWN || (bits & Command.PLUG) === 0) return;
    const record = layout.recordOf(Pool.OWN, node);
    const kind = get(words, record + OWN.KIND);
    const object = kind === OwnKind.LISTENER
      ? new ListenerObject(this, record)
      : new Session(this, record);
    object.processCommands(bits & ~Command.TERM);
    // Joined with PLUG, TERM has overtaken what the owner told the object's
    // pipe in between: it goes to the end of the queue again.
    if ((bits & Command.TERM) !== 0) control.post(node, Command.TERM);
  }
}

/** Whatever is wrong with one object, the others let go all the same. */
function abandon(object: Partial<IoObject>): void {
  try {
    object.abandon?.();
  } catch {
    // What made the worker end is the error that counts.
  }
}
