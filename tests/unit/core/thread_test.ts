import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load, store } from "../../../src/memory/shared_access.ts";
import {
  ContextState,
  H,
  Pool,
  Sleep,
  THREAD,
} from "../../../src/memory/layout.ts";
import {
  LIVENESS_INTERVAL_MS,
  takeThreadSlot,
  type Thread,
} from "../../../src/core/thread.ts";
import { ZmqError } from "../../../src/base/errors.ts";
import { Kernel } from "../../support/kernel.ts";
import { until, within } from "../../support/wait.ts";
import { TestWorker } from "../../support/worker.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

/** A node of the thread's own that counts its commands. */
function nodeOn(thread: Thread): { node: number; bits: number[] } {
  const node = thread.control.takeRecord(Pool.OWN);
  thread.control.initNode(node, thread.mailbox);
  const bits: number[] = [];
  thread.register(node, { processCommands: (some) => bits.push(some) });
  return { node, bits };
}

describe("thread: commands", () => {
  test("are handled in the order of their objects' first command, joined per object", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const order: string[] = [];
    const nodes = ["a", "b", "c"].map((name) => {
      const { node } = nodeOn(thread);
      thread.register(node, {
        processCommands: (bits) => order.push(`${name}${bits}`),
      });
      return node;
    }) as [number, number, number];
    kernel.control.post(nodes[1], 1);
    kernel.control.post(nodes[0], 2);
    kernel.control.post(nodes[1], 4);
    kernel.control.post(nodes[2], 8);
    assert.ok(thread.processMail());
    assert.deepEqual(order, ["b5", "a2", "c8"]);
    assert.equal(thread.processMail(), false);
  });

  test("sent while commands are handled are handled in the same turn", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const second = nodeOn(thread);
    const first = nodeOn(thread);
    thread.register(first.node, {
      processCommands: () => {
        kernel.control.post(second.node, 3);
        assert.equal(thread.processMail(), false, "not from the inside");
      },
    });
    kernel.control.post(first.node, 1);
    thread.processMail();
    assert.deepEqual(second.bits, [3]);
  });

  test("to somebody unknown are offered, not lost in silence", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { node } = nodeOn(thread);
    thread.unregister(node);
    const offered: [number, number][] = [];
    thread.onUnknown = (unknown, bits) => offered.push([unknown, bits]);
    kernel.control.post(node, 7);
    thread.processMail();
    assert.deepEqual(offered, [[node, 7]]);
  });
});

