// A context whose memory is at its limit, filled from every side: types that
// drop do drop, the others wait, nothing is torn, and all goes on afterwards.
import assert from "node:assert/strict";
import {
  Context,
  Dealer,
  type Message,
  Pair,
  Publisher,
  Pull,
  Push,
  Router,
  Subscriber,
  XPublisher,
} from "../../mod.ts";
import {
  expectFromIdle,
  expectMessage,
  receiveTexts,
  sendUntilFull,
} from "../support/messages.ts";
import { bytes, frame, MORE, RawPeer } from "../support/raw_zmtp.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  TRANSPORTS,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

const MIB = 1024 * 1024;
const LIMIT = 8 * MIB;
const KERNEL_BUFFER = 64 * 1024;
/** What queues ask for at a time, bytes. */
const CHUNK = 64 * 1024;
/** Until a count has not grown for a second. */
async function untilStill(count: () => number): Promise<void> {
  let last = -1;
  let sinceMs = 0;
  await until(() => {
    if (count() !== last) [last, sinceMs] = [count(), performance.now()];
    return performance.now() - sinceMs > 1000;
  }, "no more to be written");
}

/** A PUSH and a PULL that only the memory limit holds back. */
async function joined(
  s: Scenario,
  transport: Transport,
): Promise<[Push, Pull]> {
  // The kernel's own buffers would grow to tens of megabytes.
  const push = s.open(Push, {
    sendHighWaterMark: 0,
    sendBufferSize: KERNEL_BUFFER,
  });
  const pull = s.open(Pull, {
    receiveHighWaterMark: 0,
    receiveBufferSize: KERNEL_BUFFER,
  });
  await s.join(push, pull, transport);
  return [push, pull];
}

const limited = { context: { memoryLimit: LIMIT }, timeoutMs: 90_000 };

for (const size of [100, 10_000, 300_000]) {
  for (const transport of TRANSPORTS) {
    scenario(
      `PUSH over ${transport} waits at the limit, bodies of ${size}`,
      async (s) => {
        const [push, pull] = await joined(s, transport);
        const body = new Uint8Array(size).fill(7);
        // The first one waits for the connection.
        body[0] = 0;
        await push.send(body);
        let sent = 1;
        push.sendTimeout = 500;
        await assert.rejects(async () => {
          for (; sent * size < 100 * LIMIT; sent += 1) {
            body[0] = sent;
            await push.send(body);
          }
        }, { code: "EAGAIN" });
        // The guaranteed minimum of the pipes, and what the kernel holds.
        const slack = transport === "inproc" ? 0 : 2 * MIB;
        assert.ok(sent * size <= LIMIT + slack, `${sent} messages fit`);
        assert.ok(sent * size > LIMIT / 8, `only ${sent} messages fit`);
        for (let n = 0; n < sent; n += 1) {
          const [received] = await pull.receive();
          assert.equal(received.length, size);
          assert.equal(received[0], n & 0xff);
        }
        push.sendTimeout = 10_000;
        await push.send("after");
        await expectMessage(pull, "after");
      },
      limited,
    );
  }
}

for (const size of [10_000, 100_000, 300_000]) {
  for (const transport of WIRE_TRANSPORTS) {
    scenario(
      `PUSH and PULL over ${transport}, both busy at the limit, lose nothing, ` +
        `bodies of ${size}`,
      async (s) => {
        const [push, pull] = await joined(s, transport);
        const count = 40 * LIMIT / size;
        const left = 2 * Math.max(size, CHUNK);
        const sending = async () => {
          const body = new Uint8Array(size);
          for (let n = 0; n < count; n += 1) {
            body[0] = n;
            await push.send(body);
          }
        };
        const receiving = async () => {
          // The sender takes all memory first, and then whatever comes free.
          await until(
            () => s.context.statistics.memoryUsedBytes > LIMIT - left,
            "the limit",
          );
          for (let n = 0; n < count; n += 1) {
            const [received] = await pull.receive();
            assert.equal(received.length, size);
            assert.equal(received[0], n & 0xff);
          }
        };
        await Promise.all([sending(), receiving()]);
      },
      limited,
    );
  }
}

