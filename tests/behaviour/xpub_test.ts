import assert from "node:assert/strict";
import { Publisher, Subscriber, XPublisher, XSubscriber } from "../../mod.ts";
import {
  drain,
  expectFromIdle,
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
  sendUntilFull,
  subscriptionSettled,
} from "../support/messages.ts";
import { scenario, TRANSPORTS, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

for (const transport of TRANSPORTS) {
  scenario(
    `test_xpub_verbose: by default XPUB over ${transport} shows first and last only`,
    async (s) => {
      const pub = s.open(XPublisher);
      const [one, two] = [s.open(Subscriber), s.open(Subscriber)];
      const endpoint = await s.bind(pub, transport);
      one.connect(endpoint);
      two.connect(endpoint);
      one.subscribe("A");
      await expectFromIdle(one, pub, "\x01A");
      two.subscribe("A", "two");
      await expectFromIdle(two, pub, "\x01two");
      one.unsubscribe("A");
      one.subscribe("one");
      await expectFromIdle(one, pub, "\x01one");
      await expectNothing(pub);
      two.unsubscribe("A");
      await expectFromIdle(two, pub, "\x00A");
      await expectNothing(pub);
    },
  );

  scenario(
    `test_xpub_verbose: "allSubs" over ${transport} shows every subscription`,
    async (s) => {
      const pub = s.open(XPublisher, { verbosity: "allSubs" });
      const [one, two] = [s.open(Subscriber), s.open(Subscriber)];
      const endpoint = await s.bind(pub, transport);
      one.connect(endpoint);
      two.connect(endpoint);
      one.subscribe("A");
      await expectFromIdle(one, pub, "\x01A");
      two.subscribe("A");
      await expectFromIdle(two, pub, "\x01A");
      one.subscribe("A");
      await expectFromIdle(one, pub, "\x01A");
      two.unsubscribe("A");
      two.subscribe("B");
      await expectFromIdle(two, pub, "\x01B");
      one.unsubscribe("A");
      one.unsubscribe("A");
      await expectFromIdle(one, pub, "\x00A");
      await expectNothing(pub);
    },
  );

  scenario(
    `test_xpub_verbose: "allSubsUnsubs" over ${transport} shows cancellations too`,
    async (s) => {
      const pub = s.open(XPublisher, { verbosity: "allSubsUnsubs" });
      const [one, two] = [s.open(Subscriber), s.open(Subscriber)];
      const endpoint = await s.bind(pub, transport);
      one.connect(endpoint);
      two.connect(endpoint);
      one.subscribe("A");
      await expectFromIdle(one, pub, "\x01A");
      two.subscribe("A");
      await expectFromIdle(two, pub, "\x01A");
      one.unsubscribe("A");
      await expectFromIdle(one, pub, "\x00A");
      await pub.send("A1");
      await expectMessage(two, "A1");
      await expectNothing(one);
      two.unsubscribe("A");
      await expectFromIdle(two, pub, "\x00A");
      await expectNothing(pub);
    },
  );

  scenario(
    `XPUB over ${transport} cancels for a subscriber that left`,
    async (s) => {
      const pub = s.open(XPublisher);
      const sub = s.open(Subscriber);
      const stays = s.open(Subscriber);
      const endpoint = await s.bind(pub, transport);
      sub.subscribe("gone", "shared");
      stays.subscribe("shared");
      sub.connect(endpoint);
      const topics = [await receiveTexts(pub), await receiveTexts(pub)].flat();
      assert.deepEqual(topics.sort(), ["\x01gone", "\x01shared"]);
      stays.connect(endpoint);
      stays.subscribe("stays");
      await expectFromIdle(stays, pub, "\x01stays");
      sub.close();
      await expectMessage(pub, "\x00gone");
      await pub.send("shared");
      await expectMessage(stays, "shared");
      await expectNothing(pub);
    },
  );

  scenario(
    `test_xpub_welcome_msg: over ${transport} who subscribes to it gets it`,
    async (s) => {
      const pub = s.open(XPublisher, { welcomeMessage: "W" });
      const endpoint = await s.bind(pub, transport);
      const sub = s.open(Subscriber);
      sub.subscribe("W");
      sub.connect(endpoint);
      const receiving = receiveTexts(sub);
      await expectMessage(pub, "\x01W");
      assert.deepEqual(await receiving, ["W"]);
      await pub.send("W and more");
      await expectMessage(sub, "W and more");
    },
  );

  scenario(
    `test_xpub_manual: over ${transport} the application decides what matches`,
    async (s) => {
      const pub = s.open(XPublisher, { manual: true }) as XPublisher & Manual;
      const sub = s.open(XSubscriber);
      await s.join(pub, sub, transport);
      await sub.send("\x01A");
      await expectFromIdle(sub, pub, "\x01A");
      applySubscription(pub, "subscribe", "XA");
      await pub.send("A");
      await pub.send("XA");
      await expectMessage(sub, "XA");
      await sub.send("\x00A");
      await expectFromIdle(sub, pub, "\x00A");
      applySubscription(pub, "unsubscribe", "XA");
      await pub.send("XA");
      await sub.send("\x01B");
      await expectFromIdle(sub, pub, "\x01B");
      applySubscription(pub, "subscribe", "XB");
      await pub.send("XA");
      await pub.send("XB");
      await expectMessage(sub, "XB");
    },
  );

  scenario(
    `test_xpub_manual: over ${transport} a peer that goes has its own topic cancelled`,
    async (s) => {
      const pub = s.open(XPublisher, { manual: true }) as XPublisher & Manual;
      const endpoint = await s.bind(pub, transport);
      const subs = [s.open(XSubscriber), s.open(XSubscriber)];
      for (const sub of subs) {
        sub.connect(endpoint);
        await sub.send("\x01A");
        await expectFromIdle(sub, pub, "\x01A");
        applySubscription(pub, "subscribe", "XA");
      }
      subs[0]?.close();
      await expectMessage(pub, "\x00A");
      subs[1]?.close();
      await expectMessage(pub, "\x00A");
    },
  );

  scenario(
    `test_xpub_manual: over ${transport} user messages of an XSUB reach the XPUB`,
    async (s) => {
      const pub = s.open(XPublisher, { manual: true });
      const sub = s.open(XSubscriber);
      await s.join(pub, sub, transport);
      await sub.send("\x01topic");
      await expectFromIdle(sub, pub, "\x01topic");
      await sub.send("single");
      await expectMessage(pub, "single");
      await sub.send(["a", "", "b"]);
      await expectMessage(pub, "a", "", "b");
      await sub.send("");
      await expectMessage(pub, "");
    },
  );

  scenario(
    `test_xpub_nodrop: over ${transport} EAGAIN instead of loss`,
    async (s) => {
      const pub = s.open(XPublisher, { sendHighWaterMark: 10, noDrop: true });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 10 });
      await s.join(pub, sub, transport);
      sub.subscribe();
      await expectFromIdle(sub, pub, "\x01");
      const big = "x".repeat(transport === "inproc" ? 10 : 100_000);
      const sent = await sendUntilFull(pub, 20_000, (n) => [`${n}`, big]);
      assert.ok(sent >= 10 && sent < 20_000, `${sent} messages went`);
      // Over the wire room may have come back since.
      if (transport === "inproc") await expectFull(pub);
      for (let n = 0; n < sent; n += 1) {
        assert.equal((await receiveTexts(sub))[0], `${n}`);
      }
      await pub.send("room again");
      await expectMessage(sub, "room again");
    },
  );

  scenario(
    `test_hwm_pubsub: over ${transport} noDrop delivers 6000 past a mark of 2000`,
    async (s) => {
      const pub = s.open(XPublisher, { sendHighWaterMark: 2000, noDrop: true });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 2000 });
      await s.join(pub, sub, transport);
      sub.subscribe();
      await expectFromIdle(sub, pub, "\x01");
      const sending = (async () => {
        for (let n = 0; n < 6000; n += 1) await pub.send(`${n}`);
      })();
      for (let n = 0; n < 6000; n += 1) await expectMessage(sub, `${n}`);
      await sending;
    },
  );
}

