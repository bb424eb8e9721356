// What our sockets say and understand on the wire, byte by byte.
import assert from "node:assert/strict";
import {
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
import { fromHex, toHex } from "../support/content.ts";
import {
  expectMessage,
  expectNothing,
  poke,
  receiveTexts,
} from "../support/messages.ts";
import {
  bytes,
  COMMAND,
  command,
  frame,
  greeting,
  message,
  MORE,
  property,
  RawPeer,
  RawServer,
  ready,
} from "../support/raw_zmtp.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

/** A raw peer connected to a bound socket of ours. */
async function rawClient(s: Scenario, socket: Socket): Promise<RawPeer> {
  const peer = await RawPeer.connect(await s.bind(socket, "tcp"));
  s.defer(() => peer.close());
  return peer;
}

/** A raw server that a socket of ours connects to. */
async function rawServer(s: Scenario, socket: Socket): Promise<RawPeer> {
  const server = await RawServer.listen();
  s.defer(() => server.close());
  socket.connect(server.endpoint);
  return await server.accept();
}

const GREETING = "ff0000000000000000 7f 03 01 4e554c4c" + "00".repeat(16) +
  "00" + "00".repeat(31);

type SocketClass = new (options?: Record<string, unknown>) => Socket;

/** READY of each type as it goes over the wire. */
const READIES = [
  [Pair, "PAIR", false],
  [Publisher, "PUB", false],
  [Subscriber, "SUB", false],
  [Request, "REQ", true],
  [Reply, "REP", false],
  [Dealer, "DEALER", true],
  [Router, "ROUTER", true],
  [Pull, "PULL", false],
  [Push, "PUSH", false],
  [XPublisher, "XPUB", false],
  [XSubscriber, "XSUB", false],
] as const;

const PEER_OF: Record<string, string> = {
  PAIR: "PAIR",
  PUB: "SUB",
  SUB: "PUB",
  REQ: "REP",
  REP: "REQ",
  DEALER: "DEALER",
  ROUTER: "ROUTER",
  PULL: "PUSH",
  PUSH: "PULL",
  XPUB: "XSUB",
  XSUB: "XPUB",
};

for (const [make, name, named] of READIES) {
  for (const role of ["bound", "connected"] as const) {
    scenario(
      `golden bytes: the greeting and READY of a ${role} ${name}`,
      async (s) => {
        const socket = s.open<Socket>(make as SocketClass);
        const peer = role === "bound"
          ? await rawClient(s, socket)
          : await rawServer(s, socket);
        // Ten octets come unasked; the rest at the latest after the peer's.
        const signature = await peer.read(10);
        assert.equal(toHex(signature.subarray(0, 1)), "ff");
        assert.equal(toHex(signature.subarray(9, 10)), "7f");
        peer.write(greeting());
        const rest = await peer.read(54);
        assert.deepEqual(rest, fromHex(GREETING).subarray(10));
        const { flags, body } = await peer.readFrame();
        assert.equal(flags, COMMAND);
        const identity = named ? property("Identity", "") : "";
        assert.equal(
          toHex(body),
          toHex(bytes(5, "READY", property("Socket-Type", name), identity)),
        );
        peer.write(ready(PEER_OF[name] ?? ""));
        assert.equal(peer.ended, false);
      },
    );
  }
}

scenario("golden bytes: a routing id travels as Identity", async (s) => {
  const peer = await rawClient(s, s.open(Dealer, { routingId: "me" }));
  const { body } = await peer.handshake("ROUTER");
  assert.equal(
    toHex(body),
    toHex(bytes(
      5,
      "READY",
      property("Socket-Type", "DEALER"),
      property("Identity", "me"),
    )),
  );
});

scenario("golden bytes: messages of each frame form", async (s) => {
  const push = s.open(Push);
  const peer = await rawClient(s, push);
  await peer.handshake("PULL");
  await push.send("");
  await push.send("hello");
  await push.send(["a", "", "b"]);
  await push.send("x".repeat(255));
  await push.send("y".repeat(256));
  const expected = bytes(
    fromHex("0000"),
    fromHex("0005"),
    "hello",
    fromHex("0101"),
    "a",
    fromHex("0100"),
    fromHex("0001"),
    "b",
    fromHex("00ff"),
    "x".repeat(255),
    fromHex("02 0000000000000100"),
    "y".repeat(256),
  );
  assert.equal(toHex(await peer.read(expected.length)), toHex(expected));
});

scenario(
  "golden bytes: REQ sends an empty delimiter, correlate a number before it",
  async (s) => {
    const req = s.open(Request);
    const peer = await rawClient(s, req);
    await peer.handshake("REP");
    await req.send("question");
    const expected = bytes(fromHex("0100 0008"), "question");
    assert.equal(toHex(await peer.read(expected.length)), toHex(expected));
    peer.write(message("", "answer"));
    await expectMessage(req, "answer");

    const other = s.open(Request, { correlate: true });
    const second = await rawClient(s, other);
    await second.handshake("REP");
    await other.send("question");
    const id = await second.readFrame();
    assert.equal(id.flags, MORE);
    assert.equal(id.body.length, 4);
    assert.deepEqual(await second.readTexts(), ["", "question"]);
    second.write(frame(MORE, id.body), message("", "answer"));
    await expectMessage(other, "answer");
  },
);

for (const minor of [0, 1]) {
  const version = `3.${minor}`;

  scenario(
    `test_mock_pub_sub: a ${version} publisher gets subscriptions in its own form`,
    async (s) => {
      const sub = s.open(Subscriber);
      const peer = await rawClient(s, sub);
      await peer.handshake("PUB", { minor });
      const long = "t".repeat(300);
      const form = (name: "SUBSCRIBE" | "CANCEL", topic: string): Uint8Array =>
        minor === 1
          ? command(name, topic)
          : frame(0, bytes(name === "SUBSCRIBE" ? 1 : 0, topic));
      sub.subscribe("topic");
      // A bound socket learns of the connection when it is looked at.
      const first = form("SUBSCRIBE", "topic");
      let got: Uint8Array | undefined;
      const reading = peer.read(first.length).then((data) => got = data);
      await until(() => (poke(sub), got !== undefined), "the subscription");
      assert.equal(toHex(await reading), toHex(first));
      sub.subscribe(long);
      sub.unsubscribe("topic");
      const rest = bytes(form("SUBSCRIBE", long), form("CANCEL", "topic"));
      assert.equal(toHex(await peer.read(rest.length)), toHex(rest));
      peer.write(message("topic", "cancelled"), message(long, "body"));
      await expectMessage(sub, long, "body");
    },
  );

  scenario(
    `test_mock_pub_sub: a ${version} subscriber may use either form`,
    async (s) => {
      const pub = s.open(XPublisher);
      const peer = await rawClient(s, pub);
      await peer.handshake("SUB", { minor });
      for (
        const [subscribe, cancel] of [
          [command("SUBSCRIBE", "A"), command("CANCEL", "A")],
          [frame(0, "\x01A"), frame(0, "\x00A")],
        ] as const
      ) {
        peer.write(subscribe);
        await expectMessage(pub, "\x01A");
        await pub.send("B");
        await pub.send(["A", "yes"]);
        assert.deepEqual(await peer.readTexts(), ["A", "yes"]);
        peer.write(cancel);
        await expectMessage(pub, "\x00A");
      }
    },
  );

  scenario(
    `a ${version} peer's PING gets its PONG with the same context`,
    async (s) => {
      const pull = s.open(Pull);
      const peer = await rawClient(s, pull);
      await peer.handshake("PUSH", { minor });
      for (const context of ["", "x", "sixteen octets!!"]) {
        peer.write(command("PING", 0, 10, context));
        const { flags, body } = await peer.readFrame();
        assert.equal(flags, COMMAND);
        assert.equal(toHex(body), toHex(bytes(4, "PONG", context)));
      }
      // Between the frames of a message, too, and the message stays whole.
      peer.write(
        frame(MORE, "first"),
        command("PING", 0, 0, "mid"),
        frame(0, "second"),
      );
      assert.equal(
        toHex((await peer.readFrame()).body),
        toHex(bytes(4, "PONGmid")),
      );
      await expectMessage(pull, "first", "second");
    },
  );
}

scenario(
  "test_mock_pub_sub: subscriptions sent before the connection come first",
  async (s) => {
    for (const minor of [0, 1]) {
      const sub = s.open(Subscriber);
      sub.subscribe("early");
      const peer = await rawServer(s, sub);
      await peer.handshake("XPUB", { minor });
      const { flags, body } = await peer.readFrame();
      assert.equal(flags, minor === 1 ? COMMAND : 0);
      assert.equal(
        toHex(body),
        toHex(minor === 1 ? bytes(9, "SUBSCRIBEearly") : bytes(1, "early")),
      );
    }
  },
);

scenario("a ROUTER takes a peer's Identity of 1 to 255 octets", async (s) => {
  const router = s.open(Router);
  const endpoint = await s.bind(router, "tcp");
  for (const identity of ["i", "a".repeat(255)]) {
    const peer = await RawPeer.connect(endpoint);
    s.defer(() => peer.close());
    await peer.handshake("DEALER", { identity });
    peer.write(message("hello"));
    await expectMessage(router, identity, "hello");
    await router.send([identity, "back"]);
    assert.deepEqual(await peer.readTexts(), ["back"]);
  }
});

for (
  const [name, parts] of [
    ["3.2", { minor: 2 }],
    ["3.255", { minor: 255 }],
    ["4.0", { major: 4, minor: 0 }],
    ["4.0 with a filler in use", { major: 4, minor: 0, change: { 63: 7 } }],
    ["255.255", { major: 255, minor: 255 }],
    ["another signature padding", { change: { 1: 1, 5: 99, 8: 255 } }],
  ] as const
) {
  scenario(`a greeting of ${name} is accepted`, async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    await peer.handshake("PUSH", parts);
    peer.write(message("hello"));
    await expectMessage(pull, "hello");
  });
}