for (const [sockets, pipes] of [[1, 2], [2, 1]] as const) {
  scenario(
    `sends of two parts that wait leave the thread alone: ${sockets} PUSH, ` +
      `${pipes} PULL each`,
    async (s) => {
      const pulls: Pull[] = [];
      const pushes: Push[] = [];
      for (let i = 0; i < sockets; i += 1) {
        const push = s.open(Push, { sendHighWaterMark: 0 });
        pushes.push(push);
        for (let k = 0; k < pipes; k += 1) {
          const pull = s.open(Pull, { receiveHighWaterMark: 0 });
          pulls.push(pull);
          await s.join(push, pull, "inproc");
        }
      }
      const count = 60;
      let sent = 0;
      const sending = pushes.map(async (push) => {
        for (let n = 0; n < count; n += 1) {
          // The limit comes between the two.
          await push.send([new Uint8Array(100_000), new Uint8Array(300_000)]);
          sent += 1;
        }
      });
      await untilStill(() => sent);
      assert.ok(sent < count * sockets, "the limit was reached");
      const receiving = pulls.map(async (pull) => {
        for (let n = 0; n < count * sockets / pulls.length; n += 1) {
          const parts = await pull.receive();
          assert.deepEqual(parts.map((part) => part.length), [
            100_000,
            300_000,
          ]);
        }
      });
      await Promise.all([...sending, ...receiving]);
    },
    limited,
  );
}

scenario("a waiting send goes on when memory comes back", async (s) => {
  const push = s.open(Push, { sendHighWaterMark: 0 });
  const pull = s.open(Pull, { receiveHighWaterMark: 0 });
  await s.join(push, pull, "inproc");
  const body = new Uint8Array(100_000);
  const sent = await sendUntilFull(push, 10_000, () => body);
  const waiting = push.send("waited");
  for (let n = 0; n < sent; n += 1) {
    assert.equal((await pull.receive())[0].length, 100_000);
  }
  await within(waiting, "the waiting send");
  await expectMessage(pull, "waited");
}, limited);

for (const transport of TRANSPORTS) {
  scenario(
    `PUB over ${transport} drops at the limit and goes on`,
    async (s) => {
      const pub = s.open(XPublisher, { sendHighWaterMark: 0 });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 0 });
      await s.join(pub, sub, transport);
      sub.subscribe("");
      await expectFromIdle(sub, pub, "\x01");
      const body = "x".repeat(10_000);
      for (let n = 0; n < 10_000; n += 1) await pub.send([`${n}`, body]);
      let last = -1;
      let count = 0;
      await until(async () => {
        await pub.send("fence");
        while (sub.readable) {
          const [number, rest] = await receiveTexts(sub);
          if (number === "fence") return true;
          assert.ok(Number(number) > last);
          assert.equal(rest?.length, body.length);
          last = Number(number);
          count += 1;
        }
        return false;
      }, "the subscriber to be served again");
      assert.ok(count > 50 && count < 10_000, `${count} of 10,000`);
    },
    limited,
  );
}

scenario(
  "XPUB with noDrop waits at the limit, and nobody gets what was not sent",
  async (s) => {
    const pub = s.open(XPublisher, { sendHighWaterMark: 0, noDrop: true });
    const endpoint = await s.bind(pub, "inproc");
    const options = { receiveHighWaterMark: 0, receiveTimeout: 0 };
    const slow = s.open(Subscriber, options);
    const fast = s.open(Subscriber, options);
    for (const sub of [slow, fast]) {
      sub.connect(endpoint);
      sub.subscribe("");
    }
    pub.verbosity = "allSubs";
    await expectMessage(pub, "\x01");
    const body = "x".repeat(10_000);
    let toFast = 0;
    let toSlow = 0;
    let sent = 0;
    for (let round = 0; round < 3; round += 1) {
      for (; pub.trySend([`${sent}`, body]); sent += 1) {
        assert.ok(sent < 10_000, "is there no limit?");
        for (; fast.readable; toFast += 1) {
          assert.equal((await receiveTexts(fast))[0], `${toFast}`);
        }
      }
      assert.ok(sent > 50, `only ${sent} messages fit`);
      for (; fast.readable; toFast += 1) await fast.receive();
      assert.equal(toFast, sent);
      for (; slow.readable; toSlow += 1) {
        assert.equal((await receiveTexts(slow))[0], `${toSlow}`);
      }
      assert.equal(toSlow, sent);
    }
  },
  limited,
);

