// What becomes of a sleep when poll or a wake-up descriptor fails.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  closeFd,
  monotonicMs,
  openSocketPair,
  POLLERR,
  POLLIN,
  POLLNVAL,
  PollSet,
} from "../../../ffi/mod.ts";
import type { Plan, PollEvent } from "../../../src/api/poller_items.ts";
import { waitBlocking } from "../../../src/api/poller_sleep.ts";
import { Pool } from "../../../src/memory/layout.ts";
import { NO_MEMORY_PAUSE_MS } from "../../../src/poller/poller.ts";
import { leakFree } from "../../support/leaks.ts";
import { Kernel } from "../../support/kernel.ts";
import { type CCall, failWith, Faults } from "../poller/faults.ts";

const FAULT_MS = 300;
/** Tells whether it is time for faults: from the first look on. */
function faultTime(): () => boolean {
  let end = -1;
  return () => {
    if (end < 0) end = monotonicMs() + FAULT_MS;
    return monotonicMs() < end;
  };
}

/** One call per pause at most; twice that, where pauses are rounded down. */
const CALLS_MAX = 2 * FAULT_MS / NO_MEMORY_PAUSE_MS;

/** Entry 0 is a descriptor's, entry 1 that of the thread's wake-up. */
const WAKEUP = 1;

interface Sleeper {
  /** Wakes the thread as a sender does. */
  readonly post: () => void;
  /** Sleeps for as long as `FAULT_MS` plus a tenth; calls of poll. */
  readonly sleep: () => number;
}

/**
 * A thread that waits for mail and for a descriptor that is never ready.
 *
 * @param poll Stands in for the system's.
 */
function withSleeper(
  poll: (real: CCall, args: unknown[], call: number) => number,
  body: (sleeper: Sleeper, faults: Faults) => void,
): void {
  const kernel = new Kernel();
  const thread = kernel.thread();
  const { control } = kernel;
  const node = control.takeRecord(Pool.OWN);
  control.initNode(node, thread.mailbox);
  thread.register(node, { processCommands: () => {} });
  const pair = new Int32Array(2);
  assert.equal(openSocketPair(pair), 0);
  const set = new PollSet(4);
  set.set(0, pair[0] as number, POLLIN);
  const plan = {
    threads: () => [thread],
    fds: [pair[0]],
    set,
  } as unknown as Plan;
  const faults = new Faults({ library: null });
  let calls = 0;
  faults.replace("poll", (real) => (...args) => poll(real, args, calls++));
  const look = (): PollEvent[] => {
    thread.processMail();
    return [];
  };
  try {
    body({
      post: () => control.post(node, 1),
      sleep: () => {
        assert.deepEqual(waitBlocking(plan, 1.1 * FAULT_MS, look), []);
        return calls;
      },
    }, faults);
  } finally {
    faults.restore();
    for (const fd of pair) closeFd(fd);
  }
}

/** The descriptor of an entry of poll's, and what poll says of it. */
function entryOf(args: unknown[], index: number): [number, Int16Array] {
  const ints = args[0] as Int32Array;
  const shorts = new Int16Array(ints.buffer);
  return [ints[2 * index] as number, shorts.subarray(4 * index + 3)];
}

describe("a sleep whose calls fail", () => {
  for (const errno of ["ENOMEM", "EAGAIN"]) {
    test(
      `goes on until ${errno} has passed`,
      leakFree(() => {
        const isTime = faultTime();
        let refusals = 0;
        withSleeper((real, args) => {
          if (!isTime()) return real(...args);
          refusals++;
          return failWith(errno);
        }, ({ sleep }) => {
          const start = monotonicMs();
          sleep();
          assert.ok(monotonicMs() - start >= FAULT_MS);
          assert.ok(refusals > 1 && refusals <= CALLS_MAX, `${refusals} calls`);
        });
      }),
    );
  }

  test(
    "tells of an error that stays",
    leakFree(() => {
      withSleeper(() => failWith("EINVAL"), ({ sleep }) => {
        assert.throws(sleep, { name: "ZmqError", code: "EINVAL" });
      });
    }),
  );

  for (
    const [name, events] of [
      ["POLLERR", POLLERR],
      ["POLLNVAL", POLLNVAL],
    ] as const
  ) {
    test(`takes another wake-up descriptor after ${name}`, () => {
      let broken = -1;
      withSleeper((real, args) => {
        const [fd, shorts] = entryOf(args, WAKEUP);
        if (broken === -1) broken = fd;
        if (fd !== broken) return real(...args);
        shorts[0] = events;
        return 1;
      }, ({ sleep }) => {
        const calls = sleep();
        assert.ok(calls < CALLS_MAX, `${calls} calls`);
      });
      closeFd(broken);
    });
  }

  test(
    "waits for the wake-up that is under way, whatever poll says",
    leakFree(() => {
      let post = (): void => {};
      withSleeper((real, args, call) => {
        // Woken in its first sleep; then the wake-up is to be waited for.
        if (call === 0) post();
        return call === 1 ? failWith("ENOMEM") : real(...args);
      }, (sleeper, faults) => {
        post = sleeper.post;
        const counts = new Map<string, number>();
        for (const name of faults.names.filter((each) => each !== "poll")) {
          faults.replace(name, (real) => (...args) => {
            counts.set(name, (counts.get(name) ?? 0) + 1);
            return real(...args);
          });
        }
        assert.ok(sleeper.sleep() >= 3);
        const opened = (counts.get("eventfd") ?? 0) +
          (counts.get("pipe2") ?? 0) + (counts.get("pipe") ?? 0);
        assert.equal(opened, 1, "the one and only");
      });
    }),
  );
});