/** What an XPUB in manual mode offers to apply a subscription with. */
interface Manual {
  subscribe?(...topics: string[]): void;
  unsubscribe?(...topics: string[]): void;
  setStringOption(option: number, value: string): void;
}

/** zeromq.js has no method for it, only the raw options 6 and 7. */
function applySubscription(
  pub: Manual,
  what: "subscribe" | "unsubscribe",
  topic: string,
): void {
  pub.setStringOption(what === "subscribe" ? 6 : 7, topic);
}

for (const transport of WIRE_TRANSPORTS) {
  for (const length of [244, 245, 246, 247, 254, 255, 256, 70_000]) {
    scenario(
      `test_xpub_topic: ${length} bytes over ${transport} come and go whole`,
      async (s) => {
        const topic = "t".repeat(length - 1) + "!";
        const pub = s.open(XPublisher);
        const sub = s.open(Subscriber);
        await s.join(pub, sub, transport);
        sub.subscribe(topic);
        await expectFromIdle(sub, pub, `\x01${topic}`);
        await pub.send(topic.slice(0, -1));
        await pub.send(topic);
        await expectMessage(sub, topic);
        sub.unsubscribe(topic);
        await expectFromIdle(sub, pub, `\x00${topic}`);
      },
    );
  }
}

scenario(
  "an XSUB hands up all it gets, filtered by the publisher",
  async (s) => {
    const pub = s.open(XPublisher);
    const sub = s.open(XSubscriber);
    await s.join(pub, sub, "tcp");
    await sub.send("\x01a");
    await sub.send("\x01ab");
    await expectFromIdle(sub, pub, "\x01a");
    await expectFromIdle(sub, pub, "\x01ab");
    await sub.send("\x00a");
    await expectFromIdle(sub, pub, "\x00a");
    await pub.send("a");
    await pub.send("abc");
    await expectMessage(sub, "abc");
    // The first of three equal ones was forwarded, so were the others; only the
    // last cancellation is.
    await sub.send("\x00ab");
    await expectFromIdle(sub, pub, "\x00ab");
  },
);

