import assert from "node:assert/strict";
import { Dealer, Pull, Push, Subscriber, XPublisher } from "../../mod.ts";
import {
  expectMessage,
  expectNothing,
  receiveTexts,
} from "../support/messages.ts";
import { scenario, TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

for (const transport of TRANSPORTS) {
  scenario(
    `test_conflate: over ${transport} a PULL keeps the last message only`,
    async (s) => {
      const pull = s.open(Pull, { conflate: true });
      const push = s.open(Push);
      await s.join(pull, push, transport);
      for (let n = 0; n < 20; n += 1) await push.send(`${n}`);
      // What is read meanwhile may be any of them, in order; the last one stays.
      let last = -1;
      let taken = 0;
      await until(async () => {
        const now = Number((await receiveTexts(pull))[0]);
        assert.ok(now > last);
        last = now;
        taken += 1;
        return now === 19;
      }, "the last message");
      assert.ok(taken <= 20);
      await expectNothing(pull);
    },
  );
}

scenario(
  "test_conflate: over inproc exactly the last of twenty is there",
  async (s) => {
    const pull = s.open(Pull, { conflate: true });
    const push = s.open(Push, { conflate: true });
    await s.join(pull, push, "inproc");
    for (let n = 0; n < 20; n += 1) await push.send(`${n}`);
    await expectMessage(pull, "19");
    await expectNothing(pull);
    await push.send("next");
    await expectMessage(pull, "next");
  },
);

scenario("test_conflate: a PUSH that conflates never waits", async (s) => {
  const push = s.open(Push, {
    conflate: true,
    sendHighWaterMark: 1,
    reconnectInterval: 10,
  });
  const address = s.address("ipc");
  push.connect(address);
  for (let n = 0; n < 5000; n += 1) await push.send(`${n}`);
  const pull = s.open(Pull);
  await pull.bind(address);
  await expectMessage(pull, "4999");
  await push.send("and more");
  await expectMessage(pull, "and more");
});

scenario(
  "test_conflate: a SUB that conflates sees the newest price",
  async (s) => {
    const pub = s.open(XPublisher);
    const sub = s.open(Subscriber, { conflate: true });
    sub.subscribe("");
    await s.join(pub, sub, "inproc");
    await expectMessage(pub, "\x01");
    for (let n = 0; n < 1000; n += 1) await pub.send(`${n}`);
    await expectMessage(sub, "999");
    await expectNothing(sub);
  },
);

scenario(
  "test_conflate: large bodies conflate, too, and are given back",
  async (s) => {
    const one = s.open(Dealer, { conflate: true });
    const two = s.open(Dealer, { conflate: true });
    await s.join(one, two, "inproc");
    for (let n = 0; n < 200; n += 1) {
      await one.send(new Uint8Array(1_000_000).fill(n));
    }
    const [body] = await two.receive();
    assert.equal(body?.length, 1_000_000);
    assert.equal(body[0], 199);
    assert.equal(body[999_999], 199);
  },
);
