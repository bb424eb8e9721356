import assert from "node:assert/strict";
import { Dealer, Pull, Push } from "../../mod.ts";
import {
  drain,
  expectFull,
  expectMessage,
  receiveTexts,
  sendUntilFull,
} from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until } from "../support/wait.ts";

/** Joins a PUSH and a PULL over inproc, either one binding. */
async function joined(
  s: Scenario,
  sendMark: number,
  receiveMark: number,
  bindFirst: "push" | "pull" | "connect before bind",
): Promise<{ push: Push; pull: Pull }> {
  const push = s.open(Push, { sendHighWaterMark: sendMark });
  const pull = s.open(Pull, { receiveHighWaterMark: receiveMark });
  if (bindFirst === "push") await s.join(push, pull, "inproc");
  else if (bindFirst === "pull") await s.join(pull, push, "inproc");
  else {
    const address = s.address("inproc");
    push.connect(address);
    await pull.bind(address);
  }
  return { push, pull };
}

for (const order of ["push", "pull", "connect before bind"] as const) {
  const how = order === "connect before bind" ? order : `${order} binds`;

  scenario(
    `test_hwm: by default 1000 + 1000 fit into inproc (${how})`,
    async (s) => {
      const push = s.open(Push);
      const pull = s.open(Pull);
      if (order === "push") await s.join(push, pull, "inproc");
      else if (order === "pull") await s.join(pull, push, "inproc");
      else {
        push.connect("inproc://later");
        await pull.bind("inproc://later");
      }
      assert.equal(await sendUntilFull(push, 5000), 2000);
      for (let n = 0; n < 2000; n += 1) await expectMessage(pull, `${n}`);
      await until(() => push.writable, "room");
      // Credit comes back in steps, so a few of them may still be under way.
      const again = await sendUntilFull(push, 5000);
      assert.ok(again > 1900 && again <= 2000, `${again} messages went`);
    },
  );

  for (
    const [sendMark, receiveMark, fit] of [
      [1, 1, 2],
      [5, 7, 12],
      [0, 1, Infinity],
      [1, 0, Infinity],
      [0, 0, Infinity],
    ] as const
  ) {
    scenario(
      `test_hwm: marks ${sendMark} and ${receiveMark} over inproc hold ${fit} (${how})`,
      async (s) => {
        const { push, pull } = await joined(s, sendMark, receiveMark, order);
        const limit = 10_000;
        assert.equal(await sendUntilFull(push, limit), Math.min(fit, limit));
        const held = Math.min(fit, limit);
        for (let n = 0; n < held; n += 1) await expectMessage(pull, `${n}`);
        await push.send("again");
        await expectMessage(pull, "again");
      },
    );
  }
}

scenario(
  "test_hwm: before the bind only the sender's mark counts",
  async (s) => {
    const push = s.open(Push, { sendHighWaterMark: 3 });
    push.connect("inproc://early");
    assert.equal(await sendUntilFull(push, 100), 3);
    const pull = s.open(Pull, { receiveHighWaterMark: 4 });
    await pull.bind("inproc://early");
    for (let n = 0; n < 3; n += 1) await expectMessage(pull, `${n}`);
  },
);

scenario("test_hwm: a multipart message counts as one", async (s) => {
  const { push, pull } = await joined(s, 2, 2, "push");
  const parts = Array.from({ length: 50 }, (_, n) => `${n}`);
  assert.equal(await sendUntilFull(push, 100, () => parts), 4);
  for (let n = 0; n < 4; n += 1) {
    assert.deepEqual(await receiveTexts(pull), parts);
  }
});

scenario(
  "test_hwm: the reader's mark counts as soon as it binds",
  async (s) => {
    const push = s.open(Push, { sendHighWaterMark: 3 });
    push.connect("inproc://early");
    await push.send("first");
    const pull = s.open(Pull, { receiveHighWaterMark: 4 });
    await pull.bind("inproc://early");
    assert.equal(await sendUntilFull(push, 100), 6);
    assert.equal(await drain(pull), 7);
  },
);

