// terminate() in every situation a connection can be in, for all socket types
// and every kind of linger: 0 ends at once, a time ends after that time, and
// for ever ends when the peer has taken what was sent.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
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
import { freeTcpPort } from "../support/ports.ts";
import {
  frame,
  greeting,
  MORE,
  RawPeer,
  RawServer,
  ready,
} from "../support/raw_zmtp.ts";
import { leakFree } from "../support/leaks.ts";
import { expectNothingHeld } from "../support/scenario.ts";
import { nextTurn, until, within } from "../support/wait.ts";

type SocketClass = new (options: Record<string, unknown>) => Socket;

/** A socket type, the type of its peer, and whether it can queue a message. */
const TYPES: readonly [SocketClass, peer: string, sends: boolean][] = [
  [Pair, "PAIR", true],
  [Publisher, "SUB", false],
  [Subscriber, "PUB", false],
  [Request, "REP", true],
  [Reply, "REQ", false],
  [Dealer, "ROUTER", true],
  [Router, "DEALER", false],
  [Pull, "PUSH", false],
  [Push, "PULL", true],
  [XPublisher, "XSUB", false],
  [XSubscriber, "XPUB", false],
] as never;

/** How long ending may take beside the linger. */
const ENDING_MS = 500;
const LINGER_MS = 200;

interface Sender extends Socket {
  trySend(message: unknown): boolean;
  subscribe?(topic: string): void;
  readonly writable: boolean;
}

/** A socket of each type, with a message queued where there can be one. */
class Cast {
  readonly context = new Context();
  readonly sockets: Sender[] = [];
  readonly senders: Sender[] = [];

  constructor(
    linger: number | undefined,
    options: Record<string, unknown>,
    start: (socket: Socket, peer: string) => void,
    message: unknown = "queued",
  ) {
    for (const [type, peer, sends] of TYPES) {
      const given = linger === undefined ? {} : { linger };
      const context = this.context;
      const socket = new type({ context, ...given, ...options }) as Sender;
      this.sockets.push(socket);
      socket.subscribe?.("topic");
      start(socket, peer);
      if (!sends) continue;
      this.senders.push(socket);
      assert.ok(socket.trySend(message), peer);
    }
  }

  /** Ends the context; how long that took. */
  async end(what: string, limitMs: number): Promise<number> {
    const start = performance.now();
    await within(this.context.terminate(), what, limitMs + ENDING_MS);
    const took = performance.now() - start;
    expectNothingHeld(this.context);
    return took;
  }
}

/** A libzmq-like server of one type: handshakes as told, reads for ever. */
class Peers {
  readonly servers: RawServer[] = [];
  readonly peers: RawPeer[] = [];

  async listen(): Promise<void> {
    for (let n = 0; n < TYPES.length; n += 1) {
      this.servers.push(await RawServer.listen());
    }
  }

  endpoint(n: number): string {
    return this.servers[n]?.endpoint as string;
  }

  async accept(handshake: boolean): Promise<void> {
    for (const [n, [, type]] of TYPES.entries()) {
      const peer = await this.servers[n]?.accept() as RawPeer;
      this.peers.push(peer);
      if (handshake) await peer.handshake(type);
    }
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.close();
  }
}

async function withPeers(body: (peers: Peers) => Promise<void>): Promise<void> {
  const peers = new Peers();
  await peers.listen();
  try {
    await body(peers);
  } finally {
    await peers.close();
  }
}

function connectEach(peers: Peers): (socket: Socket) => void {
  let next = 0;
  return (socket) => socket.connect(peers.endpoint(next++));
}

const LINGERS = [0, LINGER_MS] as const;
const OPTIONS = { timeout: 60_000 };

let warm: Promise<void> | undefined;

/** Deno keeps the poller of the last Worker that ended. */
function cell(name: string, body: () => Promise<void>): void {
  test(name, OPTIONS, async () => {
    warm ??= new Cast(0, {}, (socket) => socket.connect("tcp://127.0.0.1:1"))
      .end("the warm-up context", 5000).then(() => {});
    await warm;
    await leakFree(body)();
  });
}

