import assert from "node:assert/strict";
import { Publisher, Subscriber, XPublisher, XSubscriber } from "../../mod.ts";
import {
  expectFromIdle,
  expectMessage,
  expectNothing,
  receiveTexts,
  subscriptionSettled,
} from "../support/messages.ts";
import { scenario, TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

for (const transport of TRANSPORTS) {
  scenario(
    `SUB over ${transport} gets what begins with one of its topics`,
    async (s) => {
      const pub = s.open(Publisher);
      const sub = s.open(Subscriber);
      sub.subscribe("weather.", "news");
      await s.join(pub, sub, transport);
      await subscriptionSettled(pub, sub, "weather.");
      await subscriptionSettled(pub, sub, "news");
      await pub.send(["weather", "no"]);
      await pub.send(["weather.london", "rain"]);
      await pub.send(["sport", "no"]);
      await pub.send("news");
      await pub.send(["newspaper", "", "three"]);
      await expectMessage(sub, "weather.london", "rain");
      await expectMessage(sub, "news");
      await expectMessage(sub, "newspaper", "", "three");
      await expectNothing(sub);
    },
  );

  scenario(`every SUB over ${transport} gets its own copy`, async (s) => {
    const pub = s.open(XPublisher, { verbosity: "allSubs" });
    const endpoint = await s.bind(pub, transport);
    const subs = [];
    for (let n = 0; n < 10; n += 1) {
      const sub = s.open(Subscriber);
      const parity = n % 2 === 0 ? "even" : "odd";
      sub.subscribe(parity, "all");
      sub.connect(endpoint);
      subs.push(sub);
      const topics = [await receiveTexts(pub), await receiveTexts(pub)].flat();
      assert.deepEqual(topics.sort(), ["\x01all", `\x01${parity}`]);
    }
    await pub.send("even: 1");
    await pub.send(["odd: 2", "x"]);
    await pub.send("all: 3");
    for (const [n, sub] of subs.entries()) {
      if (n % 2 === 0) await expectMessage(sub, "even: 1");
      else await expectMessage(sub, "odd: 2", "x");
      await expectMessage(sub, "all: 3");
      await expectNothing(sub);
    }
  });

  scenario(
    `a cancelled topic over ${transport} is heard no more`,
    async (s) => {
      const pub = s.open(XPublisher);
      const sub = s.open(Subscriber);
      await s.join(pub, sub, transport);
      sub.subscribe("a", "b");
      const receiving = receiveTexts(sub);
      await expectMessage(pub, "\x01a");
      await expectMessage(pub, "\x01b");
      await pub.send("a1");
      assert.deepEqual(await receiving, ["a1"]);
      sub.unsubscribe("a");
      await expectMessage(pub, "\x00a");
      await pub.send("a2");
      await pub.send("b2");
      await expectMessage(sub, "b2");
      sub.unsubscribe("never subscribed");
      sub.unsubscribe("b");
      await expectMessage(pub, "\x00b");
    },
  );

  scenario(
    `a topic over ${transport} subscribed twice needs two cancellations`,
    async (s) => {
      const pub = s.open(XPublisher);
      const sub = s.open(Subscriber);
      await s.join(pub, sub, transport);
      sub.subscribe("t", "t");
      const receiving = receiveTexts(sub);
      await expectMessage(pub, "\x01t");
      await pub.send("t1");
      assert.deepEqual(await receiving, ["t1"]);
      sub.unsubscribe("t");
      sub.subscribe("fence");
      await expectMessage(pub, "\x01fence");
      await pub.send("t2");
      await expectMessage(sub, "t2");
      sub.unsubscribe("t");
      await expectMessage(pub, "\x00t");
      await pub.send("t3");
      await pub.send("fence");
      await expectMessage(sub, "fence");
    },
  );

  scenario(
    `test_sub_forward: an XPUB and XSUB device over ${transport} passes both ways`,
    async (s) => {
      const xpub = s.open(XPublisher);
      const xsub = s.open(XSubscriber);
      const down = await s.bind(xpub, transport);
      const up = await s.bind(xsub, transport);
      const pub = s.open(Publisher);
      pub.connect(up);
      const sub = s.open(Subscriber);
      sub.connect(down);
      sub.subscribe("x");
      const [subscription] = await xpub.receive();
      assert.deepEqual(Array.from(subscription ?? []), [1, 0x78]);
      await xsub.send(subscription ?? "");
      await until(async () => {
        await pub.send(["x", "body"]);
        return xsub.readable;
      }, "the forwarded subscription");
      await xpub.send(await xsub.receive());
      await expectMessage(sub, "x", "body");
    },
  );
}

scenario(
  "test_hwm_pubsub: a PUB drops for a peer whose queue is full",
  async (s) => {
    const pub = s.open(XPublisher, { sendHighWaterMark: 100 });
    const sub = s.open(Subscriber, { receiveHighWaterMark: 100 });
    await s.join(pub, sub, "inproc");
    sub.subscribe();
    await expectMessage(pub, "\x01");
    for (let n = 0; n < 1000; n += 1) await pub.send(`${n}`);
    for (let n = 0; n < 200; n += 1) await expectMessage(sub, `${n}`);
    await expectNothing(sub);
    // Its room is its own: another subscriber starts with an empty queue.
    await pub.send("after");
    await expectMessage(sub, "after");
  },
);

for (const transport of TRANSPORTS) {
  scenario(
    `test_hwm_pubsub: ${transport}: a thousand fit a mark of a thousand`,
    async (s) => {
      const pub = s.open(XPublisher, { sendHighWaterMark: 1000 });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 1000 });
      await s.join(pub, sub, transport);
      sub.subscribe();
      const first = receiveTexts(sub);
      await expectMessage(pub, "\x01");
      await pub.send("first");
      await first;
      for (let n = 0; n < 1000; n += 1) await pub.send(`${n}`);
      for (let n = 0; n < 1000; n += 1) await expectMessage(sub, `${n}`);
    },
  );

  scenario(
    `test_hwm_pubsub: ${transport}: credit comes back as messages are read`,
    async (s) => {
      const mark = 11_024;
      const pub = s.open(XPublisher, { sendHighWaterMark: mark });
      const sub = s.open(Subscriber, { receiveHighWaterMark: mark });
      await s.join(pub, sub, transport);
      sub.subscribe();
      const first = receiveTexts(sub);
      await expectMessage(pub, "\x01");
      await pub.send("first");
      await first;
      for (const count of [9999, 1100, 9999]) {
        for (let n = 0; n < count; n += 1) await pub.send(`${n}`);
        for (let n = 0; n < count; n += 1) await expectMessage(sub, `${n}`);
      }
    },
  );
}

