// Pollers while other threads send: no wake-up is lost, whatever a thread was
// about to do; and what becomes of a wait when its thread or program ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Context, Pair, Poller, Pull } from "../../mod.ts";
import { contextOver } from "../../src/api/context.ts";
import { Ctx, defaultCtxOptions } from "../../src/core/ctx.ts";
import { LIVENESS_INTERVAL_MS } from "../../src/core/thread.ts";
import { WIRING } from "../../src/wiring.ts";
import { numberOf } from "../support/content.ts";
import { DescriptorPair } from "../support/descriptor_pair.ts";
import { leakCheck, liveWorkers } from "../support/leaks.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";
import { TestWorker } from "../support/worker.ts";

const leaks = leakCheck();
await leaks.before();

function start(s: Scenario, name: string, data: object): TestWorker {
  const worker = new TestWorker(name, data);
  s.defer(() => worker.stop());
  return worker;
}

const STORM = 100_000;

/** One round of a loop that waits for a message in some way. */
type Round = (poller: Poller, round: number) => Promise<void>;

const ROUNDS: readonly [name: string, withFd: boolean, round: Round][] = [
  ["blocking", false, (poller) => {
    assert.ok(poller.waitSync(10_000));
    return Promise.resolve();
  }],
  ["blocking, with a descriptor", true, (poller) => {
    assert.ok(poller.waitSync(10_000));
    return Promise.resolve();
  }],
  ["with a promise, and a descriptor", true, async (poller) => {
    assert.equal((await poller.wait()).length, 1);
  }],
  ["in turns", true, async (poller, round) => {
    if (round % 3 === 0) assert.equal((await poller.wait()).length, 1);
    else assert.ok(poller.waitSync(10_000));
  }],
];

for (const [name, withFd, round] of ROUNDS) {
  scenario(
    `${STORM} messages from a Worker, waited for ${name}`,
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, "inproc");
      const poller = new Poller();
      s.defer(() => poller.close());
      poller.add(pull);
      if (withFd) poller.add(DescriptorPair.in(s).fd);
      const worker = start(s, "numbers_worker.ts", {
        handle: s.context.handle,
        role: "send",
        endpoint,
        count: STORM,
        size: 16,
      });
      for (let n = 0; n < STORM;) {
        await round(poller, n);
        // Now one of them, now all that are there: then the next may come
        // while this thread is about to sleep.
        const most = n % 2 === 0 ? 1 : STORM;
        for (let taken = 0; taken < most; taken += 1) {
          const parts = pull.tryReceive();
          if (parts === undefined) break;
          assert.equal(numberOf(parts[0]), n);
          n += 1;
        }
      }
      await worker.said("done");
      await worker.ended();
    },
    { timeoutMs: 120_000 },
  );
}

for (const sockets of [2, 4]) {
  scenario(
    `messages from ${sockets} Workers to a socket each, with promises`,
    async (s) => {
      const count = 40_000 / sockets;
      const poller = new Poller<{ next: number }>();
      s.defer(() => poller.close());
      const pulls = new Map<unknown, Pull>();
      const workers: TestWorker[] = [];
      for (let n = 0; n < sockets; n += 1) {
        const pull = s.open(Pull);
        pulls.set(pull, pull);
        const endpoint = await s.bind(pull, "inproc");
        poller.add(pull, { readable: true }, { next: 0 });
        workers.push(start(s, "numbers_worker.ts", {
          handle: s.context.handle,
          role: "send",
          endpoint,
          count,
          size: 16,
        }));
      }
      for (let left = count * sockets; left > 0;) {
        const events = await within(poller.wait(), "a message", 10_000);
        assert.notEqual(events.length, 0);
        for (const { target, data } of events) {
          const parts = (pulls.get(target) as Pull).tryReceive();
          assert.equal(numberOf(parts?.[0] as Uint8Array), data.next);
          data.next += 1;
          left -= 1;
        }
      }
      for (const worker of workers) {
        await worker.said("done");
        await worker.ended();
      }
    },
    { timeoutMs: 120_000 },
  );
}

for (const blocks of [true, false]) {
  const way = blocks ? "blocking" : "with promises";
  scenario(
    `10,000 round trips to a Worker that waits ${way}, each put to sleep`,
    async (s) => {
      const pair = s.open(Pair);
      const endpoint = await s.bind(pair, "inproc");
      const poller = new Poller();
      s.defer(() => poller.close());
      poller.add(pair);
      poller.add(DescriptorPair.in(s).fd);
      const worker = start(s, "poller_worker.ts", {
        handle: s.context.handle,
        endpoint,
        fd: DescriptorPair.in(s).fd,
        blocks,
      });
      await worker.said("that it waits");
      const rounds = 10_000;
      for (let n = 0; n <= rounds; n += 1) {
        const text = n < rounds ? `${n}` : "stop";
        pair.sendSync(text);
        // The blocking sleep in poll(2) lies between others: armed, of the
        // futex, and of a receive.
        if (n % 50 === 0) assert.equal((await poller.wait()).length, 1);
        else if (n % 50 === 1) await until(() => pair.readable, "an answer");
        else if (n % 3 > 0) assert.ok(poller.waitSync(10_000), `answer ${n}`);
        const [answer] = n % 5 === 0
          ? await pair.receive()
          : pair.receiveSync();
        assert.equal(answer.toString(), text);
      }
      await worker.said("done");
      await worker.ended();
    },
    { timeoutMs: 120_000 },
  );
}

