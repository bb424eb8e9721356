// Sizes around every edge of framing and buffering, and many messages in
// order, between a process of ours and one of libzmq.
import assert from "node:assert/strict";
import {
  Dealer,
  Publisher,
  Pull,
  Push,
  Router,
  Subscriber,
} from "../../mod.ts";
import {
  checkNumbered,
  fromHex,
  numberedBody,
  patternBytes,
  sha256,
} from "../support/content.ts";
import { libzmqMissing, type PeerReceived } from "../support/libzmq_peer.ts";
import { receiveTexts } from "../support/messages.ts";
import { scenario, WIRE_TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;
const COUNT = 100_000;
const SIZES = [
  0,
  1,
  254,
  255,
  256,
  8191,
  8192,
  8193,
  65535,
  65536,
  65537,
  MIB,
];

const skip = libzmqMissing;

function expectReceived(
  part: PeerReceived | undefined,
  size: number,
  seed: number,
): void {
  assert.ok(part !== undefined, "a part is missing");
  const bytes = patternBytes(size, seed);
  if ("hex" in part) assert.deepEqual(fromHex(part.hex), bytes);
  else assert.deepEqual(part, { size, hash: sha256(bytes) });
}

function expectBytes(
  part: Uint8Array | undefined,
  size: number,
  seed: number,
): void {
  assert.equal(part?.length, size);
  assert.equal(sha256(part), sha256(patternBytes(size, seed)));
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `messages of all sizes go whole to libzmq over ${transport}`,
    async (s) => {
      const peer = s.libzmq();
      const pull = await peer.open("Pull");
      const push = s.open(Push);
      await pull.connect(await s.bind(push, transport));
      for (const size of [...SIZES, 64 * MIB]) {
        await push.send(patternBytes(size, size));
        const parts = await pull.receive();
        assert.equal(parts.length, 1);
        expectReceived(parts[0], size, size);
      }
      // All of the small sizes as the parts of one message.
      await push.send(SIZES.map((size) => patternBytes(size, size + 1)));
      const parts = await pull.receive();
      assert.equal(parts.length, SIZES.length);
      SIZES.forEach((size, at) => expectReceived(parts[at], size, size + 1));
    },
    { skip, timeoutMs: 120_000 },
  );

  scenario(
    `messages of all sizes come whole from libzmq over ${transport}`,
    async (s) => {
      const peer = s.libzmq();
      const push = await peer.open("Push");
      const pull = s.open(Pull);
      await push.connect(await s.bind(pull, transport));
      for (const size of [...SIZES, 64 * MIB]) {
        await push.send([{ size, seed: size }]);
        const parts = await pull.receive();
        assert.equal(parts.length, 1);
        expectBytes(parts[0], size, size);
      }
      await push.send(SIZES.map((size) => ({ size, seed: size + 1 })));
      const parts = await pull.receive();
      assert.equal(parts.length, SIZES.length);
      SIZES.forEach((size, at) => expectBytes(parts[at], size, size + 1));
    },
    { skip, timeoutMs: 120_000 },
  );

  scenario(
    `100,000 messages to libzmq over ${transport}: none lost, all in order`,
    async (s) => {
      const peer = s.libzmq();
      const pull = await peer.open("Pull");
      const push = s.open(Push);
      push.connect(await pull.bind(s.address(transport)));
      const received = pull.receiveNumbered({
        from: 0,
        count: COUNT,
        size: 64,
      });
      for (let n = 0; n < COUNT; n += 1) await push.send(numberedBody(n, 64));
      assert.equal(await received, COUNT);
    },
    { skip, timeoutMs: 90_000 },
  );

  scenario(
    `100,000 messages from libzmq over ${transport}: none lost, all in order`,
    async (s) => {
      const peer = s.libzmq();
      const push = await peer.open("Push");
      const pull = s.open(Pull);
      pull.connect(await push.bind(s.address(transport)));
      const sent = push.sendNumbered({ from: 0, count: COUNT, size: 64 });
      for (let n = 0; n < COUNT; n += 1) {
        const parts = await pull.receive();
        assert.ok(parts.length === 1);
        checkNumbered(parts[0], n, 64);
      }
      await sent;
    },
    { skip, timeoutMs: 90_000 },
  );
}

