// Every socket type of ours with each legal peer type of libzmq, either side
// binding, over tcp and ipc: one conversation that uses what the types are for.
import assert from "node:assert/strict";
import { test } from "node:test";
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
import {
  libzmqMissing,
  LibzmqPeer,
  type PeerSocket,
  type PeerSocketType,
} from "../support/libzmq_peer.ts";
import { texts } from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until } from "../support/wait.ts";

type Options = Record<string, unknown>;

/** One end of a conversation, whoever runs it. */
interface End {
  send(...parts: string[]): Promise<void>;
  receive(): Promise<string[]>;
  subscribe(topic: string): Promise<void>;
  cancel(topic: string): Promise<void>;
  /** Makes the socket look at its commands, as any operation on it does. */
  poke(): Promise<void>;
}

const classes = {
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
} as const;

type AnySocket = Socket & {
  send(message: string[]): Promise<void>;
  receive(): Promise<Uint8Array[]>;
  subscribe(...topics: string[]): void;
  unsubscribe(...topics: string[]): void;
};

class OurEnd implements End {
  readonly socket: AnySocket;
  #type: PeerSocketType;

  constructor(s: Scenario, type: PeerSocketType, options: Options) {
    this.#type = type;
    const make = classes[type] as new (options?: Options) => Socket;
    this.socket = s.open(make, options) as AnySocket;
  }

  async send(...parts: string[]): Promise<void> {
    await this.socket.send(parts);
  }

  async receive(): Promise<string[]> {
    return texts(await this.socket.receive());
  }