describe("thread: sleep", () => {
  test("does not begin while mail waits", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { node, bits } = nodeOn(thread);
    kernel.control.post(node, 1);
    assert.equal(thread.prepareSleep(Sleep.FUTEX), false);
    assert.equal(
      load(kernel.control.words, thread.record + THREAD.SLEEP),
      Sleep.AWAKE,
    );
    assert.ok(thread.waitSync(Infinity));
    assert.deepEqual(bits, [1]);
  });

  test("a sender wakes a thread that sleeps in its poller once", () => {
    const signals: number[] = [];
    const kernel = new Kernel({}, { wake: (fd) => signals.push(fd) });
    const thread = kernel.thread();
    const { node } = nodeOn(thread);
    const other = nodeOn(thread);
    store(kernel.control.words, thread.record + THREAD.WAKE_TARGET, 42);
    assert.ok(thread.prepareSleep(Sleep.DESCRIPTOR));
    kernel.control.post(node, 1);
    kernel.control.post(other.node, 1);
    assert.deepEqual(signals, [42]);
    thread.awake();
    kernel.control.post(node, 2);
    assert.deepEqual(signals, [42], "awake threads are not signalled");
  });

  test("waits and wake-ups are counted, mail that needs neither is not", () => {
    const kernel = new Kernel({}, { wake: () => {} });
    const thread = kernel.thread();
    const { node } = nodeOn(thread);
    const counts = () => {
      const { words, record } = thread.control;
      return [THREAD.WAITS, THREAD.WAKE_UPS].map((at) => words[record + at]);
    };
    kernel.control.post(node, 1);
    assert.equal(thread.prepareSleep(Sleep.DESCRIPTOR), false);
    thread.processMail();
    assert.deepEqual(counts(), [0, 0]);
    assert.ok(thread.prepareSleep(Sleep.DESCRIPTOR));
    thread.awake();
    assert.deepEqual(counts(), [1, 0], "the system woke it");
    assert.ok(thread.prepareSleep(Sleep.DESCRIPTOR));
    kernel.control.post(node, 1);
    kernel.control.post(node, 2);
    thread.awake();
    assert.deepEqual(counts(), [2, 1]);
  });

  test("that sleeps or returns to its event loop has rested", async () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { node } = nodeOn(thread);
    thread.rested = false;
    kernel.control.post(node, 1);
    assert.ok(thread.waitSync(Infinity));
    assert.equal(thread.rested, false, "there was mail: it did not sleep");
    thread.waitSync(kernel.platform.monotonicMs() + 5);
    assert.ok(thread.rested, "it slept");
    thread.rested = false;
    thread.retain();
    kernel.control.post(node, 1);
    await until(() => thread.rested, "mail out of the event loop");
    thread.release();
  });

  test("that is seldom asked for anything has rested in between", () => {
    const clock = { now: 1000 };
    const kernel = new Kernel({}, { monotonicMs: () => clock.now });
    const thread = kernel.thread();
    thread.operationBegins();
    thread.rested = false;
    for (let n = 0; n < 100; n += 1) thread.operationBegins();
    assert.equal(thread.rested, false, "one right behind the other");
    clock.now += 1000;
    for (let n = 0; n < 16; n += 1) thread.operationBegins();
    assert.ok(thread.rested);
  });

  test("waitSync gives up at its deadline, not before", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { monotonicMs } = kernel.platform;
    const start = monotonicMs();
    assert.equal(thread.waitSync(start + 30), false);
    const took = monotonicMs() - start;
    assert.ok(took >= 29 && took < 1000, `${took} ms`);
    assert.equal(thread.waitSync(start), false, "a deadline in the past");
  });

  test("a deadline behind several looks at the others' lives is kept", () => {
    let now = 0;
    let looks = 0;
    const kernel = new Kernel({}, {
      monotonicMs: () => now += LIVENESS_INTERVAL_MS,
      threadAlive: () => (looks += 1, true),
    });
    const thread = kernel.thread();
    assert.equal(thread.waitSync(now + 3 * LIVENESS_INTERVAL_MS), false);
    assert.ok(looks >= 1);
  });

  test("a dead creator fails the context, whoever has its slot", () => {
    let alive = true;
    let now = 0;
    const kernel = new Kernel({}, {
      monotonicMs: () => now += LIVENESS_INTERVAL_MS,
      threadAlive: () => alive,
    });
    const thread = kernel.thread();
    thread.checkLiveness();
    thread.checkState();
    alive = false;
    thread.checkLiveness();
    assert.equal(kernel.control.state, ContextState.FAILED);
    assert.throws(() => thread.checkState(), { code: "EOWNERDEAD" });
    assert.ok(thread.waitSync(Infinity), "it is told itself as well");
  });

  test("a dead worker fails the context, one that has left does not", () => {
    let alive = true;
    let now = 0;
    const kernel = new Kernel({}, {
      monotonicMs: () => now += LIVENESS_INTERVAL_MS,
      threadAlive: (tid) => alive || tid !== 4711,
    });
    const thread = kernel.thread(2);
    const worker = kernel.control.layout.thread(1);
    store(kernel.control.words, worker + THREAD.TID, 4711);
    store(kernel.control.words, worker + THREAD.STARTED, 1);
    store(kernel.control.words, worker + THREAD.LOAD, -1);
    alive = false;
    thread.checkLiveness();
    assert.equal(kernel.control.state, ContextState.OPEN);
    store(kernel.control.words, worker + THREAD.LOAD, 0);
    thread.checkLiveness();
    assert.equal(kernel.control.state, ContextState.FAILED);
  });

  test("a creator that left in good order may die", () => {
    let now = 0;
    const kernel = new Kernel({}, {
      monotonicMs: () => now += LIVENESS_INTERVAL_MS,
      threadAlive: () => false,
    });
    store(kernel.control.words, H.CREATOR_TID, 0);
    kernel.thread().checkLiveness();
    assert.equal(kernel.control.state, ContextState.OPEN);
  });
});

describe("thread: how often a thread looks at the clock", () => {
  function stage() {
    const s = { now: 1000, looks: 0, later: [] as (() => void)[] };
    const kernel = new Kernel({}, {
      monotonicMs: () => (s.looks += 1, s.now),
      callLater: (_delayMs, callback) => s.later.push(callback),
    });
    const thread = kernel.thread();
    const operations = (count: number): number => {
      const before = s.looks;
      for (let n = 0; n < count; n += 1) thread.operationBegins();
      return s.looks - before;
    };
    return { s, operations };
  }

  test("at every operation when they come now and then", () => {
    const { s, operations } = stage();
    for (let n = 0; n < 10; n += 1) {
      assert.equal(operations(1), 1);
      s.now += 400;
    }
  });

  test("at every sixteenth in a burst, and soon at every one behind it", () => {
    const { s, operations } = stage();
    operations(1 + 2 + 4 + 8 + 16);
    assert.equal(operations(160), 10);
    let looks = 0;
    for (let n = 0; n < 16; n += 1) {
      s.now += 400;
      looks = operations(1);
    }
    assert.equal(looks, 1);
    s.now += 400;
    assert.equal(operations(1), 1);
  });

  test("at the next one when the event loop has turned for a while", () => {
    const { s, operations } = stage();
    operations(100);
    assert.equal(s.later.length, 1, "one timer at a time");
    s.later.splice(0).forEach((callback) => callback());
    assert.equal(operations(1), 1);
    operations(100);
    assert.equal(s.later.length, 1, "and another one for the next burst");
  });
});

