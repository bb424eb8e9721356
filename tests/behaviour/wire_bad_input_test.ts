// Bytes that no peer should send: they close their own connection, whatever
// our role in it, and a good peer of the same socket goes on undisturbed.
import assert from "node:assert/strict";
import process from "node:process";
import { Dealer, Pull, Push, Router, XPublisher } from "../../mod.ts";
import { fromHex } from "../support/content.ts";
import { expectMessage, expectNothing } from "../support/messages.ts";
import {
  bytes,
  COMMAND,
  command,
  frame,
  greeting,
  LONG,
  message,
  MORE,
  property,
  RawPeer,
  RawServer,
  ready,
  size64,
} from "../support/raw_zmtp.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { seededRandom } from "../support/seed.ts";
import { until } from "../support/wait.ts";

/** What is wrong, by name, and how far the peer behaves before. */
interface Attack {
  name: string;
  /** "nothing": the bytes come first. Else they follow greeting or READY. */
  after: "nothing" | "greeting" | "ready";
  data: Uint8Array;
}

const HUGE = [2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n, 2n ** 53n];

function greetings(): Attack[] {
  const rows: [string, Uint8Array][] = [
    ["an HTTP request", bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["an SSH banner", bytes("SSH-2.0-OpenSSH_9.6\r\n")],
    ["a TLS hello", fromHex("160301020001000001fc0303")],
    ["64 zeros", new Uint8Array(64)],
    ["64 times 0x7f", new Uint8Array(64).fill(0x7f)],
    ["64 times 0xff", new Uint8Array(64).fill(0xff)],
    ["a ZMTP 1.0 anonymous peer", fromHex("0100 0100")],
    ["a ZMTP 1.0 long frame", fromHex("ff 0000000000000001 00 00")],
    ["signature end 0x7e", greeting({ change: { 9: 0x7e } })],
    ["signature end 0x01", greeting({ change: { 9: 0x01 } })],
    ["version 0", greeting({ major: 0 })],
    ["version 1", greeting({ major: 1 })],
    ["version 2", greeting({ major: 2 })],
    ["mechanism PLAIN", greeting({ mechanism: "PLAIN" })],
    ["mechanism CURVE", greeting({ mechanism: "CURVE" })],
    ["mechanism null", greeting({ mechanism: "null" })],
    ["mechanism NULLX", greeting({ mechanism: "NULLX" })],
    ["mechanism NUL", greeting({ mechanism: "NUL" })],
    ["no mechanism", greeting({ mechanism: "" })],
    ["mechanism with a tail", greeting({ change: { 31: 0x41 } })],
    ["as-server 1 with NULL", greeting({ asServer: 1 })],
    ["as-server 2", greeting({ asServer: 2 })],
    ["filler at 33", greeting({ change: { 33: 1 } })],
    ["filler at 63", greeting({ change: { 63: 1 } })],
  ];
  return rows.map(([name, data]) => ({ name, after: "nothing", data }));
}

const TYPE = property("Socket-Type", "PUSH");
const MANY = Array.from({ length: 65 }, (_, n) => property(`X-${n}`, ""));

/** A property whose value's length is a lie. */
function lyingProperty(length: number): Uint8Array {
  const data = property("X-Lie", "abc");
  new DataView(data.buffer).setUint32(6, length);
  return data;
}

function handshakes(): Attack[] {
  const rows: [string, Uint8Array][] = [
    ["a message instead of READY", message("hello")],
    ["an empty message instead of READY", message("")],
    ["reserved bit 0x08 on READY", ready("PUSH").with(0, 0x0c)],
    ["reserved bit 0x80 on READY", ready("PUSH").with(0, 0x84)],
    ["MORE on READY", ready("PUSH").with(0, COMMAND | MORE)],
    ["a command without octets", bytes(COMMAND, 0)],
    ["a command of one octet", bytes(COMMAND, 1, 0)],
    ["a command without a name", bytes(COMMAND, 6, 0, "READY")],
    ["a name longer than its command", bytes(COMMAND, 6, 200, "READY")],
    ["an unknown command", command("XREADY", TYPE)],
    ["HELLO", command("HELLO", "user")],
    ["INITIATE", command("INITIATE", TYPE)],
    ["SUBSCRIBE before READY", command("SUBSCRIBE", "x")],
    ["PING before READY", command("PING", 0, 0)],
    ["ERROR", command("ERROR", 3, "why")],
    ["a malformed ERROR", command("ERROR", 30, "why")],
    ["READY without properties", command("READY")],
    ["READY without Socket-Type", command("READY", property("X-a", "b"))],
    ["an empty Socket-Type", ready("")],
    ["Socket-Type PUB", ready("PUB")],
    ["Socket-Type PULL", ready("PULL")],
    ["Socket-Type push", ready("push")],
    ["Socket-Type NONSENSE", ready("NONSENSE")],
    ["a Socket-Type of 4000 octets", ready("P".repeat(4000))],
    ["two Socket-Types", command("READY", TYPE, TYPE)],
    [
      "two Socket-Types in two spellings",
      command("READY", TYPE, property("socket-type", "PUSH")),
    ],
    ["a property without a name", command("READY", TYPE, 0, 0, 0, 0, 0)],
    ["a name that overruns", command("READY", TYPE, 200, "X-a")],
    ["a value's length cut off", command("READY", TYPE, 3, "X-a", 0, 0)],
    ["a value that overruns by one", command("READY", TYPE, lyingProperty(4))],
    ["a value of 2^31-1", command("READY", TYPE, lyingProperty(0x7fffffff))],
    ["a value of 2^31", command("READY", TYPE, lyingProperty(0x80000000))],
    ["a value of 2^32-1", command("READY", TYPE, lyingProperty(0xffffffff))],
    ["octets behind the last property", command("READY", TYPE, 0)],
    ["a blank in a name", command("READY", TYPE, property("X a", ""))],
    ["65 properties and a type", command("READY", ...MANY, TYPE)],
    ["a READY of more than 8 KiB", bytes(COMMAND | LONG, size64(8193n))],
    ...HUGE.map((size): [string, Uint8Array] => [
      `a READY of ${size} octets`,
      bytes(COMMAND | LONG, size64(size)),
    ]),
  ];
  return rows.map(([name, data]) => ({ name, after: "greeting", data }));
}

function traffic(): Attack[] {
  const rows: [string, Uint8Array][] = [
    ...[0x08, 0x10, 0x20, 0x40, 0x80, 0xf8, 0xff].map((
      flags,
    ): [string, Uint8Array] => [
      `flags 0x${flags.toString(16)}`,
      bytes(flags, 4, "body"),
    ]),
    ["reserved bits on a long frame", bytes(0x42, size64(4n), "body")],
    ["reserved bits behind MORE", bytes(frame(MORE, "a"), 0x80, 1, "b")],
    ["MORE on a command", bytes(COMMAND | MORE, 5, 4, "PING")],
    ["a command without octets", bytes(COMMAND, 0)],
    ["a command of one octet", bytes(COMMAND, 1, 0)],
    ["a command without a name", bytes(COMMAND, 5, 0, "PING")],
    ["a name longer than its command", bytes(COMMAND, 5, 250, "PING")],
    ["a PING without time-to-live", command("PING")],
    ["a PING with half a time-to-live", command("PING", 0)],
    ["a PING with 17 octets of context", command("PING", 0, 0, "x".repeat(17))],
    ["a command of 2^40 octets", bytes(COMMAND | LONG, size64(2n ** 40n))],
    ...HUGE.slice(0, 2).map((size): [string, Uint8Array] => [
      `a message of ${size} octets`,
      bytes(LONG, size64(size)),
    ]),
    [
      "a message of 2^63 octets behind MORE",
      bytes(frame(MORE, "a"), LONG, size64(2n ** 63n)),
    ],
  ];
  return rows.map(([name, data]) => ({ name, after: "ready", data }));
}

async function commit(peer: RawPeer, attack: Attack): Promise<void> {
  if (attack.after !== "nothing") {
    peer.write(greeting());
    await peer.read(64);
  }
  if (attack.after === "ready") {
    peer.write(ready("PUSH"));
    await peer.readFrame();
  }
  peer.write(attack.data);
}

/** A peer that behaves, and shows that it is served. */
class GoodPeer {
  #peer: RawPeer;
  #pull: Pull;
  #sent = 0;

  constructor(peer: RawPeer, pull: Pull) {
    this.#peer = peer;
    this.#pull = pull;
  }

  /** One message through; also proof that nothing else was delivered. */
  async works(): Promise<void> {
    this.#sent += 1;
    this.#peer.write(message("good", `${this.#sent}`));
    await expectMessage(this.#pull, "good", `${this.#sent}`);
  }
}

async function goodPeer(
  s: Scenario,
  pull: Pull,
  endpoint: string,
): Promise<GoodPeer> {
  const peer = await RawPeer.connect(endpoint);
  s.defer(() => peer.close());
  await peer.handshake("PUSH");
  const good = new GoodPeer(peer, pull);
  await good.works();
  return good;
}

for (
  const [stage, attacks] of [
    ["greeting", greetings()],
    ["handshake", handshakes()],
    ["traffic", traffic()],
  ] as const
) {
  scenario(
    `a bound socket closes each connection with bad ${stage}`,
    async (s) => {
      const pull = s.open(Pull);
      const endpoint = await s.bind(pull, "tcp");
      const good = await goodPeer(s, pull, endpoint);
      const survived: string[] = [];
      for (const attack of attacks) {
        const peer = await RawPeer.connect(endpoint);
        await commit(peer, attack);
        try {
          await peer.closed(attack.name, 2000);
        } catch {
          survived.push(attack.name);
        }
        peer.close();
        await good.works();
      }
      assert.deepEqual(survived, []);
      await expectNothing(pull);
    },
    { timeoutMs: 180_000 },
  );

  scenario(
    `a connected socket closes each connection with bad ${stage}`,
    async (s) => {
      const server = await RawServer.listen();
      s.defer(() => server.close());
      const survived: string[] = [];
      for (const attack of attacks) {
        const pull = s.open(Pull);
        const good = await goodPeer(s, pull, await s.bind(pull, "tcp"));
        pull.connect(server.endpoint);
        const peer = await server.accept();
        await commit(peer, attack);
        try {
          await peer.closed(attack.name, 2000);
        } catch {
          survived.push(attack.name);
        }
        await good.works();
        await expectNothing(pull);
        pull.close();
      }
      assert.deepEqual(survived, []);
    },
    { timeoutMs: 180_000 },
  );
}

scenario("what came whole before the bad frame is delivered", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "tcp");
  const peer = await RawPeer.connect(endpoint);
  await peer.handshake("PUSH");
  peer.write(message("one"), message("two", "parts"), 0x80, 1, "x");
  await peer.closed("the bad peer");
  await expectMessage(pull, "one");
  await expectMessage(pull, "two", "parts");
  await expectNothing(pull);
  peer.close();
});