  async subscribe(topic: string): Promise<void> {
    if (this.#type === "XSubscriber") await this.send(`\x01${topic}`);
    else this.socket.subscribe(topic);
  }

  async cancel(topic: string): Promise<void> {
    if (this.#type === "XSubscriber") await this.send(`\x00${topic}`);
    else this.socket.unsubscribe(topic);
  }

  poke(): Promise<void> {
    return Promise.resolve(void this.socket.readable);
  }
}

class TheirEnd implements End {
  readonly socket: PeerSocket;

  constructor(socket: PeerSocket) {
    this.socket = socket;
  }

  async send(...parts: string[]): Promise<void> {
    await this.socket.send(parts);
  }

  receive(): Promise<string[]> {
    return this.socket.receiveTexts();
  }

  async subscribe(topic: string): Promise<void> {
    if (this.socket.type === "XSubscriber") await this.send(`\x01${topic}`);
    else await this.socket.subscribe(topic);
  }

  async cancel(topic: string): Promise<void> {
    if (this.socket.type === "XSubscriber") await this.send(`\x00${topic}`);
    else await this.socket.unsubscribe(topic);
  }

  poke(): Promise<void> {
    return this.socket.get("readable").then(() => {});
  }
}

/**
 * Receives on `end` what `other` sends by itself on a new connection. A bound
 * socket that nobody uses never learns of the connection: that is ZeroMQ.
 */
async function receiveFromIdle(end: End, other: End): Promise<string[]> {
  let message: string[] | undefined;
  const receiving = end.receive().then((parts) => message = parts);
  await until(async () => {
    await other.poke();
    return message !== undefined;
  }, "a message that the other end sends by itself");
  return receiving;
}

async function passes(from: End, to: End, ...parts: string[]): Promise<void> {
  await from.send(...parts);
  assert.deepEqual(await to.receive(), parts);
}

/** Messages of one part, of several, and with empty parts. */
async function oneWay(from: End, to: End): Promise<void> {
  await passes(from, to, "single");
  await passes(from, to, "");
  await passes(from, to, "first", "second", "third");
  await passes(from, to, "", "", "after two empty parts", "");
}

async function bothWays(one: End, other: End): Promise<void> {
  await oneWay(one, other);
  await oneWay(other, one);
}

async function requestReply(client: End, server: End): Promise<void> {
  for (const parts of [["request"], ["a", "", "b"], [""]]) {
    await passes(client, server, ...parts);
    await passes(server, client, ...parts.map((part) => `${part}!`));
  }
}

async function requestRouter(client: End, router: End): Promise<void> {
  for (const parts of [["request"], ["a", "", "b"]]) {
    await client.send(...parts);
    const [id, ...rest] = await router.receive();
    assert.equal(id, "client");
    assert.deepEqual(rest, ["", ...parts]);
    await router.send(id ?? "", "", "reply", ...parts);
    assert.deepEqual(await client.receive(), ["reply", ...parts]);
  }
}

async function dealerReply(dealer: End, server: End): Promise<void> {
  for (const parts of [["request"], ["a", "", "b"]]) {
    await dealer.send("", ...parts);
    assert.deepEqual(await server.receive(), parts);
    await server.send("reply", ...parts);
    assert.deepEqual(await dealer.receive(), ["", "reply", ...parts]);
  }
  // A stack of addresses comes back as it was.
  await dealer.send("hop", "other hop", "", "request");
  assert.deepEqual(await server.receive(), ["request"]);
  await server.send("reply");
  assert.deepEqual(await dealer.receive(), ["hop", "other hop", "", "reply"]);
}

async function dealerRouter(dealer: End, router: End): Promise<void> {
  for (const parts of [["one"], ["a", "", "b"]]) {
    await dealer.send(...parts);
    assert.deepEqual(await router.receive(), ["client", ...parts]);
    await router.send("client", ...parts);
    assert.deepEqual(await dealer.receive(), parts);
  }
}

/** `client` has probeRouter, so the server hears its name first. */
async function routerRouter(client: End, server: End): Promise<void> {
  assert.deepEqual(await receiveFromIdle(server, client), ["client", ""]);
  await server.send("client", "hello");
  assert.deepEqual(await client.receive(), ["server", "hello"]);
  await client.send("server", "a", "", "b");
  assert.deepEqual(await server.receive(), ["client", "a", "", "b"]);
}

/** An XPUB shows each subscription and cancellation. */
async function xpubKnows(xpub: End, sub: End, frame: string): Promise<void> {
  assert.deepEqual(await receiveFromIdle(xpub, sub), [frame]);
}

/** Waits until the publisher knows all that was subscribed to before. */
async function pubKnows(pub: End, sub: End): Promise<void> {
  await sub.subscribe("end");
  let arrived: string[] | undefined;
  const first = sub.receive().then((parts) => arrived = parts);
  await until(async () => {
    await pub.send("end", "probe");
    return arrived !== undefined;
  }, "the publisher to learn of the subscriptions");
  await first;
  await pub.send("end", "last");
  await until(
    async () => arrived?.[1] === "last" || (await sub.receive())[1] === "last",
    "the last probe",
  );
}

/** Whether a message under "A" still gets through. */
async function hearsA(pub: End, sub: End): Promise<boolean> {
  await pub.send("A?");
  await pub.send("B/round");
  if ((await sub.receive())[0] === "B/round") return false;
  assert.deepEqual(await sub.receive(), ["B/round"]);
  return true;
}

async function publishSubscribe(
  pub: End,
  sub: End,
  visible: boolean,
): Promise<void> {
  await sub.subscribe("A");
  await sub.subscribe("B/");
  if (visible) {
    const topics = [
      ...await receiveFromIdle(pub, sub),
      ...await receiveFromIdle(pub, sub),
    ];
    assert.deepEqual(topics.sort(), ["\x01A", "\x01B/"]);
  } else {
    await pubKnows(pub, sub);
  }
  await pub.send("not this");
  await passes(pub, sub, "A", "part", "");
  await pub.send("B");
  await passes(pub, sub, "B/longer");
  await sub.cancel("A");
  if (visible) {
    await xpubKnows(pub, sub, "\x00A");
    await pub.send("A after the cancellation");
  } else {
    await until(
      async () => !await hearsA(pub, sub),
      "the cancellation to arrive",
    );
  }
  await passes(pub, sub, "B/ still");
}

/** User messages travel from XSUB to XPUB. */
async function upstream(sub: End, pub: End): Promise<void> {
  await sub.send("user message", "with parts");
  assert.deepEqual(await pub.receive(), ["user message", "with parts"]);
}

interface Case {
  ours: PeerSocketType;
  theirs: PeerSocketType;
  ourOptions?: Options;
  theirOptions?: Options;
  /** Tells cases with the same types apart. */
  note?: string;
  talk(ours: End, theirs: End): Promise<void>;
}

const client: Options = { routingId: "client" };
const server: Options = { routingId: "server" };

const cases: Case[] = [
  { ours: "Pair", theirs: "Pair", talk: bothWays },
  { ours: "Push", theirs: "Pull", talk: oneWay },
  { ours: "Pull", theirs: "Push", talk: (o, t) => oneWay(t, o) },
  { ours: "Request", theirs: "Reply", talk: requestReply },
  { ours: "Reply", theirs: "Request", talk: (o, t) => requestReply(t, o) },
  {
    ours: "Request",
    theirs: "Router",
    ourOptions: client,
    talk: requestRouter,
  },
  {
    ours: "Router",
    theirs: "Request",
    theirOptions: client,
    talk: (o, t) => requestRouter(t, o),
  },
  { ours: "Dealer", theirs: "Reply", talk: dealerReply },
  { ours: "Reply", theirs: "Dealer", talk: (o, t) => dealerReply(t, o) },
  { ours: "Dealer", theirs: "Dealer", talk: bothWays },
  { ours: "Dealer", theirs: "Router", ourOptions: client, talk: dealerRouter },
  {
    ours: "Router",
    theirs: "Dealer",
    theirOptions: client,
    talk: (o, t) => dealerRouter(t, o),
  },
  {
    ours: "Router",
    theirs: "Router",
    ourOptions: { ...client, probeRouter: true },
    theirOptions: server,
    note: ", ours probing",
    talk: routerRouter,
  },
  {
    ours: "Router",
    theirs: "Router",
    ourOptions: server,
    theirOptions: { ...client, probeRouter: true },
    note: ", libzmq probing",
    talk: (o, t) => routerRouter(t, o),
  },
  {
    ours: "Publisher",
    theirs: "Subscriber",
    talk: (o, t) => publishSubscribe(o, t, false),
  },
  {
    ours: "Publisher",
    theirs: "XSubscriber",
    talk: (o, t) => publishSubscribe(o, t, false),
  },
  {
    ours: "Subscriber",
    theirs: "Publisher",
    talk: (o, t) => publishSubscribe(t, o, false),
  },
  {
    ours: "XSubscriber",
    theirs: "Publisher",
    talk: (o, t) => publishSubscribe(t, o, false),
  },
  {
    ours: "XPublisher",
    theirs: "Subscriber",
    talk: (o, t) => publishSubscribe(o, t, true),
  },
  {
    ours: "Subscriber",
    theirs: "XPublisher",
    talk: (o, t) => publishSubscribe(t, o, true),
  },
  {
    ours: "XPublisher",
    theirs: "XSubscriber",
    talk: async (o, t) => {
      await publishSubscribe(o, t, true);
      await upstream(t, o);
    },
  },
  {
    ours: "XSubscriber",
    theirs: "XPublisher",
    talk: async (o, t) => {
      await publishSubscribe(t, o, true);
      await upstream(o, t);
    },
  },
];

const shared = libzmqMissing === false ? new LibzmqPeer() : undefined;

for (const { ours, theirs, ourOptions, theirOptions, talk, note } of cases) {
  for (const transport of WIRE_TRANSPORTS) {
    for (const weBind of [true, false]) {
      const role = weBind ? "bound" : "connected";
      scenario(
        `our ${ours}, ${role} over ${transport}, talks with libzmq's ${theirs}${
          note ?? ""
        }`,
        async (s) => {
          if (shared === undefined) throw new Error("libzmq is missing");
          const our = new OurEnd(s, ours, ourOptions ?? {});
          const their = await shared.open(theirs, theirOptions);
          s.defer(() => their.close());
          if (weBind) {
            await their.connect(await s.bind(our.socket, transport));
          } else {
            our.socket.connect(await their.bind(s.address(transport)));
          }
          await talk(our, new TheirEnd(their));
        },
        { skip: libzmqMissing },
      );
    }
  }
}

// The last test of the file: a hook outside of a describe would lose errors.
test("libzmq's peer process ends when told to", async () => {
  await shared?.stop();
});
