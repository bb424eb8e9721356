// A blocking wait whose looks handle mail themselves.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan, PollEvent } from "../../../src/api/poller_items.ts";
import { waitBlocking } from "../../../src/api/poller_sleep.ts";
import { Pool } from "../../../src/memory/layout.ts";
import { Kernel } from "../../support/kernel.ts";

test("mail that a look handles itself is looked at again, without sleep", () => {
  const kernel = new Kernel();
  const thread = kernel.thread();
  const { control } = kernel;
  const node = control.takeRecord(Pool.OWN);
  control.initNode(node, thread.mailbox);
  let isReady = false;
  thread.register(node, { processCommands: () => isReady = true });
  const plan = { threads: () => [thread], fds: [] } as unknown as Plan;
  const event = { target: 0 } as unknown as PollEvent;
  let looks = 0;
  const look = (): PollEvent[] => {
    looks += 1;
    const found = isReady ? [event] : [];
    // Asking another socket handles the mail of the one that was just asked.
    if (looks === 1) control.post(node, 1);
    thread.processMail();
    return found;
  };
  const start = performance.now();
  assert.deepEqual(waitBlocking(plan, 20_000, look), [event]);
  assert.equal(looks, 2);
  assert.ok(performance.now() - start < 10_000, "it did not sleep");
});