scenario("a wrong socket type is told so in an ERROR", async (s) => {
  const pull = s.open(Pull);
  const peer = await RawPeer.connect(await s.bind(pull, "tcp"));
  s.defer(() => peer.close());
  peer.write(greeting(), ready("SUB"));
  await peer.read(64);
  assert.equal((await peer.readFrame()).flags, COMMAND);
  const { flags, body } = await peer.readFrame();
  assert.equal(flags, COMMAND);
  assert.equal(new TextDecoder().decode(body.subarray(1, 6)), "ERROR");
  assert.equal(body[6], body.length - 7);
  await peer.closed("the peer");
});

scenario(
  "a ROUTER refuses Identities that are too long or begin with zero",
  async (s) => {
    const router = s.open(Router);
    const endpoint = await s.bind(router, "tcp");
    for (const identity of ["x".repeat(256), "\x00abcd"]) {
      const peer = await RawPeer.connect(endpoint);
      peer.write(greeting(), ready("DEALER", identity), message("let me in"));
      await peer.closed("the peer");
      peer.close();
    }
    const peer = await RawPeer.connect(endpoint);
    s.defer(() => peer.close());
    await peer.handshake("DEALER", { identity: "good" });
    peer.write(message("hello"));
    await expectMessage(router, "good", "hello");
  },
);