scenario(
  "a SUB connected twice to one endpoint hears things once",
  async (s) => {
    const pub = s.open(XPublisher);
    const sub = s.open(Subscriber);
    const endpoint = await s.join(pub, sub, "tcp");
    sub.connect(endpoint);
    sub.subscribe("x");
    const receiving = receiveTexts(sub);
    await expectMessage(pub, "\x01x");
    await pub.send("x1");
    await pub.send("x2");
    assert.deepEqual(await receiving, ["x1"]);
    await expectMessage(sub, "x2");
  },
);

scenario("a SUB keeps its topics for peers that come later", async (s) => {
  const sub = s.open(Subscriber);
  sub.subscribe("late");
  const endpoint = await s.bind(sub, "tcp");
  for (let n = 0; n < 3; n += 1) {
    const pub = s.open(Publisher);
    pub.connect(endpoint);
    await until(async () => {
      await pub.send(`late ${n}`);
      if (!sub.readable) return false;
      return (await receiveTexts(sub))[0] === `late ${n}`;
    }, "the late publisher");
    pub.close();
  }
});

scenario(
  "test_disconnect_inproc: a disconnected SUB cancels and hears no more",
  async (s) => {
    const pub = s.open(XPublisher);
    const sub = s.open(Subscriber);
    const endpoint = await s.bind(pub, "inproc");
    sub.subscribe("foo");
    sub.connect(endpoint);
    await expectMessage(pub, "\x01foo");
    await pub.send(["foo", "1"]);
    await expectMessage(sub, "foo", "1");
    sub.disconnect(endpoint);
    await expectFromIdle(sub, pub, "\x00foo");
    await pub.send(["foo", "2"]);
    await pub.send(["foo", "3"]);
    await expectNothing(sub);
    sub.connect(endpoint);
    await expectMessage(pub, "\x01foo");
    await pub.send(["foo", "4"]);
    await expectMessage(sub, "foo", "4");
  },
);

for (const transport of TRANSPORTS) {
  scenario(
    `test_pub_invert_matching: over ${transport} the rest arrives`,
    async (s) => {
      const pub = s.open(XPublisher, { invertMatching: true });
      const sub = s.open(Subscriber, { invertMatching: true });
      await s.join(pub, sub, transport);
      sub.subscribe("PREFIX1", "p2");
      const receiving = receiveTexts(sub);
      await expectMessage(pub, "\x01PREFIX1");
      await expectMessage(pub, "\x01p2");
      await pub.send("PREFIX1 no");
      await pub.send("p2 no");
      await pub.send("something else");
      assert.deepEqual(await receiving, ["something else"]);
      sub.unsubscribe("p2");
      await expectMessage(pub, "\x00p2");
      await pub.send("PREFIX1 no");
      await pub.send("p2 now yes");
      await expectMessage(sub, "p2 now yes");
    },
  );
}

// libzmq fails this one: its subscriptions count against the high-water mark.
scenario(
  "ten thousand topics survive a publisher that comes back",
  async (s) => {
    const sub = s.open(Subscriber, { reconnectInterval: 10 });
    const COUNT = 10_000;
    for (let n = 0; n < COUNT; n += 1) sub.subscribe(`topic-${n}-`);
    const address = s.address("ipc");
    sub.connect(address);
    for (let round = 0; round < 2; round += 1) {
      const pub = s.open(XPublisher, { receiveHighWaterMark: 10 });
      const receiving = receiveTexts(sub);
      await pub.bind(address);
      const topics = new Set<string>();
      for (let n = 0; n < COUNT; n += 1) {
        topics.add((await receiveTexts(pub))[0] ?? "");
      }
      assert.equal(topics.size, COUNT);
      await pub.send(`topic-${COUNT - 1}-${round}`);
      assert.deepEqual(await receiving, [`topic-${COUNT - 1}-${round}`]);
      pub.close();
    }
  },
);