const OTHER = property("X-Other", "whatever");
for (
  const [name, data] of [
    ["in upper case", command("READY", property("SOCKET-TYPE", "PUSH"))],
    [
      "with properties of its own",
      command(
        "READY",
        OTHER,
        property("Socket-Type", "PUSH"),
        property("X-Empty", ""),
      ),
    ],
    ["with an Identity that its type does not use", ready("PUSH", "\x00id")],
    [
      "in a long frame although it is short",
      bytes(
        COMMAND | 2,
        fromHex("000000000000001a"),
        5,
        "READY",
        property("Socket-Type", "PUSH"),
      ),
    ],
  ] as const
) {
  scenario(`a READY ${name} is accepted`, async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    peer.write(greeting(), data);
    await peer.read(64);
    await peer.readFrame();
    peer.write(message("hello"));
    await expectMessage(pull, "hello");
  });
}

for (
  const [name, data] of [
    ["an unknown command", command("FOOBAR", "data")],
    ["a PONG that nobody asked for", command("PONG", "ctx")],
    [
      "a short message in a long frame",
      bytes(2, fromHex("0000000000000002"), "ok"),
    ],
  ] as const
) {
  scenario(`${name} does no harm`, async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    await peer.handshake("PUSH");
    peer.write(message("before"), data, message("after"));
    await expectMessage(pull, "before");
    if (name.startsWith("a short")) await expectMessage(pull, "ok");
    await expectMessage(pull, "after");
    assert.equal(peer.ended, false);
  });
}