describe("terminate() with an inproc endpoint that nobody bound", () => {
  for (const linger of [...LINGERS, -1, undefined]) {
    cell(`linger ${linger}: at once`, async () => {
      let n = 0;
      const cast = new Cast(linger, {}, (socket) => {
        socket.connect(`inproc://nobody-${n++}`);
      });
      await cast.end("unbound inproc", 0);
    });
  }
});

describe("terminate() while nobody listens", () => {
  for (const linger of LINGERS) {
    cell(`tcp, linger ${linger}`, async () => {
      const port = await freeTcpPort();
      const cast = new Cast(linger, {}, (socket) => {
        socket.connect(`tcp://127.0.0.1:${port}`);
      });
      const took = await cast.end("refused", linger);
      assert.ok(took >= linger, `${took} ms are less than its linger`);
    });
    cell(`ipc, linger ${linger}`, async () => {
      const cast = new Cast(linger, {}, (socket) => {
        socket.connect("ipc:///nonexistent/socket");
      });
      await cast.end("no such file", linger);
    });
    cell(`a name that does not resolve, linger ${linger}`, async () => {
      const cast = new Cast(linger, {}, (socket) => {
        socket.connect("tcp://no-such-host.invalid:1");
      });
      await cast.end("no such name", linger);
    });
    cell(`no second try, linger ${linger}`, async () => {
      const port = await freeTcpPort();
      const cast = new Cast(linger, { reconnectInterval: -1 }, (socket) => {
        socket.connect(`tcp://127.0.0.1:${port}`);
      });
      await cast.end("refused once", linger);
    });
    cell(`nothing queued, immediate, linger ${linger}`, async () => {
      const port = await freeTcpPort();
      const context = new Context();
      for (const [type] of TYPES) {
        const socket = new type({ context, linger, immediate: true });
        socket.connect(`tcp://127.0.0.1:${port}`);
      }
      await within(context.terminate(), "immediate", ENDING_MS);
      expectNothingHeld(context);
    });
  }

  cell("linger -1: until the peer is there and took it all", async () => {
    await withPeers(async (peers) => {
      // The servers exist, but their queue is not looked at yet.
      const cast = new Cast(-1, {}, connectEach(peers));
      let ended = false;
      const ending = cast.end("the late peer", 10_000).then(() => ended = true);
      for (const _ of [1, 2, 3]) await nextTurn();
      assert.equal(ended, false);
      for (const [n, [, type, sends]] of TYPES.entries()) {
        // A subscription waits like a message when the user says so.
        const subscribes = type === "PUB";
        if (!sends && !subscribes) continue;
        const peer = await peers.servers[n]?.accept() as RawPeer;
        await peer.handshake(type);
        if (sends) await readMessage(peer, type);
      }
      await ending;
    });
  });

  cell("subscriptions that were not delivered are not waited for", async () => {
    const port = await freeTcpPort();
    const context = new Context();
    for (const type of [Subscriber, XSubscriber]) {
      const socket = new type({ context }) as unknown as Sender;
      socket.subscribe?.("topic");
      socket.connect(`tcp://127.0.0.1:${port}`);
    }
    await within(context.terminate(), "subscriptions", ENDING_MS);
    expectNothingHeld(context);
  });
});

async function readMessage(peer: RawPeer, type: string): Promise<void> {
  const parts = await peer.readTexts();
  assert.deepEqual(parts, type === "REP" ? ["", "queued"] : ["queued"]);
}