describe("thread: waking from the event loop", () => {
  test("handles mail as long as it is retained, and after a blocking wait", async () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { node, bits } = nodeOn(thread);
    thread.retain();
    try {
      for (let round = 1; round <= 20; round += 1) {
        // An armed wake-up stands beside this one, and outlives it.
        kernel.control.post(node, round);
        if (round % 3 === 0) assert.ok(thread.waitSync(Infinity));
        await until(() => bits.length === round, `command ${round}`);
      }
    } finally {
      thread.release();
    }
  });

  test("a blocking wait that timed out leaves the wake-up armed", async () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const { node, bits } = nodeOn(thread);
    thread.retain();
    try {
      assert.equal(thread.waitSync(kernel.platform.monotonicMs() + 5), false);
      kernel.control.post(node, 9);
      await until(() => bits.length === 1, "the command");
    } finally {
      thread.release();
    }
  });
});

describe("thread: mail that fails", () => {
  test("holds up no other mail, and is told to who asked", () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const failing = nodeOn(thread);
    const other = nodeOn(thread);
    thread.register(failing.node, {
      processCommands: () => {
        throw new ZmqError("ENOMEM");
      },
    });
    kernel.control.post(failing.node, 1);
    kernel.control.post(other.node, 2);
    assert.throws(() => thread.processMail(), { code: "ENOMEM" });
    assert.deepEqual(other.bits, [2]);
    assert.equal(thread.processMail(), false);
  });

  test("does not end what the event loop does", async () => {
    const kernel = new Kernel();
    const thread = kernel.thread();
    const failing = nodeOn(thread);
    const other = nodeOn(thread);
    let failures = 0;
    thread.register(failing.node, {
      processCommands: () => {
        failures += 1;
        throw new ZmqError("ENOMEM");
      },
    });
    thread.stand();
    try {
      for (let round = 1; round <= 3; round += 1) {
        kernel.control.post(failing.node, 1);
        await until(() => failures === round, `failure ${round}`);
      }
      kernel.control.post(other.node, 2);
      await until(() => other.bits.length === 1, "other mail");
    } finally {
      thread.standDown();
    }
  });
});

describe("thread: two threads", () => {
  for (const [blocks, name] of [[true, "blocks"], [false, "blocks or not"]]) {
    test(`no wake-up is lost in 100,000 round trips to a thread that ${name}`, async () => {
      const kernel = new Kernel();
      const thread = kernel.thread();
      const rounds = blocks === true ? 70_000 : 30_000;
      const mine = nodeOn(thread);
      const theirs = kernel.control.takeRecord(Pool.OWN);
      const { control } = kernel;
      const mailbox = control.layout.thread(1) + THREAD.MAILBOX;
      control.initNode(theirs, mailbox);
      control.initMailbox(mailbox, 1, 0);
      const worker = new TestWorker("echo_thread_worker.ts", {
        handle: kernel.handle,
        mine: theirs,
        theirs: mine.node,
        rounds,
        blocks,
      });
      try {
        await worker.said("ready");
        thread.retain();
        for (let round = 1; round <= rounds; round += 1) {
          control.post(theirs, 1);
          // Blocking, from the event loop, and looking without sleep.
          if (round % 200 === 0) {
            await until(() => mine.bits.length === round, `answer ${round}`);
          } else if (round % 7 === 0) {
            while (mine.bits.length < round) thread.processMail();
          } else {
            while (mine.bits.length < round) {
              const deadline = kernel.platform.monotonicMs() + 10_000;
              assert.ok(thread.waitSync(deadline), `answer ${round}`);
            }
          }
        }
        thread.release();
        assert.equal(await worker.said("done"), "done");
        await within(worker.stop(), "its end");
      } finally {
        await worker.stop();
      }
    });
  }
});

describe("thread: slots", () => {
  test("are taken in order; a dead thread's only when no other is free", () => {
    let dead = 0;
    const kernel = new Kernel({}, { threadAlive: (tid) => tid !== dead });
    const { control } = kernel;
    const first = 2;
    const tid = (slot: number) => control.layout.thread(slot) + THREAD.TID;
    store(control.words, tid(first), 4711);
    dead = 4711;
    for (let slot = first + 1; slot < control.layout.threadCount; slot += 1) {
      assert.equal(takeThreadSlot(control, first), slot);
    }
    assert.equal(takeThreadSlot(control, first), first);
    assert.equal(takeThreadSlot(control, first), -1, "all are in use");
  });
});

test("leaves nothing behind", leaks.after);