/** A short conversation of a PUSH peer with our PULL, in one piece. */
const TRACE = bytes(
  greeting(),
  ready("PUSH"),
  message("", "a", "xyz"),
  command("PING", 0, 0, "p"),
  message("b".repeat(260)),
  message("end"),
);

async function expectTrace(pull: Pull): Promise<void> {
  await expectMessage(pull, "", "a", "xyz");
  await expectMessage(pull, "b".repeat(260));
  await expectMessage(pull, "end");
}

scenario(
  "a stream that comes one octet at a time means the same",
  async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    for (const octet of TRACE) await peer.writeAll(Uint8Array.of(octet));
    await expectTrace(pull);
  },
);

scenario(
  "a stream in one piece, before we greeted, means the same",
  async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    peer.write(TRACE);
    await expectTrace(pull);
  },
);

scenario("a stream cut at any one place means the same", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "tcp");
  for (let cut = 1; cut < TRACE.length; cut += 1) {
    const peer = await RawPeer.connect(endpoint);
    await peer.writeAll(TRACE.subarray(0, cut));
    // What we have answered shows how far we have read.
    if (cut >= 64) await peer.read(64);
    await peer.writeAll(TRACE.subarray(cut));
    await expectTrace(pull);
    peer.close();
  }
}, { timeoutMs: 120_000 });