scenario("a blocking wait leaves what is armed as it was", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await s.join(one, two, "tcp");
  const poller = new Poller();
  s.defer(() => poller.close());
  poller.add(one, { readable: true });
  poller.add(DescriptorPair.in(s).fd);
  for (let n = 0; n < 200; n += 1) {
    const receiving = two.receive();
    // The message for `two` arrives while this thread sleeps for `one`, or
    // after that: nobody but the event loop is going to take it.
    one.sendSync(`${n}`);
    assert.equal(poller.waitSync(n % 4), undefined);
    const [body] = await within(receiving, `message ${n}`);
    assert.equal(body.toString(), `${n}`);
  }
});

test("what is sent between the look and the sleep ends the sleep", async () => {
  const ctx = Ctx.create(defaultCtxOptions(), WIRING);
  const context = contextOver(ctx);
  const [near, far] = [new Pair({ context }), new Pair({ context })];
  near.bindSync("inproc://between");
  far.connect("inproc://between");
  const descriptors = new DescriptorPair();
  using poller = new Poller();
  poller.add(near);
  const { onBlock } = ctx.thread;
  for (const withFd of [false, true]) {
    if (withFd) poller.add(descriptors.fd);
    assert.equal(poller.waitSync(0), undefined);
    ctx.thread.onBlock = () => {
      ctx.thread.onBlock = onBlock;
      far.sendSync("now");
    };
    const start = performance.now();
    assert.ok(poller.waitSync());
    // The look for dead threads would wake it as well, later.
    const took = performance.now() - start;
    assert.ok(took < LIVENESS_INTERVAL_MS / 2, `took ${took} ms`);
    assert.equal(near.receiveSync().toString(), "now");
  }
  descriptors.close();
  await context.terminate();
});

for (const withFd of [false, true]) {
  for (const blocks of [true, false]) {
    scenario(
      `test_ctx_destroy: shutdown ends a Worker's wait, ${
        blocks ? "blocking" : "with a promise"
      }${withFd ? ", with a descriptor" : ""}`,
      async (s) => {
        const context = new Context();
        const pair = new Pair({ context });
        await pair.bind("inproc://over");
        const worker = start(s, "poller_worker.ts", {
          handle: context.handle,
          endpoint: "inproc://over",
          fd: withFd ? DescriptorPair.in(s).fd : null,
          blocks,
        });
        await worker.said("that it waits");
        await pair.send("x");
        await pair.receive();
        pair.close();
        context.shutdown();
        assert.equal(await worker.said("its error"), "ETERM");
        await worker.said("done");
        await worker.ended();
        await within(context.terminate(), "the context's end");
      },
    );
  }
}

scenario(
  "a pending wait keeps a program alive, an idle poller does not",
  async (s) => {
    for (
      const [how, code, output] of [
        ["time limit", 0, ["0 events"]],
        ["nothing pending", 0, ["1"]],
        ["exit", 3, []],
        ["served", 0, ["1 event"]],
      ] as const
    ) {
      const child = s.child("poller.ts", how);
      const start = performance.now();
      assert.equal(await within(child.exited, `the end: ${how}`), code);
      assert.deepEqual(child.output, output, how);
      assert.equal(child.errors, "");
      assert.ok(performance.now() - start < 5000, how);
    }
  },
);

test("leaves nothing behind", leaks.after);

// Behind what is checked for descriptors: Bun keeps those of a Worker that is
// killed, at times.
test("a Worker that is killed while it waits takes its watcher along", async () => {
  const others = liveWorkers();
  const context = new Context();
  const pair = new Pair({ context });
  await pair.bind("inproc://killed");
  const { handle } = context;
  const descriptors = new DescriptorPair();
  const { fd } = descriptors;
  // The I/O worker and the reaper, started by the handle.
  const before = others + 2;
  await until(() => liveWorkers() === before, "the context's workers");
  const endpoint = "inproc://killed";
  const data = { handle, endpoint, fd, blocks: false };
  const worker = new TestWorker("poller_worker.ts", data);
  await worker.said("that it waits");
  await until(() => liveWorkers() === before + 2, "the watcher");
  await pair.send("x");
  await pair.receive();
  await worker.stop();
  await until(() => liveWorkers() <= before, "the watcher's end");
  pair.close();
  descriptors.close();
  await context.terminate().catch(() => {});
});
