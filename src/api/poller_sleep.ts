// libzmq: socket_poller.cpp (wait) · runs on: app thread · RFC: –

import {
  errnoName,
  monotonicMs,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  PollSet,
  Wakeup,
} from "../../ffi/mod.ts";
import { systemError } from "../base/errors.ts";
import { LIVENESS_INTERVAL_MS, type Thread } from "../core/thread.ts";
import { isTransient, pause } from "../poller/poller_failure.ts";
import { checkPolled, type Plan, type PollEvent } from "./poller_items.ts";

/** How long a sender may take from its decision to wake us to doing so, ms. */
const WAKE_MS_MAX = 5000;

/**
 * Blocks this thread until something is ready or the time has passed.
 *
 * @param look Looks at everything; called until it finds something.
 * @returns What was found; nothing when the time has passed.
 */
export function waitBlocking(
  plan: Plan,
  timeoutMs: number,
  look: () => PollEvent[],
): PollEvent[] {
  const deadline = timeoutMs === 0 ? 0 : monotonicMs() + timeoutMs;
  const threads = plan.threads();
  const lookAtAll = (): PollEvent[] =>
    lookUntilSettled(threads, look, deadline);
  let found = lookAtAll();
  if (found.length > 0 || timeoutMs === 0) return found;
  const [only] = threads;
  if (only !== undefined && threads.length === 1 && plan.fds.length === 0) {
    while (found.length === 0 && only.waitSync(deadline)) {
      only.checkState();
      found = lookAtAll();
    }
    return found;
  }
  const sleep = new DescriptorSleep(plan, threads);
  try {
    while (found.length === 0) {
      const left = deadline - monotonicMs();
      if (left <= 0) break;
      sleep.sleep(left);
      found = lookAtAll();
    }
  } finally {
    sleep.close();
  }
  return found;
}

/**
 * Looks until nothing happens meanwhile, or the time has come: to ask one
 * socket handles the mail of all, also of those that said before that they
 * were not ready.
 */
function lookUntilSettled(
  threads: readonly Thread[],
  look: () => PollEvent[],
  deadlineMs: number,
): PollEvent[] {
  for (;;) {
    const before = threads.map((thread) => thread.turns);
    const found = look();
    if (
      found.length > 0 || monotonicMs() >= deadlineMs ||
      threads.every((thread, n) => thread.turns === before[n])
    ) return found;
  }
}

/**
 * A sleep in poll(2) that senders of several contexts can end. Each context
 * has a wake-up of its own, so that it is known whether one is under way.
 */
class DescriptorSleep {
  readonly #plan: Plan;
  readonly #threads: readonly Thread[];
  readonly #wakeups: Wakeup[] = [];
  readonly #one = new PollSet(1);

  /** @throws {ZmqError} EMFILE without descriptors. */
  constructor(plan: Plan, threads: readonly Thread[]) {
    this.#plan = plan;
    this.#threads = threads;
    for (const [n] of threads.entries()) {
      const wakeup = Wakeup.open();
      const { readFd } = wakeup;
      if (readFd < 0) {
        this.close();
        throw systemError(errnoName(-readFd), readFd);
      }
      this.#wakeups.push(wakeup);
      plan.set.set(plan.fds.length + n, readFd, POLLIN);
    }
  }

  /** Sleeps once: until a descriptor is ready, mail has come, or the time. */
  sleep(leftMs: number): void {
    const threads = this.#threads;
    const { set, fds } = this.#plan;
    for (const [n, thread] of threads.entries()) {
      thread.beginDescriptorSleep((this.#wakeups[n] as Wakeup).writeFd);
    }
    let result = 1;
    if (!threads.some((thread) => thread.hasMail())) {
      result = set.wait(
        fds.length + threads.length,
        threads.length > 0 ? Math.min(leftMs, LIVENESS_INTERVAL_MS) : leftMs,
      );
    }
    const woken = threads.map((thread) => thread.endDescriptorSleep());
    for (const [n, isWoken] of woken.entries()) {
      if (isWoken) this.#settle(n);
      else if (result > 0 && this.#isBroken(n)) this.#renew(n);
    }
    if (result > 0) return;
    // That the system has no memory passes: a look, and then another sleep.
    if (isTransient(result)) pause(leftMs);
    else checkPolled(result);
    for (const thread of threads) thread.checkLiveness();
  }

  close(): void {
    for (const wakeup of this.#wakeups) wakeup.close();
  }

  /**
   * Waits for a wake-up that is under way: its sender writes to a descriptor
   * whose number would be somebody else's once it is closed.
   */
  #settle(n: number): void {
    const wakeup = this.#wakeups[n] as Wakeup;
    this.#one.set(0, wakeup.readFd, POLLIN);
    const deadline = monotonicMs() + WAKE_MS_MAX;
    let result: number;
    for (;;) {
      const left = Math.max(0, deadline - monotonicMs());
      result = this.#one.wait(1, left);
      if (!isTransient(result) || left === 0) break;
      pause(left);
    }
    // Not woken: its thread was killed in between, or is about to come.
    if (result <= 0 || wakeup.drain() < 0) this.#renew(n);
  }

  /** Whether the last sleep found that nobody can be woken by it any more. */
  #isBroken(n: number): boolean {
    const { set, fds } = this.#plan;
    const events = set.revents(fds.length + n);
    return (events & (POLLERR | POLLHUP | POLLNVAL)) !== 0;
  }

  /** Another wake-up in its place; the former one is never closed. */
  #renew(n: number): void {
    const fresh = Wakeup.open();
    if (fresh.readFd < 0) {
      throw systemError(errnoName(-fresh.readFd), fresh.readFd);
    }
    this.#wakeups[n] = fresh;
    this.#plan.set.set(this.#plan.fds.length + n, fresh.readFd, POLLIN);
  }
}
