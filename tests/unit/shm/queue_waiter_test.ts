// The timer of a consumer that waits by record locks.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import {
  errnoNumber,
  InterruptTimer,
  monotonicMs,
  waitForRecordLock,
} from "../../../ffi/mod.ts";
import { openLibc } from "../../../ffi/libc.ts";
import { QueueLocks, recordRange } from "../../../src/shm/queue_locks.ts";
import { DEFAULT_DIRECTORY, queuePaths } from "../../../src/shm/queue_names.ts";
import { ShmConsumer, ShmProducer } from "../../../src/shm_entry.ts";
import { leakFree } from "../../support/leaks.ts";

const SIG_IGN = 1n;
const WAIT_MS = 5;
/** Longer than the time between two signals of a timer that goes on. */
const REST_MS = 40;

/** Runs `body` with the timers that are made meanwhile. */
function watchingTimers(
  body: (made: InterruptTimer[], closed: InterruptTimer[]) => void,
): void {
  const { create } = InterruptTimer;
  const { close } = InterruptTimer.prototype;
  const [made, closed]: InterruptTimer[][] = [[], []];
  InterruptTimer.create = () => {
    const timer = create();
    if (typeof timer !== "number") made?.push(timer);
    return timer;
  };
  InterruptTimer.prototype.close = function (this: InterruptTimer) {
    closed?.push(this);
    close.call(this);
  };
  try {
    body(made as InterruptTimer[], closed as InterruptTimer[]);
  } finally {
    InterruptTimer.create = create;
    InterruptTimer.prototype.close = close;
  }
}

/** Runs `body` while the program has something else to do with a signal. */
function ignoring(signal: number, body: () => void): void {
  const { call } = openLibc();
  const known = new BigUint64Array(32);
  call.sigaction(signal, null, known);
  const ignored = new BigUint64Array(32);
  ignored[0] = SIG_IGN;
  call.sigaction(signal, ignored, null);
  try {
    body();
  } finally {
    call.sigaction(signal, known, null);
  }
}

/** A consumer of a queue in which nothing comes. */
function idle(
  body: (consumer: ShmConsumer, producer: ShmProducer) => void,
): void {
  const name = `waiter-${randomUUID()}`;
  using producer = ShmProducer.create(name, { waiting: "record-lock" });
  using consumer = ShmConsumer.open(name);
  body(consumer, producer);
}

test(
  "one timer does for all waits, and goes with the consumer",
  leakFree(() => {
    watchingTimers((made, closed) => {
      idle((consumer) => {
        assert.equal(made.length, 0, "none before it is needed");
        for (let n = 0; n < 3; n += 1) {
          assert.equal(consumer.waitSync(WAIT_MS), false);
        }
        assert.equal(made.length, 1);
        assert.deepEqual(closed, []);
      });
      assert.deepEqual(closed, made);
    });
  }),
);

test(
  "it interrupts nothing between waits",
  leakFree(() => {
    idle((consumer, { name, epoch }) => {
      assert.equal(consumer.waitSync(WAIT_MS), false);
      const paths = queuePaths(name, DEFAULT_DIRECTORY);
      const locks = QueueLocks.open(paths, "existing");
      const own = InterruptTimer.create() as InterruptTimer;
      const start = monotonicMs();
      own.interruptAfter(REST_MS);
      const next = recordRange(epoch, 0, 0);
      const result = waitForRecordLock(locks.fd, "shared", next);
      own.close();
      locks.close();
      assert.equal(result, -errnoNumber("EINTR"));
      assert.ok(monotonicMs() - start >= REST_MS);
    });
  }),
);

test(
  "a program that takes its signal gets it, and the wait has another",
  leakFree(() => {
    watchingTimers((made, closed) => {
      idle((consumer) => {
        assert.equal(consumer.waitSync(WAIT_MS), false);
        const [first] = made as [InterruptTimer];
        ignoring(first.signal, () => {
          assert.equal(consumer.waitSync(WAIT_MS), false);
          assert.deepEqual(closed, [first]);
          assert.notEqual(made[1]?.signal, first.signal);
        });
      });
      assert.deepEqual(closed, made);
    });
  }),
);
