// An application thread that sleeps in poll(2), beside what its event loop has
// armed: whoever sends meanwhile wakes both, or leaves both able to be woken.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/memory/shared_access.ts";
import { Pool, Sleep, THREAD } from "../../../src/memory/layout.ts";
import type { Thread } from "../../../src/core/thread.ts";
import { POLLIN, PollSet, Wakeup } from "../../../ffi/mod.ts";
import { Kernel } from "../../support/kernel.ts";
import { until, within } from "../../support/wait.ts";
import { TestWorker } from "../../support/worker.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

/** What a test wakes; no descriptor, since the platform only notes it. */
const TARGET = 77;

/** A kernel that notes whom it wakes, and a thread with a node. */
function noting(): {
  thread: Thread;
  woken: number[];
  bits: number[];
  post: () => void;
  how: () => number;
} {
  const woken: number[] = [];
  const kernel = new Kernel({}, { wake: (target) => void woken.push(target) });
  const thread = kernel.thread();
  const { control } = kernel;
  const node = control.takeRecord(Pool.OWN);
  control.initNode(node, thread.mailbox);
  const bits: number[] = [];
  thread.register(node, { processCommands: (each) => void bits.push(each) });
  return {
    thread,
    woken,
    bits,
    post: () => control.post(node, 1),
    how: () => load(control.words, thread.record + THREAD.SLEEP),
  };
}

describe("a sleep beside descriptors", () => {
  test("is ended once, by the target, and tells that it was", () => {
    const { thread, woken, post, how } = noting();
    thread.beginDescriptorSleep(TARGET);
    assert.equal(thread.hasMail(), false);
    assert.equal(how(), Sleep.DESCRIPTOR);
    post();
    post();
    assert.deepEqual(woken, [TARGET]);
    assert.equal(thread.endDescriptorSleep(), true);
    assert.equal(how(), Sleep.AWAKE);
    thread.processMail();
    thread.beginDescriptorSleep(TARGET);
    assert.equal(thread.endDescriptorSleep(), false);
    assert.equal(how(), Sleep.AWAKE);
    post();
    assert.deepEqual(woken, [TARGET]);
  });

  test("shows the mail that came just before", () => {
    const { thread, woken, post } = noting();
    post();
    thread.beginDescriptorSleep(TARGET);
    assert.equal(thread.hasMail(), true);
    assert.equal(thread.endDescriptorSleep(), false);
    assert.deepEqual(woken, []);
  });

  test("says before that the thread is going to block", () => {
    const { thread } = noting();
    let blocks = 0;
    thread.onBlock = () => blocks += 1;
    thread.beginDescriptorSleep(TARGET);
    thread.endDescriptorSleep();
    assert.equal(blocks, 1);
  });

  for (const [when, name] of ["before", "during", "after"].entries()) {
    test(`leaves the event loop's wake-up armed: mail ${name} it`, async () => {
      const { thread, bits, post } = noting();
      thread.retain();
      try {
        for (let round = 1; round <= 20; round += 1) {
          if (when === 0) post();
          thread.beginDescriptorSleep(TARGET);
          if (when === 1) post();
          assert.equal(thread.endDescriptorSleep(), when === 1);
          if (when === 2) post();
          // Nobody else handles the mail.
          await until(() => bits.length === round, `command ${round}`);
        }
      } finally {
        thread.release();
      }
    });
  }
});

test("no wake-up is lost in 50,000 round trips, sleeping in three ways", async () => {
  const kernel = new Kernel();
  const thread = kernel.thread();
  const { control } = kernel;
  const mine = control.takeRecord(Pool.OWN);
  control.initNode(mine, thread.mailbox);
  let answers = 0;
  thread.register(mine, { processCommands: () => void answers++ });
  const theirs = control.takeRecord(Pool.OWN);
  const mailbox = control.layout.thread(1) + THREAD.MAILBOX;
  control.initNode(theirs, mailbox);
  control.initMailbox(mailbox, 1, 0);
  const rounds = 50_000;
  const worker = new TestWorker("echo_thread_worker.ts", {
    handle: kernel.handle,
    mine: theirs,
    theirs: mine,
    rounds,
    blocks: true,
  });
  const wakeup = Wakeup.open();
  const set = new PollSet(1);
  set.set(0, wakeup.readFd, POLLIN);
  const sleep = (): void => {
    thread.beginDescriptorSleep(wakeup.writeFd);
    if (!thread.hasMail()) {
      assert.equal(set.wait(1, 10_000), 1, `answer ${answers + 1}`);
    }
    // What is on its way arrives, and stands for one sleep alone.
    if (thread.endDescriptorSleep()) assert.equal(set.wait(1, 10_000), 1);
    wakeup.drain();
    thread.processMail();
  };
  try {
    await worker.said("ready");
    thread.retain();
    for (let round = 1; round <= rounds; round += 1) {
      control.post(theirs, 1);
      if (round % 200 === 0) {
        await until(() => answers === round, `answer ${round}`);
      } else if (round % 5 === 0) {
        while (answers < round) {
          const deadline = kernel.platform.monotonicMs() + 10_000;
          assert.ok(thread.waitSync(deadline), `answer ${round}`);
        }
      } else {
        while (answers < round) sleep();
      }
    }
    thread.release();
    assert.equal(await worker.said("done"), "done");
    await within(worker.stop(), "its end");
  } finally {
    await worker.stop();
    wakeup.close();
  }
});

test("leaves nothing behind", leaks.after);
