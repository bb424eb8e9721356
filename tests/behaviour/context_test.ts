import assert from "node:assert/strict";
import {
  Context,
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  type Socket,
  Subscriber,
  XPublisher,
  XSubscriber,
} from "../../mod.ts";
import { leakFree } from "../support/leaks.ts";
import { expectMessage } from "../support/messages.ts";
import {
  OWN_CONTEXT,
  scenario,
  TRANSPORTS,
  warmUp,
} from "../support/scenario.ts";
import { testUnless } from "../support/skip.ts";
import { until, within } from "../support/wait.ts";

const ALL = [
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  Subscriber,
  XPublisher,
  XSubscriber,
] as const;

const ETERM = { code: "ETERM" };

function contextTest(name: string, body: () => Promise<void>): void {
  const checked = leakFree(() => {
    return within(body(), `the test "${name}"`, 60_000);
  });
  testUnless(false, name, () => warmUp().then(checked), { timeout: 120_000 });
}

contextTest("test_ctx_destroy: terminate after close ends", async () => {
  const context = new Context();
  for (const type of ALL) {
    const socket: Socket = new type({ context });
    socket.close();
  }
  await within(context.terminate(), "termination", 5000);
});

contextTest(
  "test_ctx_destroy: terminate closes what is open and unconnected",
  async () => {
    const context = new Context();
    const sockets: Socket[] = ALL.map((type) => new type({ context }));
    await within(context.terminate(), "termination", 5000);
    for (const socket of sockets) assert.equal(socket.closed, true);
  },
);

contextTest("a context that was never used terminates", async () => {
  await within(new Context().terminate(), "termination", 5000);
});

contextTest("terminate twice is the same as once", async () => {
  const context = new Context();
  const pull = new Pull({ context });
  await pull.bind("tcp://127.0.0.1:*");
  await within(
    Promise.all([context.terminate(), context.terminate()]),
    "both terminations",
    5000,
  );
  await within(context.terminate(), "a third", 5000);
});

contextTest("a context counts waits, wake-ups and stalls", async () => {
  const context = new Context();
  assert.deepEqual(context.activity, { waits: 0, wakeUps: 0, stalls: 0 });
  const pull = new Pull({ context, receiveHighWaterMark: 10 });
  const push = new Push({ context, sendHighWaterMark: 10 });
  pull.bindSync("tcp://127.0.0.1:*");
  push.connect(pull.lastEndpoint as string);
  push.sendSync("first");
  assert.equal(pull.receiveSync()[0].toString(), "first");
  const before = context.activity;
  assert.ok(before.waits > 0, "for the connection");
  assert.ok(before.wakeUps > 0, "the I/O worker, and the receiver");
  const body = new Uint8Array(100_000);
  await until(() => !push.trySend(body), "full queues");
  const after = context.activity;
  assert.ok(after.stalls > before.stalls, "nobody receives");
  assert.ok(after.waits >= before.waits && after.wakeUps >= before.wakeUps);
  push.linger = 0;
  push.close();
  pull.close();
  await within(context.terminate(), "termination", 5000);
  assert.ok(context.activity.stalls >= after.stalls, "what was done stays");
});

contextTest(
  "test_ctx_shutdown: a waiting receive fails with ETERM",
  async () => {
    for (const transport of ["inproc://x", "tcp://127.0.0.1:*"]) {
      const context = new Context();
      const pull = new Pull({ context });
      await pull.bind(transport);
      const waiting = assert.rejects(pull.receive(), ETERM);
      const start = performance.now();
      context.shutdown();
      await within(waiting, "ETERM", 5000);
      assert.ok(performance.now() - start < 1000);
      pull.close();
      await within(context.terminate(), "termination", 5000);
    }
  },
);

contextTest("test_ctx_shutdown: a waiting send fails with ETERM", async () => {
  const context = new Context();
  const push = new Push({ context });
  const waiting = assert.rejects(push.send("x"), ETERM);
  context.shutdown();
  await within(waiting, "ETERM", 5000);
  push.close();
  await within(context.terminate(), "termination", 5000);
});

contextTest(
  "test_ctx_shutdown: every later operation fails with ETERM",
  async () => {
    const context = new Context();
    const dealer = new Dealer({ context, receiveTimeout: 0, sendTimeout: 0 });
    context.shutdown();
    await assert.rejects(async () => await dealer.receive(), ETERM);
    // What is promised is rejected, and nothing thrown, whatever the message.
    for (const message of ["x", new Uint8Array(1), ["a", "b"]]) {
      const sent = dealer.send(message);
      await assert.rejects(sent, ETERM);
    }
    assert.throws(() => dealer.connect("inproc://x"), ETERM);
    assert.throws(() => dealer.bindSync("inproc://x"), ETERM);
    assert.throws(() => new Pull({ context }), ETERM);
    dealer.close();
    await within(context.terminate(), "termination", 5000);
  },
);