scenario(
  "a megabyte topic and ten thousand nested prefixes are no burden",
  async (s) => {
    const pub = s.open(XPublisher);
    const sub = s.open(XSubscriber, { sendHighWaterMark: 0 });
    await s.join(pub, sub, "inproc");
    const long = "l".repeat(1_000_000);
    await sub.send(`\x01${long}`);
    assert.equal((await receiveTexts(pub))[0]?.length, 1_000_001);
    await pub.send(`${long}!`);
    assert.equal((await receiveTexts(sub))[0]?.length, 1_000_001);
    await sub.send(`\x00${long}`);
    assert.equal((await receiveTexts(pub))[0]?.length, 1_000_001);
    for (let n = 1; n <= 10_000; n += 1) {
      await sub.send(`\x01${"n".repeat(n)}`);
      await pub.receive();
    }
    await pub.send("n".repeat(10_000));
    assert.equal((await receiveTexts(sub))[0]?.length, 10_000);
    await expectNothing(sub);
    for (let n = 1; n <= 10_000; n += 1) {
      await sub.send(`\x00${"n".repeat(n)}`);
      await pub.receive();
    }
    await pub.send("n".repeat(10_000));
    await expectNothing(sub);
  },
);

scenario("a slow SUB of a PUB does not hold up a fast one", async (s) => {
  const pub = s.open(Publisher, { sendHighWaterMark: 50 });
  const endpoint = await s.bind(pub, "tcp");
  const slow = s.open(Subscriber, { receiveHighWaterMark: 50 });
  const fast = s.open(Subscriber, { receiveHighWaterMark: 50 });
  for (const sub of [slow, fast]) {
    sub.subscribe("");
    sub.connect(endpoint);
    await subscriptionSettled(pub, sub, "");
  }
  await drain(slow);
  const body = "x".repeat(50_000);
  for (let n = 0; n < 2000; n += 1) {
    await pub.send([`${n}`, body]);
    assert.equal((await receiveTexts(fast))[0], `${n}`);
  }
  // The slow one lost some of them and sees the rest in order and whole.
  let last = -1;
  let count = 0;
  while (slow.readable) {
    const [number = "", rest] = await receiveTexts(slow);
    if (number.startsWith("probe")) continue;
    assert.ok(Number(number) > last);
    assert.equal(rest?.length, body.length);
    last = Number(number);
    count += 1;
  }
  assert.ok(count > 0 && count < 2000, `${count} of 2000`);
  await until(async () => {
    await pub.send("alive");
    while (slow.readable) {
      if ((await receiveTexts(slow))[0] === "alive") return true;
    }
    return false;
  }, "the slow one to be served again");
});