describe("terminate() in the midst of a handshake", () => {
  for (const linger of LINGERS) {
    for (const sent of [0, 5, 64, 70]) {
      cell(`connected, ${sent} octets came, linger ${linger}`, async () => {
        await withPeers(async (peers) => {
          const cast = new Cast(linger, {}, connectEach(peers));
          await peers.accept(false);
          const hello = new Uint8Array([...greeting(), ...ready("PAIR")]);
          for (const peer of peers.peers) {
            peer.write(hello.slice(0, sent));
            await peer.read(10);
          }
          await cast.end("a handshake", linger);
        });
      });
    }
  }

  for (const linger of [...LINGERS, -1]) {
    cell(`bound, linger ${linger}`, async () => {
      const context = new Context();
      const clients: RawPeer[] = [];
      for (const [type] of TYPES) {
        const socket = new type({ context, linger });
        await socket.bind("tcp://127.0.0.1:*");
        for (const sent of [0, 5, 64]) {
          const client = await RawPeer.connect(socket.lastEndpoint as string);
          client.write(greeting().slice(0, sent));
          clients.push(client);
          await client.read(10);
        }
      }
      await within(context.terminate(), "bound handshakes", ENDING_MS);
      expectNothingHeld(context);
      for (const client of clients) await client.closed("by the listener");
    });
  }
});

describe("terminate() while a session waits to reconnect", () => {
  for (const linger of LINGERS) {
    cell(`linger ${linger}`, async () => {
      await withPeers(async (peers) => {
        const options = { reconnectInterval: 60_000 };
        const cast = new Cast(linger, options, connectEach(peers));
        await peers.accept(true);
        for (const peer of peers.peers) peer.close();
        for (const sender of cast.senders) {
          // Lost with the connection, or queued for the next. REQ must not.
          if (sender.writable) sender.trySend("more");
        }
        await cast.end("the reconnect timer", linger);
      });
    });
    cell(`no way back, linger ${linger}`, async () => {
      await withPeers(async (peers) => {
        const options = { reconnectInterval: -1 };
        const cast = new Cast(linger, options, connectEach(peers));
        await peers.accept(true);
        for (const peer of peers.peers) peer.close();
        await cast.end("no way back", linger);
      });
    });
  }

  cell(
    "no way back and linger -1: what nobody will come for is given up",
    async () => {
      await withPeers(async (peers) => {
        const options = { reconnectInterval: -1 };
        const cast = new Cast(-1, options, connectEach(peers));
        await peers.accept(false);
        const ending = cast.end("what nobody will come for", 5000);
        for (const peer of peers.peers) peer.close();
        await ending;
      });
    },
  );
});

describe("terminate() with half a message received", () => {
  for (const linger of [...LINGERS, -1]) {
    cell(`linger ${linger}`, async () => {
      await withPeers(async (peers) => {
        const cast = new Cast(linger, {}, connectEach(peers));
        await peers.accept(true);
        for (const peer of peers.peers) {
          peer.write(
            frame(MORE, "part"),
            frame(0, "x".repeat(99)).slice(0, 50),
          );
        }
        await cast.end("half a message", linger === -1 ? 0 : linger);
      });
    });
  }
});

describe("terminate() while the peer does not read", () => {
  const BIG = Array.from({ length: 8 }, () => new Uint8Array(4_000_000));
  for (const linger of [...LINGERS, -1]) {
    for (const message of [BIG[0], BIG]) {
      const parts = Array.isArray(message) ? message.length : 1;
      cell(`a message of ${parts} part(s), linger ${linger}`, async () => {
        await withPeers(async (peers) => {
          const cast = new Cast(linger, {}, connectEach(peers), message);
          const accepting = peers.accept(true);
          await accepting;
          for (const peer of peers.peers) peer.socket.pause();
          const ending = cast.end("a peer that does not read", 20_000);
          if (linger === -1) {
            for (const peer of peers.peers) peer.socket.resume();
            await ending;
            for (const [n, [, , sends]] of TYPES.entries()) {
              const peer = peers.peers[n] as RawPeer;
              const size = sends ? parts * 4_000_000 : 0;
              await until(() => peer.total >= size, "all of it");
            }
          } else {
            assert.ok(await ending <= linger + ENDING_MS);
          }
        });
      });
    }
  }
});