scenario(
  "100,000 messages each way at the same time between DEALERs over tcp",
  async (s) => {
    const peer = s.libzmq();
    const theirs = await peer.open("Dealer");
    const ours = s.open(Dealer);
    await theirs.connect(await s.bind(ours, "tcp"));
    const plan = { from: 0, count: COUNT, size: 40 };
    const there = theirs.receiveNumbered(plan);
    const back = theirs.sendNumbered(plan);
    const receiving = (async () => {
      for (let n = 0; n < COUNT; n += 1) {
        checkNumbered((await ours.receive())[0], n, 40);
      }
    })();
    for (let n = 0; n < COUNT; n += 1) await ours.send(numberedBody(n, 40));
    assert.equal(await there, COUNT);
    await back;
    await receiving;
  },
  { skip, timeoutMs: 90_000 },
);

scenario(
  "10,000 round trips through an echoing libzmq ROUTER keep their order",
  async (s) => {
    const peer = s.libzmq();
    // A ROUTER drops what its mark does not allow.
    const router = await peer.open("Router", { sendHighWaterMark: 0 });
    const dealer = s.open(Dealer, { routingId: "dealer" });
    dealer.connect(await router.bind("tcp://127.0.0.1:*"));
    const echoing = router.echo(10_000);
    const receiving = (async () => {
      for (let n = 0; n < 10_000; n += 1) {
        checkNumbered((await dealer.receive())[0], n, 300);
      }
    })();
    for (let n = 0; n < 10_000; n += 1) await dealer.send(numberedBody(n, 300));
    await receiving;
    await echoing;
  },
  { skip },
);

scenario(
  "a ROUTER of ours tells twenty libzmq DEALERs apart by their ids",
  async (s) => {
    const peer = s.libzmq();
    const router = s.open(Router, { mandatory: true });
    const endpoint = await s.bind(router, "tcp");
    const dealers = [];
    for (let n = 0; n < 20; n += 1) {
      const dealer = await peer.open("Dealer", { routingId: `dealer-${n}` });
      await dealer.connect(endpoint);
      await dealer.send([`from ${n}`]);
      dealers.push(dealer);
    }
    const seen = new Set<string>();
    for (let n = 0; n < 20; n += 1) {
      const [id = "", body] = await receiveTexts(router);
      assert.equal(body, `from ${id.slice("dealer-".length)}`);
      seen.add(id);
    }
    assert.equal(seen.size, 20);
    for (let n = 19; n >= 0; n -= 1) {
      await router.send([`dealer-${n}`, `to ${n}`]);
    }
    for (let n = 0; n < 20; n += 1) {
      assert.deepEqual(await dealers[n]?.receiveTexts(), [`to ${n}`]);
    }
    router.sendTimeout = 0;
    await assert.rejects(() => router.send(["nobody", "x"]), {
      code: "EHOSTUNREACH",
    });
  },
  { skip },
);

scenario(
  "a ROUTER of ours gives each libzmq DEALER without a name one of its own",
  async (s) => {
    const peer = s.libzmq();
    const router = s.open(Router);
    const endpoint = await s.bind(router, "tcp");
    const ids = new Set<string>();
    for (let n = 0; n < 5; n += 1) {
      const dealer = await peer.open("Dealer");
      await dealer.connect(endpoint);
      await dealer.send([`${n}`]);
      const [id] = await router.receive();
      assert.equal(id?.length, 5);
      assert.equal(id[0], 0);
      ids.add(String(Array.from(id)));
      await router.send([id, `answer ${n}`]);
      assert.deepEqual(await dealer.receiveTexts(), [`answer ${n}`]);
    }
    assert.equal(ids.size, 5);
  },
  { skip },
);

