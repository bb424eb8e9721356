import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/memory/shared_access.ts";
import { Sleep, THREAD } from "../../../src/memory/layout.ts";
import { Command } from "../../../src/core/command.ts";
import { IoThread } from "../../../src/core/io_thread.ts";
import type { Poller, PollHandle } from "../../../src/poller/poller.ts";
import { Kernel } from "../../support/kernel.ts";

/** A poller whose waits the test plays. */
class ScriptedPoller implements Poller {
  readonly kind = "poll";
  readonly trigger = "level";
  readonly wakeTarget = 42;
  load = 0;
  readonly waits: number[] = [];
  readonly #steps: (() => void)[];
  closed = false;

  constructor(steps: (() => void)[]) {
    this.#steps = steps;
  }
  add(): PollHandle | number {
    return -1;
  }
  remove(): void {}
  setInterest(): void {}
  inputExhausted(): void {}
  outputExhausted(): void {}
  wait(timeoutMs: number): number {
    this.waits.push(timeoutMs);
    const step = this.#steps.shift();
    assert.ok(step !== undefined, "the loop ends with the script");
    step();
    return 0;
  }
  close(): void {
    this.closed = true;
  }
}

function stage(script: (s: Stage) => (() => void)[]) {
  const kernel = new Kernel();
  const thread = kernel.thread();
  const s = { kernel, thread, now: 1000 } as Stage;
  s.stop = () => kernel.control.post(thread.record + THREAD.NODE, Command.STOP);
  s.poller = new ScriptedPoller(script(s));
  s.io = new IoThread(thread, s.poller, [], "");
  return s;
}

interface Stage {
  kernel: Kernel;
  thread: ReturnType<Kernel["thread"]>;
  now: number;
  poller: ScriptedPoller;
  io: IoThread;
  stop(): void;
}

describe("I/O thread", () => {
  test("sleeps in its poller, counts as asleep there, and stops when told", () => {
    const s = stage((s) => [() => {
      const sleep = s.thread.record + THREAD.SLEEP;
      assert.equal(load(s.kernel.control.words, sleep), Sleep.DESCRIPTOR);
      s.stop();
    }]);
    s.io.run();
    s.io.close();
    assert.ok(s.poller.closed);
  });

  test("work put off to the next turn does not wait for an event", () => {
    const ran: number[] = [];
    const s = stage((s) => [() => {
      assert.deepEqual(ran, [1]);
    }, () => {
      assert.deepEqual(ran, [1, 2]);
      s.stop();
    }]);
    s.io.continueLater(() => {
      ran.push(1);
      s.io.continueLater(() => ran.push(2));
    });
    s.io.run();
    assert.equal(s.poller.waits[0], 0);
    s.io.close();
  });

  test("a timer that put-off work adds is waited for, not the one behind it", () => {
    let due = false;
    const s = stage((s) => [() => s.stop()]);
    s.io.continueLater(() => s.io.timers.add(50, () => due = true));
    s.io.run();
    const [wait] = s.poller.waits;
    assert.ok(wait !== undefined && wait > 0 && wait <= 50, `waited ${wait}`);
    assert.equal(due, false);
    s.io.close();
  });

  test("mail that came before the sleep is handled first", () => {
    const s = stage((s) => [() => s.stop()]);
    const order: string[] = [];
    const node = s.kernel.control.takeRecord(1);
    s.kernel.control.initNode(node, s.thread.mailbox);
    s.thread.register(node, { processCommands: () => order.push("mail") });
    s.io.continueLater(() => order.push("later"));
    s.kernel.control.post(node, 1);
    s.io.run();
    assert.deepEqual(order, ["mail", "later"]);
    s.io.close();
  });
});
