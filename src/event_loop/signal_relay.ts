// libzmq: none · runs on: app thread · RFC: –

import {
  gettid,
  isMainThread,
  signalNumber,
  SIGNALS_REACH_WORKERS,
} from "../../ffi/mod.ts";
import { EventLoopError } from "./event_loop_error.ts";
import { SignalBoard } from "./signal_board.ts";
import { SignalListeners } from "./signal_listeners.ts";

/** What a Worker is given of a relay: plain data that can be cloned. */
export interface SignalRelayHandle {
  /** The signals that are relayed. */
  readonly names: readonly string[];
  /** Counts of signals, in shared memory. */
  readonly board: SharedArrayBuffer;
  /** The kernel's id of the thread that listens. */
  readonly threadId: number;
}

/** Signals that no program can wait for. */
const UNCATCHABLE: readonly string[] = ["SIGKILL", "SIGSTOP"];

/**
 * The number of a signal.
 *
 * @throws {TypeError} No signal of this system.
 * @throws {EventLoopError} EINVAL for one that cannot be waited for.
 */
export function waitableSignal(name: string, call: string): number {
  const number = typeof name === "string" ? signalNumber(name) : 0;
  if (number === 0) {
    throw new TypeError(`${call}: "${name}" is no signal of this system`);
  }
  if (UNCATCHABLE.includes(name)) {
    const subject = { signal: name };
    throw new EventLoopError("EINVAL", call, subject, "cannot be waited for");
  }
  return number;
}

/** The error when a thread's listeners would never be called. */
export function cannotListen(name: string, call: string): EventLoopError {
  return new EventLoopError(
    "ENOTSUP",
    call,
    { signal: name },
    "does not reach a thread that blocks, nor, in some runtimes, any but the " +
      "main thread: make a SignalRelay on a main thread that does not block, " +
      "and give its handle to the loop",
  );
}

/** The error when the runtime refuses to listen. */
export function refusedByRuntime(
  name: string,
  call: string,
  cause?: unknown,
): EventLoopError {
  const error = new EventLoopError(
    "EINVAL",
    call,
    { signal: name },
    "is kept by the runtime for itself",
  );
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** Whether the runtime calls listeners of this thread, if it does not block. */
export function listenersAreCalled(): boolean {
  return SIGNALS_REACH_WORKERS || isMainThread();
}

/**
 * Listens to signals on a thread that runs its event loop, and wakes the
 * blocking loops of other threads for them. Needed under Bun, which tells only
 * the main thread of signals; works the same under Deno, where a loop can do
 * without.
 *
 * From here on these signals do not do what they do by default; after
 * {@linkcode SignalRelay.close} they do so again. The runtime's other listeners
 * are called as before.
 *
 * @example A Worker that winds up when the program is asked to end
 * ```ts
 * import { SignalRelay } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 * import { Worker } from "node:worker_threads";
 *
 * using relay = new SignalRelay(["SIGUSR2"]);
 * const source = `
 *   const { parentPort, workerData } = require("node:worker_threads");
 *   import(workerData.module).then(({ EventLoop }) => {
 *     const loop = new EventLoop({ signals: workerData.signals });
 *     loop.onSignal("SIGUSR2", () => loop.stop());
 *     parentPort.postMessage("waiting");
 *     loop.run();
 *     loop.close();
 *     parentPort.postMessage("told");
 *   });`;
 * const worker = new Worker(source, {
 *   eval: true,
 *   workerData: {
 *     module: import.meta.resolve("@purezmq/zmq/poller"),
 *     signals: relay.handle,
 *   },
 * });
 * const said: string[] = [];
 * worker.on("message", (word) => {
 *   said.push(word);
 *   if (word === "waiting") process.kill(process.pid, "SIGUSR2");
 * });
 * await new Promise((resolve) => worker.on("exit", resolve));
 * assert.deepEqual(said, ["waiting", "told"]);
 * ```
 */
export class SignalRelay implements Disposable {
  /** What {@linkcode EventLoopOptions.signals} takes, in any thread. */
  readonly handle: SignalRelayHandle;
  readonly #listeners: SignalListeners;

  /**
   * Listens at once.
   *
   * @param names The signals, such as `["SIGTERM", "SIGINT"]`.
   * @throws {TypeError} One of them is no signal of this system.
   * @throws {EventLoopError} EINVAL: SIGKILL and SIGSTOP cannot be listened
   * to, and the runtime keeps some (SIGSEGV, for example). ENOTSUP: this is a
   * Worker of Bun.
   */
  constructor(names: readonly string[]) {
    const call = "SignalRelay";
    const board = new SignalBoard();
    this.#listeners = new SignalListeners(board);
    const numbers = names.map((name) => waitableSignal(name, call));
    if (!listenersAreCalled()) throw cannotListen(names[0] ?? "", call);
    for (const [index, number] of numbers.entries()) {
      try {
        this.#listeners.listen(number);
      } catch (error) {
        this.close();
        throw refusedByRuntime(names[index] as string, call, error);
      }
    }
    this.handle = {
      names: [...names],
      board: board.buffer,
      threadId: gettid(),
    };
  }

  /**
   * Stops listening; the loops that have the handle hear nothing any more. A
   * signal that is on its way may already do what it does by default.
   */
  close(): void {
    this.#listeners.endAll();
  }

  /** The same as {@linkcode SignalRelay.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
