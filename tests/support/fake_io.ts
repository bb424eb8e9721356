// What objects on an I/O worker see of it, on the test's own thread: a real
// poller, timers on a clock that the test moves, and turns when it says so.
import type { IoContext, Transport } from "../../src/core/transport.ts";
import { ArgumentReader } from "../../src/core/launch_arguments.ts";
import type { Thread } from "../../src/core/thread.ts";
import { createPoller } from "../../src/poller/create_poller.ts";
import type { Poller } from "../../src/poller/poller.ts";
import { TimerQueue } from "../../src/poller/timer_queue.ts";
import { resolveWorkerUrl } from "../../src/worker_platform.ts";
import { Kernel } from "./kernel.ts";
import { until } from "./wait.ts";

/** An I/O worker that the test turns by hand. */
export class FakeIo implements IoContext {
  readonly kernel: Kernel;
  readonly thread: Thread;
  readonly poller: Poller = createPoller();
  readonly timers: TimerQueue;
  readonly argumentReader: ArgumentReader;
  readonly workerUrl: string = resolveWorkerUrl(null);
  nowMs = 1000;
  readonly #transport: Transport | null;
  readonly #hooks: (() => void)[] = [];
  readonly #stopHooks: (() => void)[] = [];
  #later: (() => void)[] = [];

  constructor(
    transport: Transport | null = null,
    kernel: Kernel = new Kernel(),
  ) {
    this.kernel = kernel;
    this.thread = kernel.thread();
    this.argumentReader = new ArgumentReader(this.thread.memory);
    this.timers = new TimerQueue(() => this.nowMs);
    this.#transport = transport;
  }

  get wakeTarget(): number {
    return this.poller.wakeTarget;
  }
  transport(): Transport {
    if (this.#transport === null) throw new Error("No transport is given");
    return this.#transport;
  }
  addObject(): void {}
  addTurnHook(hook: () => void): void {
    this.#hooks.push(hook);
  }
  onStop(hook: () => void): void {
    this.#stopHooks.push(hook);
  }
  continueLater(callback: () => void): void {
    this.#later.push(callback);
  }

  /** One turn, without sleep. */
  turn(): void {
    this.kernel.settle();
    for (const hook of this.#hooks) hook();
    for (const callback of this.#later.splice(0)) callback();
    this.timers.execute();
    this.poller.wait(0);
  }

  /** Turns until something has happened. */
  turnUntil(condition: () => boolean, what: string): Promise<void> {
    return until(() => {
      this.turn();
      return condition();
    }, what);
  }

  /** Moves the clock and lets what is due happen. */
  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.turn();
  }

  stop(): void {
    for (const hook of this.#stopHooks) hook();
    this.poller.close();
  }
}
