// What becomes of a watcher when poll or its wake-up descriptor fails.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  closeFd,
  errnoNumber,
  gettid,
  MessagePipe,
  monotonicMs,
  openSocketPair,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  send,
} from "../../../ffi/mod.ts";
import {
  runDescriptorWatcher,
  type WatchAnswer,
  WatcherStop,
  WatcherWord,
  type WatchRequest,
} from "../../../src/core/descriptor_watcher.ts";
import { load, store } from "../../../src/memory/shared_access.ts";
import { NO_MEMORY_PAUSE_MS } from "../../../src/poller/poller.ts";
import { type CCall, failWith, Faults } from "../poller/faults.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

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

interface Outcome {
  readonly answers: WatchAnswer[];
  readonly calls: number;
  readonly error: unknown;
}

/**
 * Runs a watcher on this thread, with a request for a descriptor that is
 * readable.
 *
 * @param poll Stands in for the system's; the watcher is told to stop when it
 * says so, by null.
 */
function watch(
  poll: (real: CCall, args: unknown[], rings: number) => number | null,
  others: (faults: Faults) => void = () => {},
): Outcome {
  const { near, far } = MessagePipe.open();
  const words = new Int32Array(new SharedArrayBuffer(4 * WatcherWord.COUNT));
  const pair = new Int32Array(2);
  assert.equal(openSocketPair(pair), 0);
  const [a, b] = pair as unknown as [number, number];
  send(b, new Uint8Array(1), 0, 1);
  const request: WatchRequest = { id: 7, fds: [a], events: [POLLIN] };
  near.post(request);
  const faults = new Faults({ library: null });
  const answers: WatchAnswer[] = [];
  let calls = 0;
  let wakeFd = -1;
  let error: unknown = null;
  faults.replace("poll", (real) => (...args) => {
    calls++;
    // Deno drops what was not taken when the other end is closed.
    const answer = near.take();
    if (answer !== undefined) answers.push(answer as WatchAnswer);
    wakeFd = (args[0] as Int32Array)[0] as number;
    const result = poll(real, args, load(words, WatcherWord.BELL));
    if (result !== null) return result;
    store(words, WatcherWord.STOP, WatcherStop.LEFT);
    return 0;
  });
  try {
    others(faults);
    runDescriptorWatcher({
      role: "watcher",
      port: far,
      words: words.buffer as SharedArrayBuffer,
      ownerTid: gettid(),
    });
    assert.equal(load(words, WatcherWord.STOP), WatcherStop.GONE);
  } catch (caught) {
    error = caught;
    assert.equal(load(words, WatcherWord.WAKE_FD), 0, "nobody may wake it");
    closeFd(wakeFd);
  } finally {
    faults.restore();
  }
  near.close();
  closeFd(a);
  closeFd(b);
  return { answers, calls, error };
}

/** Has poll say that of the wake-up descriptor. */
function sayOfWakeup(args: unknown[], events: number): number {
  new Int16Array((args[0] as Int32Array).buffer)[3] = events;
  return 1;
}

describe("a descriptor watcher whose calls fail", () => {
  for (const errno of ["ENOMEM", "EAGAIN"]) {
    test(`waits until ${errno} has passed, and tells nobody`, () => {
      const isTime = faultTime();
      let refusals = 0;
      const { answers, error } = watch((real, args, rings) => {
        if (rings > 0) return null;
        if (!isTime()) return real(...args);
        refusals++;
        return failWith(errno);
      });
      assert.equal(error, null);
      assert.deepEqual(answers, [{ id: 7, errno: 0 }]);
      assert.ok(refusals > 1 && refusals <= CALLS_MAX, `${refusals} calls`);
    });
  }

  test("tells of an error that stays, and does not spin on it", () => {
    const isTime = faultTime();
    const { answers, calls, error } = watch(() =>
      isTime() ? failWith("EINVAL") : null
    );
    assert.equal(error, null);
    assert.deepEqual(answers, [{ id: 7, errno: -errnoNumber("EINVAL") }]);
    assert.ok(calls <= CALLS_MAX, `${calls} calls`);
  });

  for (
    const [name, events] of [
      ["POLLERR", POLLERR],
      ["POLLHUP", POLLHUP | POLLIN],
      ["POLLNVAL", POLLNVAL],
    ] as const
  ) {
    test(`dies of ${name} on its wake-up descriptor`, () => {
      const { calls, error } = watch((_real, args) =>
        sayOfWakeup(args, events)
      );
      assert.match(String(error), /^RangeError: Cannot wait: .*broken/);
      assert.equal(calls, 1);
    });
  }

  test("dies of a wake-up descriptor that cannot be read", () => {
    const { calls, error } = watch(
      (_real, args) => sayOfWakeup(args, POLLIN),
      (faults) => faults.fail("read", "EIO"),
    );
    assert.match(String(error), /^RangeError: Cannot wait: read says EIO/);
    assert.equal(calls, 1);
  });

  test("does not spin while that cannot be read for want of memory", () => {
    const isTime = faultTime();
    const { answers, calls, error } = watch(
      (_real, args) => isTime() ? sayOfWakeup(args, POLLIN) : null,
      (faults) => faults.fail("read", "ENOMEM"),
    );
    assert.equal(error, null);
    assert.deepEqual(answers, []);
    assert.ok(calls <= CALLS_MAX, `${calls} calls`);
  });
});

test("leaves nothing behind", leaks.after);