scenario("test_hwm: room comes back in halves of the mark", async (s) => {
  const { push, pull } = await joined(s, 50, 50, "push");
  assert.equal(await sendUntilFull(push, 1000), 100);
  // The reader reports what it took now and then, not each time.
  for (let n = 0; n < 100; n += 1) await expectMessage(pull, `${n}`);
  await until(() => push.writable, "room");
  const again = await sendUntilFull(push, 1000);
  assert.ok(again >= 90 && again <= 100, `${again} messages went`);
});

scenario("a waiting send goes on when the reader makes room", async (s) => {
  const { push, pull } = await joined(s, 5, 5, "push");
  assert.equal(await sendUntilFull(push, 100), 10);
  const waiting = push.send("waited");
  for (let n = 0; n < 10; n += 1) await expectMessage(pull, `${n}`);
  await waiting;
  await expectMessage(pull, "waited");
});

scenario("test_sockopt_hwm: a mark set before connect counts", async (s) => {
  const push = s.open(Push);
  const pull = s.open(Pull);
  push.sendHighWaterMark = 2;
  pull.receiveHighWaterMark = 2;
  await s.join(push, pull, "inproc");
  assert.equal(await sendUntilFull(push, 100), 4);
});

scenario(
  "test_sockopt_hwm: a mark raised while connected counts at once",
  async (s) => {
    const { push, pull } = await joined(s, 1, 1, "push");
    // Looking at it makes the bound socket learn of its peer.
    await until(() => push.writable, "the peer");
    push.sendHighWaterMark = 5;
    assert.equal(push.sendHighWaterMark, 5);
    assert.equal(await sendUntilFull(push, 100), 6);
    for (let n = 0; n < 6; n += 1) await expectMessage(pull, `${n}`);
  },
);

scenario(
  "test_sockopt_hwm: a mark lowered below the fill keeps what is queued",
  async (s) => {
    const { push, pull } = await joined(s, 50, 1, "push");
    assert.equal(await sendUntilFull(push, 30), 30);
    push.sendHighWaterMark = 5;
    await expectFull(push);
    for (let n = 0; n < 30; n += 1) await expectMessage(pull, `${n}`);
    await until(() => push.writable, "room");
    const again = await sendUntilFull(push, 100);
    assert.ok(again >= 1 && again <= 6, `${again} messages went`);
  },
);

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `a PULL over ${transport} that does not read stops its PUSH`,
    async (s) => {
      const push = s.open(Push, { sendHighWaterMark: 10 });
      const pull = s.open(Pull, { receiveHighWaterMark: 10 });
      await s.join(push, pull, transport);
      const body = "x".repeat(50_000);
      // The first one waits for the connection.
      await push.send(["0", body]);
      push.sendTimeout = 200;
      let sent = 1;
      await assert.rejects(async () => {
        for (; sent < 5000; sent += 1) await push.send([`${sent}`, body]);
      }, { code: "EAGAIN" });
      assert.ok(sent >= 10 && sent < 5000, `${sent} messages went`);
      push.sendTimeout = 10_000;
      const waiting = push.send([`${sent}`, body]);
      for (let n = 0; n <= sent; n += 1) {
        assert.equal((await receiveTexts(pull))[0], `${n}`);
      }
      await waiting;
    },
  );

  scenario(
    `before its ${transport} connection stands a PUSH queues its mark`,
    async (s) => {
      const push = s.open(Push, {
        sendHighWaterMark: 3,
        reconnectInterval: 10,
      });
      const probe = s.open(Pull);
      const endpoint = await s.bind(probe, transport);
      await probe.unbind(endpoint);
      push.connect(endpoint);
      assert.equal(await sendUntilFull(push, 100), 3);
      const pull = s.open(Pull);
      await s.bindAgain(pull, endpoint);
      for (let n = 0; n < 3; n += 1) await expectMessage(pull, `${n}`);
    },
  );
}

scenario(
  "both directions of a connection have marks of their own",
  async (s) => {
    const one = s.open(Dealer, {
      sendHighWaterMark: 1,
      receiveHighWaterMark: 20,
    });
    const two = s.open(Dealer, {
      sendHighWaterMark: 3,
      receiveHighWaterMark: 5,
    });
    await s.join(one, two, "inproc");
    assert.equal(await sendUntilFull(one, 100), 6);
    assert.equal(await sendUntilFull(two, 100), 23);
  },
);
