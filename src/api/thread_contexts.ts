// libzmq: none · runs on: app thread · RFC: –

import { writeSync } from "node:fs";
import { host, monotonicMs, onProcessExit } from "../../ffi/mod.ts";
import type { Ctx } from "../core/ctx.ts";
import type { SocketState } from "./socket_state.ts";

// How long an ending program may be silent about waiting, in milliseconds.
const PATIENCE_MS = 500;

/** A context that is in use in this thread. */
export interface LiveContext {
  /** The kernel's context; never the public one, which may be collected. */
  readonly ctx: Ctx;
  /** Made in this thread rather than attached to. */
  readonly created: boolean;
  /** Other threads were given the means to attach to it. */
  shared: boolean;
}

/**
 * What has to be done for contexts and sockets of this thread when nobody
 * else can do it any more: at the end of the program, and when an application
 * has lost sight of them.
 */
export class ThreadContexts {
  readonly #live = new Set<LiveContext>();
  readonly #lostContexts = new FinalizationRegistry<LiveContext>((entry) => {
    this.#terminate(entry);
  });
  readonly #lostSockets = new FinalizationRegistry<SocketState>((state) => {
    state.close();
  });
  #unhook: (() => void) | null = null;

  /**
   * Takes note of a context that comes into use.
   *
   * @param owner The public context.
   */
  add(owner: object, ctx: Ctx, created: boolean): LiveContext {
    const entry: LiveContext = { ctx, created, shared: !created };
    this.#live.add(entry);
    this.#lostContexts.register(owner, entry, entry);
    this.#unhook ??= onProcessExit(() => this.drain());
    return entry;
  }

  /** Forgets a context that has terminated. */
  remove(entry: LiveContext): void {
    this.#live.delete(entry);
    this.#lostContexts.unregister(entry);
    if (this.#live.size > 0) return;
    this.#unhook?.();
    this.#unhook = null;
  }

  /** Closes a socket when its public object has been collected. */
  closeWhenLost(owner: object, state: SocketState): void {
    this.#lostSockets.register(owner, state);
  }

  /**
   * Closes the sockets of all contexts and blocks until what they had queued
   * is delivered, as far as their linger allows. Never throws: nobody could
   * catch it.
   */
  drain(): void {
    const entries = [...this.#live];
    this.#live.clear();
    // All close before any is waited for, so that lingers run side by side.
    for (const entry of entries) attempt(() => entry.ctx.closeAll());
    const patienceEnds = monotonicMs() + PATIENCE_MS;
    let warned = false;
    for (const { ctx, created } of entries) {
      // The thread that made the context waits for those that attached to it.
      if (!created) continue;
      const patience = Math.max(0, patienceEnds - monotonicMs());
      if (attempt(() => ctx.waitTerminated(patience, true))) continue;
      if (!warned) warnOfWaiting(ctx.options.blocky);
      warned = true;
      attempt(() => ctx.waitTerminated(Infinity, true));
    }
  }

  #terminate(entry: LiveContext): void {
    // Threads that were given the handle may go on with the context.
    if (entry.shared || !this.#live.has(entry)) return;
    attempt(() => {
      entry.ctx.shutdown();
      entry.ctx.terminated().then(
        () => this.remove(entry),
        () => this.remove(entry),
      );
      return true;
    });
  }
}

/** False only if the action says so: what failed cannot be waited for. */
function attempt(action: () => boolean | void): boolean {
  try {
    return action() !== false;
  } catch {
    return true;
  }
}

function warnOfWaiting(blocky: boolean): void {
  const advice = blocky
    ? " Set 'context.blocky = false' to change this behaviour."
    : "";
  try {
    // Written directly: nothing asynchronous happens any more. The words are
    // zeromq.js's, which scripts look for.
    writeSync(
      2,
      `(node:${host.pid}) WARNING: Waiting for queued ZeroMQ messages to be ` +
        `delivered.${advice}\n`,
    );
  } catch {
    // There may be no stderr.
  }
}

/**
 * The contexts in use in this thread. With the default context and the pollers'
 * watcher the only state of the library that lives in a module; another copy of
 * the library has its own, and they do not know of each other.
 */
export const threadContexts: ThreadContexts = new ThreadContexts();