for (const ours of ["publisher", "subscriber"] as const) {
  scenario(
    `100,000 messages without a high-water mark, our ${ours} and libzmq's`,
    async (s) => {
      const peer = s.libzmq();
      const size = 32;
      const plan = { from: 0, count: COUNT, size };
      if (ours === "publisher") {
        const pub = s.open(Publisher, { sendHighWaterMark: 0 });
        const sub = await peer.open("Subscriber", { receiveHighWaterMark: 0 });
        await sub.subscribe("");
        await sub.connect(await s.bind(pub, "tcp"));
        let first: unknown;
        const probe = sub.receive().then((parts) => first = parts);
        await until(async () => {
          await pub.send("probe");
          return first !== undefined;
        }, "the subscription");
        await probe;
        await pub.send("last probe");
        await until(
          async () => (await sub.receiveTexts())[0] === "last probe",
          "the end of the probes",
        );
        const received = sub.receiveNumbered(plan);
        for (let n = 0; n < COUNT; n += 1) {
          await pub.send(numberedBody(n, size));
        }
        assert.equal(await received, COUNT);
        return;
      }
      const pub = await peer.open("XPublisher", { sendHighWaterMark: 0 });
      const sub = s.open(Subscriber, { receiveHighWaterMark: 0 });
      sub.subscribe();
      sub.connect(await pub.bind("tcp://127.0.0.1:*"));
      assert.deepEqual(await pub.receiveTexts(), ["\x01"]);
      const sent = pub.sendNumbered(plan);
      for (let n = 0; n < COUNT; n += 1) {
        checkNumbered((await sub.receive())[0], n, size);
      }
      await sent;
    },
    { skip, timeoutMs: 90_000 },
  );
}

scenario(
  "a libzmq PULL that does not read makes our PUSH wait, and loses nothing",
  async (s) => {
    const peer = s.libzmq();
    const size = 65_536;
    const pull = await peer.open("Pull", { receiveHighWaterMark: 10 });
    const push = s.open(Push, { sendHighWaterMark: 10 });
    await pull.connect(await s.bind(push, "tcp"));
    // The first one waits for the connection.
    await push.send(numberedBody(0, size));
    push.sendTimeout = 250;
    let count = 1;
    await assert.rejects(async () => {
      for (; count < 5000; count += 1) {
        await push.send(numberedBody(count, size));
      }
    }, { code: "EAGAIN" });
    assert.ok(count >= 10, `only ${count} messages went`);
    const received = pull.receiveNumbered({ from: 0, count: count + 1, size });
    push.sendTimeout = 10_000;
    await push.send(numberedBody(count, size));
    assert.equal(await received, count + 1);
  },
  { skip },
);

scenario(
  "our PULL that does not read makes libzmq's PUSH wait, and loses nothing",
  async (s) => {
    const peer = s.libzmq();
    const size = 65_536;
    const push = await peer.open("Push", { sendHighWaterMark: 10 });
    const pull = s.open(Pull, { receiveHighWaterMark: 10 });
    await push.connect(await s.bind(pull, "tcp"));
    // Read one, so that the connection is known to stand.
    await push.sendNumbered({ from: 0, count: 1, size });
    checkNumbered((await pull.receive())[0], 0, size);
    const sent = await push.fill({ from: 1, limit: 5000, size, patience: 250 });
    assert.ok(sent >= 10 && sent < 5000, `${sent} messages went`);
    for (let n = 1; n <= sent; n += 1) {
      checkNumbered((await pull.receive())[0], n, size);
    }
    await push.sendNumbered({ from: sent + 1, count: 1, size });
    checkNumbered((await pull.receive())[0], sent + 1, size);
  },
  { skip },
);

scenario(
  "a libzmq peer that comes back after its end gets subscriptions again",
  async (s) => {
    const peer = s.libzmq();
    const address = `ipc://${s.folder()}/pub`;
    const sub = s.open(Subscriber, { reconnectInterval: 10 });
    sub.subscribe("a", "b");
    sub.connect(address);
    for (let round = 0; round < 3; round += 1) {
      const pub = await peer.open("XPublisher");
      // A pending receive is what makes the socket notice the new connection.
      const receiving = receiveTexts(sub);
      await pub.bind(address);
      const topics = [await pub.receiveTexts(), await pub.receiveTexts()];
      assert.deepEqual(topics.flat().sort(), ["\x01a", "\x01b"]);
      await pub.send([`a${round}`, "x"]);
      assert.deepEqual(await receiving, [`a${round}`, "x"]);
      await pub.close();
    }
  },
  { skip },
);