contextTest(
  "test_ctx_shutdown: no socket is made after it, even the first",
  async () => {
    const context = new Context();
    context.shutdown();
    for (const type of ALL) assert.throws(() => new type({ context }), ETERM);
    await within(context.terminate(), "termination", 5000);
  },
);

contextTest("terminate fails the operations that still wait", async () => {
  const context = new Context();
  const pull = new Pull({ context });
  const push = new Push({ context });
  const outcomes = [
    assert.rejects(pull.receive()),
    assert.rejects(push.send("x")),
  ];
  await within(context.terminate(), "termination", 5000);
  await within(Promise.all(outcomes), "the rejections", 5000);
});

contextTest("`await using` ends sockets and contexts", async () => {
  let pull: Pull;
  let push: Push;
  {
    await using context = new Context();
    using first = new Pull({ context });
    await using second = new Push({ context, linger: 0 });
    [pull, push] = [first, second];
    await first.bind("inproc://using");
    second.connect("inproc://using");
    await second.send("hello");
    await first.receive();
  }
  assert.equal(pull.closed, true);
  assert.equal(push.closed, true);
});

scenario(
  "test_many_sockets: more than maxSockets is EMFILE, and close makes room",
  async (s) => {
    const pairs: Pair[] = [];
    const tooMany = {
      code: "EMFILE",
      message: "Too many open file descriptors",
    };
    for (let n = 0; n < 20; n += 1) pairs.push(s.open(Pair));
    for (let n = 0; n < 10; n += 1) assert.throws(() => s.open(Pair), tooMany);
    for (const pair of pairs.splice(0, 5)) pair.close();
    const more: Pair[] = [];
    await until(() => {
      try {
        more.push(s.open(Pair));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "EMFILE");
      }
      return more.length === 5;
    }, "room for five");
    assert.throws(() => s.open(Pair), tooMany);
    const [one, two] = [more[0], pairs[0]];
    assert.ok(one && two);
    await s.join(one, two, "inproc");
    await one.send("works");
    await expectMessage(two, "works");
  },
  { context: { maxSockets: 20 } },
);

scenario("test_many_sockets: a thousand open at the same time", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "inproc");
  const pushes: Push[] = [];
  for (let n = 0; n < 1000; n += 1) {
    const push = s.open(Push);
    push.connect(endpoint);
    pushes.push(push);
  }
  for (const [n, push] of pushes.entries()) await push.send(`${n}`);
  const seen = new Set<string>();
  for (let n = 0; n < 1000; n += 1) {
    seen.add(String.fromCharCode(...(await pull.receive())[0]));
  }
  assert.equal(seen.size, 1000);
});

for (const transport of TRANSPORTS) {
  scenario(
    `test_shutdown_stress: a hundred SUBs over ${transport} connect and close at once`,
    async (s) => {
      const pub = s.open(Publisher);
      const endpoint = await s.bind(pub, transport);
      for (let round = 0; round < 3; round += 1) {
        const subs: Subscriber[] = [];
        for (let n = 0; n < 100; n += 1) {
          const sub = s.open(Subscriber);
          sub.connect(endpoint);
          subs.push(sub);
        }
        for (const sub of subs) sub.close();
        await pub.send("still here");
      }
      const sub = s.open(Subscriber);
      sub.subscribe("");
      sub.connect(endpoint);
      await until(async () => {
        await pub.send("hello");
        return sub.readable;
      }, "the last subscriber");
      await expectMessage(sub, "hello");
    },
    { context: { ioThreads: 2 } },
  );
}

scenario(
  "contexts do not see each other's sockets, but their messages over tcp",
  async (s) => {
    await using other = new Context({ ioThreads: 2 });
    const pull = s.open(Pull);
    const push = new Push({ context: other, linger: 0 });
    push.connect(await s.bind(pull, "tcp"));
    await push.send("hello");
    await expectMessage(pull, "hello");
    push.close();
  },
);

scenario("terminate() ends detached sockets that nobody adopts", async (s) => {
  const { context } = s;
  const bound = s.open(Pull);
  await bound.bind("inproc://detached");
  const tcp = await s.bind(bound, "tcp");
  const push = s.open(Push, { linger: 0 });
  push.connect("inproc://detached");
  push.connect(tcp);
  await push.send("queued");
  const handle = bound.detach();
  await within(context.terminate(), "the end of the context");
  assert.throws(() => context.adopt(handle, Pull), (error) => {
    const { code } = error as { code: string };
    return code === "ETERM" || code === "EINVAL";
  });
}, OWN_CONTEXT);

scenario("a message larger than any can be is refused as such", (s) => {
  for (const size of [2 ** 31 - 1, 2 ** 40]) {
    assert.throws(() => s.context.allocate(size), { code: "EMSGSIZE" });
    assert.throws(() => s.context.allocateUnsafe(size), { code: "EMSGSIZE" });
  }
  assert.throws(() => s.context.allocate("5" as never), TypeError);
  return Promise.resolve();
});