scenario("frames cut at any two places mean the same", async (s) => {
  const trace = bytes(
    message("a", "bc"),
    command("PING", 0, 0, "p"),
    message("d"),
    bytes(2, fromHex("0000000000000003"), "efg"),
  );
  const pull = s.open(Pull);
  const peer = await rawClient(s, pull);
  await peer.handshake("PUSH");
  for (let one = 0; one < trace.length; one += 1) {
    for (let two = one; two < trace.length; two += 1) {
      await peer.writeAll(trace.subarray(0, one));
      await peer.writeAll(trace.subarray(one, two));
      await peer.writeAll(trace.subarray(two));
      await expectMessage(pull, "a", "bc");
      await expectMessage(pull, "d");
      await expectMessage(pull, "efg");
      assert.equal(
        toHex((await peer.readFrame()).body),
        toHex(bytes(4, "PONGp")),
      );
    }
  }
}, { timeoutMs: 120_000 });

scenario(
  "a body larger than every buffer comes in pieces and stays whole",
  async (s) => {
    const pull = s.open(Pull);
    const peer = await rawClient(s, pull);
    await peer.handshake("PUSH");
    const body = new Uint8Array(3_000_000);
    for (let at = 0; at < body.length; at += 1) body[at] = at * 7;
    const data = bytes(message("small", body), message("after"));
    const steps = [1, 2, 3, 8191, 8192, 8193, 65535, 65536, 65537, 1_000_000];
    let at = 0;
    for (let n = 0; at < data.length; n += 1) {
      const step = steps[n % steps.length] ?? 1;
      await peer.writeAll(data.subarray(at, at + step));
      at += step;
    }
    const [first, second] = await pull.receive();
    assert.equal(first.length, 5);
    assert.equal(second?.length, body.length);
    assert.ok(second.every((octet, index) => octet === ((index * 7) & 0xff)));
    await expectMessage(pull, "after");
  },
);

scenario("a message is not seen before its last frame is whole", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "tcp");
  const slow = await RawPeer.connect(endpoint);
  s.defer(() => slow.close());
  await slow.handshake("PUSH");
  slow.write(frame(MORE, "first"), frame(MORE, "second"), 0, 4, "thi");
  slow.write();
  // A PONG would mean that the peer sees us further on, so ask another one.
  const other = await RawPeer.connect(endpoint);
  s.defer(() => other.close());
  await other.handshake("PUSH");
  other.write(message("other"));
  await expectMessage(pull, "other");
  await expectNothing(pull);
  slow.write("r");
  await expectMessage(pull, "first", "second", "thir");
});

scenario(
  "a peer that leaves in the middle of a message leaves nothing of it",
  async (s) => {
    const pull = s.open(Pull);
    const endpoint = await s.bind(pull, "tcp");
    for (let n = 0; n < 20; n += 1) {
      const peer = await RawPeer.connect(endpoint);
      await peer.handshake("PUSH");
      peer.write(
        message(`whole ${n}`),
        frame(MORE, "cut"),
        bytes(n % 2, 100, "x".repeat(n)),
      );
      await expectMessage(pull, `whole ${n}`);
      peer.close();
    }
    const last = await RawPeer.connect(endpoint);
    s.defer(() => last.close());
    await last.handshake("PUSH");
    last.write(message("last"));
    assert.deepEqual(await receiveTexts(pull), ["last"]);
    await expectNothing(pull);
  },
);