scenario(
  "maxMessageSize closes at the header, exactly above the limit",
  async (s) => {
    const pull = s.open(Pull, { maxMessageSize: 300 });
    const endpoint = await s.bind(pull, "tcp");
    for (const size of [301, 1000, 1 << 30]) {
      const peer = await RawPeer.connect(endpoint);
      await peer.handshake("PUSH");
      peer.write(LONG, size64(BigInt(size)));
      await peer.closed(`the peer of ${size} octets`);
      peer.close();
    }
    const peer = await RawPeer.connect(endpoint);
    s.defer(() => peer.close());
    await peer.handshake("PUSH");
    peer.write(message("x".repeat(300)));
    await expectMessage(pull, "x".repeat(300));
    // Each part counts for itself.
    peer.write(message("y".repeat(300), "z".repeat(300)));
    await expectMessage(pull, "y".repeat(300), "z".repeat(300));
  },
);

scenario("size bombs without a body cost no memory", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "tcp");
  const good = await goodPeer(s, pull, endpoint);
  const before = process.memoryUsage.rss();
  const peers: RawPeer[] = [];
  for (let n = 0; n < 100; n += 1) {
    const peer = await RawPeer.connect(endpoint);
    peers.push(peer);
    await peer.handshake("PUSH");
    peer.write(
      LONG,
      size64(2n ** BigInt(28 + (n % 3))),
      new Uint8Array(100),
    );
  }
  for (const peer of peers) assert.equal(peer.ended, false);
  await good.works();
  const grown = process.memoryUsage.rss() - before;
  // A gigabyte was announced by each third of them, 64 KiB is what each may
  // cost, and the runtime takes some for itself.
  assert.ok(grown < 100 * 1024 * 1024, `grew by ${grown} bytes`);
  for (const peer of peers) peer.close();
});