scenario(
  "what was dropped for want of memory does not fail a later send that waits",
  async (s) => {
    const pub = s.open(XPublisher, { sendHighWaterMark: 0 });
    const sub = s.open(Subscriber, { receiveHighWaterMark: 0 });
    await s.join(pub, sub, "inproc");
    sub.subscribe("");
    await expectFromIdle(sub, pub, "\x01");
    const push = s.open(Push, { sendHighWaterMark: 1 });
    const pull = s.open(Pull, { receiveHighWaterMark: 1 });
    await s.join(push, pull, "inproc");
    using held = s.context.allocate(10);
    for (let n = 0; n < 2000; n += 1) await pub.send("x".repeat(10_000));
    await sendUntilFull(push, 10);
    assert.equal(push.trySend("one too many"), false);
    assert.equal(held.released, false);
  },
  limited,
);

scenario(
  "the Message that is sent does not count among those that hold the memory",
  async (s) => {
    const [push, pull] = [
      s.open(Push, { sendHighWaterMark: 0 }),
      s.open(Pull, { receiveHighWaterMark: 0 }),
    ];
    await s.join(push, pull, "inproc");
    await sendUntilFull(push, 1000, () => new Uint8Array(100_000));
    const own = s.context.allocate(1000);
    const parts = [own, own, new Uint8Array(1_000_000)];
    assert.equal(push.trySend(parts), false);
    const other = s.context.allocate(1);
    assert.throws(() => push.trySend(parts), { code: "ENOMEM" });
    other.release();
    const waiting = push.send(parts);
    while (!own.released) await pull.receive();
    await waiting;
  },
  limited,
);

scenario("ROUTER drops at the limit and goes on", async (s) => {
  const router = s.open(Router, { sendHighWaterMark: 0 });
  const dealer = s.open(Dealer, { routingId: "d", receiveHighWaterMark: 0 });
  await s.join(router, dealer, "inproc");
  await dealer.send("hello");
  await expectMessage(router, "d", "hello");
  const body = "x".repeat(10_000);
  for (let n = 0; n < 5000; n += 1) await router.send(["d", `${n}`, body]);
  let last = -1;
  while (dealer.readable) {
    const [number, rest] = await receiveTexts(dealer);
    assert.ok(Number(number) > last);
    assert.equal(rest?.length, body.length);
    last = Number(number);
  }
  assert.ok(last > 50 && last < 4999, `the last was ${last}`);
  await router.send(["d", "after"]);
  await expectMessage(dealer, "after");
}, limited);

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `a receiver over ${transport} at the limit makes its peer wait, and loses nothing`,
    async (s) => {
      await using other = new Context();
      const pull = s.open(Pull, { receiveHighWaterMark: 0 });
      const endpoint = await s.bind(pull, transport);
      const push = new Push({
        context: other,
        sendHighWaterMark: 10,
        sendTimeout: 500,
        linger: 0,
      });
      push.connect(endpoint);
      const size = 50_000;
      let sent = 0;
      await assert.rejects(async () => {
        for (; sent * size < 100 * LIMIT; sent += 1) {
          await push.send([`${sent}`, new Uint8Array(size)]);
        }
      }, { code: "EAGAIN" });
      assert.ok(sent * size < LIMIT + 24 * MIB, `${sent} messages went`);
      push.sendTimeout = 10_000;
      const waiting = push.send(["last", ""]);
      for (let n = 0; n < sent; n += 1) {
        const [number, body] = await pull.receive();
        assert.equal(String.fromCharCode(...number), `${n}`);
        assert.equal(body?.length, size);
      }
      await waiting;
      await expectMessage(pull, "last", "");
    },
    limited,
  );
}

scenario(
  "allocate beyond the limit is ENOMEM, and release makes room",
  async (s) => {
    assert.throws(() => s.context.allocate(LIMIT * 2), { code: "ENOMEM" });
    const held: Message[] = [];
    assert.throws(() => {
      for (let n = 0; n < 100; n += 1) held.push(s.context.allocate(MIB / 2));
    }, { code: "ENOMEM" });
    assert.ok(held.length >= 4, `only ${held.length} fit`);
    for (const message of held) message.release();
    const again = s.context.allocate(MIB);
    again.release();
    await Promise.resolve();
  },
  limited,
);

scenario(
  "a sender whose own Messages hold the memory is told so, with their number",
  async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, "inproc");
    const held: Message[] = [];
    assert.throws(() => {
      for (let n = 0; n < 100; n += 1) held.push(s.context.allocate(MIB / 4));
    }, { code: "ENOMEM" });
    one.sendTimeout = 1000;
    await assert.rejects(async () => {
      for (let n = 0; n < 1000; n += 1) await one.send(new Uint8Array(100_000));
    }, (error: Error & { code: string }) => {
      assert.equal(error.code, "ENOMEM");
      assert.match(error.message, new RegExp(`\\b${held.length}\\b`));
      return true;
    });
    for (const message of held) message.release();
    while (two.readable) await two.receive();
    await one.send("after");
    await expectMessage(two, "after");
  },
  limited,
);

for (const unread of [false, true]) {
  scenario(
    "an endless message at the limit closes its connection, others go on" +
      (unread ? ", with a message before it" : ""),
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, "tcp");
      const good = s.open(Push);
      good.connect(endpoint);
      await good.send("before");
      await expectMessage(pull, "before");
      const peer = await RawPeer.connect(endpoint);
      s.defer(() => peer.close());
      await peer.handshake("PUSH");
      // So short that reading it frees no memory, which nobody hears of then.
      if (unread) await peer.writeAll(frame(0, "unread"));
      const part = frame(MORE, new Uint8Array(60_000));
      const megabyte = bytes(...Array.from({ length: 17 }, () => part));
      // The kernel takes some of what the connection does not.
      let written = 0;
      const ends = until(
        async () => {
          if (!peer.ended) {
            await Promise.race([
              peer.writeAll(megabyte).then(() => written += 1),
              until(() => peer.ended, "the end", 15_000),
            ]);
          }
          return peer.ended;
        },
        "the endless message to be cut off",
        30_000,
      );
      if (unread) {
        await untilStill(() => written);
        await expectMessage(pull, "unread");
      }
      const after = expectMessage(pull, "after");
      await ends;
      await good.send("after");
      await after;
    },
    limited,
  );
}

scenario(
  "a slow subscriber's memory does not starve the sockets beside it",
  async (s) => {
    const pub = s.open(Publisher, { sendHighWaterMark: 0 });
    const slow = s.open(Subscriber, { receiveHighWaterMark: 0 });
    slow.subscribe("");
    await s.join(pub, slow, "inproc");
    await until(async () => {
      await pub.send("probe");
      return slow.readable;
    }, "the subscription");
    for (let n = 0; n < 5000; n += 1) await pub.send("x".repeat(10_000));
    // Each pipe has a guaranteed minimum.
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, "inproc");
    for (let n = 0; n < 1000; n += 1) {
      await one.send(`${n}`);
      await expectMessage(two, `${n}`);
    }
  },
  limited,
);

scenario(
  "a message beside whose own memory the rest has no room is refused",
  async (s) => {
    const [push, pull] = [s.open(Push), s.open(Pull)];
    await s.join(pull, push, "inproc");
    let size = LIMIT;
    let large: Message | null = null;
    while (large === null) {
      size -= 65_536;
      try {
        large = s.context.allocate(size);
      } catch {
        // That much is not left beside what the sockets use.
      }
    }
    const rest = new Uint8Array(LIMIT / 2);
    await within(
      assert.rejects(push.send([large, rest]), { code: "ENOMEM" }),
      "the refusal",
    );
    assert.throws(() => push.sendSync([rest, large]), { code: "ENOMEM" });
    // By itself it goes: it lies there already.
    await push.send(large);
    const [part] = await pull.receive();
    assert.equal(part?.length, size);
  },
  limited,
);