scenario(
  "silent and slow peers are closed when the handshake's time is up",
  async (s) => {
    const pull = s.open(Pull, { handshakeInterval: 300 });
    const endpoint = await s.bind(pull, "tcp");
    const good = await goodPeer(s, pull, endpoint);
    const start = performance.now();
    const silent = await RawPeer.connect(endpoint);
    const greeted = await RawPeer.connect(endpoint);
    greeted.write(greeting());
    const dripping = await RawPeer.connect(endpoint);
    let at = 0;
    await until(() => {
      // An octet now and then must not buy more time.
      if (at < 60) dripping.write(greeting().subarray(at, at + 1));
      at += 1;
      return silent.ended && greeted.ended && dripping.ended;
    }, "all three to be closed");
    const took = performance.now() - start;
    assert.ok(took > 250 && took < 5000, `took ${took} ms`);
    // Those whose handshake was in time have all the time they like.
    await good.works();
    for (const peer of [silent, greeted, dripping]) peer.close();
  },
);

scenario(
  "test_stream_timeout: a silent server is left when the handshake's time is up",
  async (s) => {
    const server = await RawServer.listen();
    s.defer(() => server.close());
    const pull = s.open(Pull, {
      handshakeInterval: 200,
      reconnectInterval: 10,
    });
    pull.connect(server.endpoint);
    const silent = await server.accept();
    await silent.closed("the silent server");
    // And it tries again.
    const peer = await server.accept();
    await peer.handshake("PUSH");
    peer.write(message("hello"));
    await expectMessage(pull, "hello");
  },
);

scenario(
  "handshakeInterval is 30 seconds by default, 0 turns it off",
  async (s) => {
    assert.equal(s.open(Pull).handshakeInterval, 30_000);
    const pull = s.open(Pull, { handshakeInterval: 0 });
    const peer = await RawPeer.connect(await s.bind(pull, "tcp"));
    s.defer(() => peer.close());
    peer.write(greeting());
    await peer.read(64);
    assert.equal(peer.ended, false);
    peer.write(ready("PUSH"), message("late"));
    await expectMessage(pull, "late");
  },
);

scenario(
  "a connected socket tries again after bad input and finds a good peer",
  async (s) => {
    const server = await RawServer.listen();
    s.defer(() => server.close());
    const dealer = s.open(Dealer, { reconnectInterval: 10 });
    dealer.connect(server.endpoint);
    await dealer.send("kept");
    for (let n = 0; n < 3; n += 1) {
      const peer = await server.accept();
      peer.close();
    }
    const peer = await server.accept();
    await peer.handshake("DEALER");
    assert.deepEqual(await peer.readTexts(), ["kept"]);
    peer.write(message("answer"));
    await expectMessage(dealer, "answer");
  },
);

scenario(
  "ten thousand PINGs that nobody reads the PONGs of stay bounded",
  async (s) => {
    const pull = s.open(Pull);
    const endpoint = await s.bind(pull, "tcp");
    const good = await goodPeer(s, pull, endpoint);
    const peer = await RawPeer.connect(endpoint);
    s.defer(() => peer.close());
    await peer.handshake("PUSH");
    peer.socket.pause();
    const ping = command("PING", 0, 0, "sixteen octets!!");
    const pings = bytes(...Array.from({ length: 1000 }, () => ping));
    const before = process.memoryUsage.rss();
    for (let n = 0; n < 100; n += 1) peer.write(pings);
    for (let n = 0; n < 20; n += 1) await good.works();
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 64 * 1024 * 1024, `grew by ${grown} bytes`);
    // When it reads again, it is served again: the last PONG may be any of them.
    peer.socket.resume();
    const { body } = await peer.readFrame();
    assert.equal(new TextDecoder().decode(body.subarray(1, 5)), "PONG");
  },
);

scenario(
  "a message of a hundred thousand parts arrives whole, or its peer goes",
  async (s) => {
    const pull = s.open(Pull);
    const endpoint = await s.bind(pull, "tcp");
    const good = await goodPeer(s, pull, endpoint);
    const peer = await RawPeer.connect(endpoint);
    s.defer(() => peer.close());
    await peer.handshake("PUSH");
    const COUNT = 100_000;
    const part = frame(MORE, "p");
    const parts = bytes(...Array.from({ length: 1000 }, () => part));
    for (let n = 0; n < COUNT / 1000; n += 1) peer.write(parts);
    peer.write(frame(0, "end"));
    const received = await pull.receive();
    assert.equal(received.length, COUNT + 1);
    await good.works();
  },
);

scenario(
  "subscriptions that are too long, or from strangers, harm nobody",
  async (s) => {
    const pub = s.open(XPublisher);
    const endpoint = await s.bind(pub, "tcp");
    const good = await RawPeer.connect(endpoint);
    s.defer(() => good.close());
    await good.handshake("SUB");
    good.write(command("SUBSCRIBE", "good"));
    await expectMessage(pub, "\x01good");
    const long = await RawPeer.connect(endpoint);
    await long.handshake("SUB");
    long.write(COMMAND | LONG, size64(1n << 30n), 9, "SUBSCRIBE");
    await long.closed("the subscriber to a gigabyte");
    const cancels = await RawPeer.connect(endpoint);
    await cancels.handshake("SUB");
    cancels.write(command("CANCEL", "good"), command("CANCEL", "never"));
    cancels.write(command("SUBSCRIBE", "mine"));
    await expectMessage(pub, "\x01mine");
    cancels.close();
    await expectMessage(pub, "\x00mine");
    await pub.send("good still");
    assert.deepEqual(await good.readTexts(), ["good still"]);
    await expectNothing(pub);
    long.close();
  },
);

scenario("a PUSH that is sent messages drops them", async (s) => {
  const push = s.open(Push);
  const peer = await RawPeer.connect(await s.bind(push, "tcp"));
  s.defer(() => peer.close());
  await peer.handshake("PULL");
  const junk = message("x".repeat(1000));
  const before = process.memoryUsage.rss();
  for (let n = 0; n < 5000 && !peer.ended; n += 1) peer.write(junk);
  if (!peer.ended) {
    await push.send("hello");
    assert.deepEqual(await peer.readTexts(), ["hello"]);
  }
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 100 * 1024 * 1024, `grew by ${grown} bytes`);
});

scenario("random bytes at each stage harm nobody", async (s) => {
  const random = seededRandom("random bytes to a bound socket");
  const pull = s.open(Pull, { maxMessageSize: 100_000 });
  const endpoint = await s.bind(pull, "tcp");
  const good = await RawPeer.connect(endpoint);
  s.defer(() => good.close());
  await good.handshake("PUSH");
  const tokens = [
    greeting(),
    ready("PUSH"),
    message("m"),
    frame(MORE, "part"),
    command("PING", 0, 0),
    command("SUBSCRIBE", "s"),
    bytes(LONG, size64(100_000n)),
    bytes(COMMAND | LONG, size64(70_000n)),
  ];
  for (let round = 0; round < 300; round += 1) {
    const peer = await RawPeer.connect(endpoint);
    const pieces: Uint8Array[] = [];
    const stage = random.below(3);
    if (stage > 0) pieces.push(greeting());
    if (stage > 1) pieces.push(ready("PUSH"));
    const count = random.between(1, 6);
    for (let n = 0; n < count; n += 1) {
      const piece = random.chance(0.5)
        ? random.bytes(random.between(1, 100))
        : Uint8Array.from(random.pick(tokens));
      if (random.chance(0.3)) {
        piece[random.below(piece.length)] = random.below(256);
      }
      pieces.push(piece);
    }
    await peer.writeAll(bytes(...pieces));
    peer.close();
    good.write(message("good", `${round}`));
    // The strangers' accidental messages are not ours to judge.
    await until(async () => {
      const parts = (await pull.receive()).map((part) =>
        new TextDecoder().decode(Uint8Array.from(part))
      );
      return parts[0] === "good" && parts[1] === `${round}`;
    }, `message ${round} of the good peer`);
  }
}, { timeoutMs: 120_000 });
