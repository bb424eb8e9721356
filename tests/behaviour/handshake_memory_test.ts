// What strangers cost before their handshake is done: nothing of the context's
// memory, whatever they announce, and at most 8 KiB each outside of it.
import assert from "node:assert/strict";
import { Dealer, Pull, Push, Router } from "../../mod.ts";
import { expectMessage, expectNothing } from "../support/messages.ts";
import {
  bytes,
  COMMAND,
  greeting,
  LONG,
  message,
  property,
  RawPeer,
  RawServer,
  size64,
} from "../support/raw_zmtp.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";
import { until } from "../support/wait.ts";

/** What is held of a peer's handshake. */
const HELD_MAX = 8 * 1024;
/** Octets of a long frame's header. */
const HEADER = 9;

const HUGE = bytes(COMMAND | LONG, size64(2n ** 40n));

/** A READY in a long frame that has so many octets with its header. */
function readyOf(size: number): Uint8Array {
  const type = bytes(5, "READY", property("Socket-Type", "PUSH"));
  const rest = size - HEADER - type.length;
  const filler = property("X-Fill", new Uint8Array(rest - 11));
  const body = bytes(type, filler);
  const ready = bytes(COMMAND | LONG, size64(BigInt(body.length)), body);
  assert.equal(ready.length, size);
  return ready;
}

/** What the context's memory and its pipes amount to. */
function held(s: Scenario): { memoryUsedBytes: number; pipes: number } {
  const { memoryUsedBytes, pipes } = s.context.statistics;
  return { memoryUsedBytes, pipes };
}

/** Connects, and closes at the end. */
async function connect(s: Scenario, endpoint: string): Promise<RawPeer> {
  const peer = await RawPeer.connect(endpoint);
  s.defer(() => peer.close());
  return peer;
}

/** A bound PULL, and the means to tell that it still serves good peers. */
class Victim {
  readonly pull: Pull;
  readonly endpoint: string;
  readonly #s: Scenario;

  private constructor(s: Scenario, pull: Pull, endpoint: string) {
    this.#s = s;
    this.pull = pull;
    this.endpoint = endpoint;
  }

  static async open(
    s: Scenario,
    transport: Transport = "tcp",
  ): Promise<Victim> {
    const pull = s.open(Pull);
    const endpoint = await s.bind(pull, transport);
    // The I/O worker is told in a block what to listen on.
    await until(() => held(s).memoryUsedBytes === 0, "it to listen");
    return new Victim(s, pull, endpoint);
  }

  /** Nothing is held, as before the first stranger. */
  unchanged(): void {
    assert.deepEqual(held(this.#s), { memoryUsedBytes: 0, pipes: 0 });
  }

  /** Nothing strange was delivered, and a peer that comes now is served. */
  async works(): Promise<void> {
    await expectNothing(this.pull);
    const push = this.#s.open(Push);
    push.connect(this.endpoint);
    await push.send("good");
    await expectMessage(this.pull, "good");
    push.close();
    await until(() => this.#s.context.statistics.pipes === 0, "its end");
  }
}

for (const transport of WIRE_TRANSPORTS) {
  scenario(`half a greeting over ${transport} holds no memory`, async (s) => {
    const victim = await Victim.open(s, transport);
    const peer = await connect(s, victim.endpoint);
    await peer.writeAll(greeting().subarray(0, 32));
    // Ours comes at once, so the connection is being served.
    await peer.read(64);
    victim.unchanged();
    await victim.works();
    victim.unchanged();
    // It may still become a good peer.
    peer.write(greeting().subarray(32), readyOf(100), message("late"));
    await expectMessage(victim.pull, "late");
  });

  scenario(
    `a command of 2^40 octets over ${transport} closes at its header`,
    async (s) => {
      const victim = await Victim.open(s, transport);
      const peer = await connect(s, victim.endpoint);
      peer.write(greeting(), HUGE);
      await peer.closed("the peer");
      victim.unchanged();
      await victim.works();
      victim.unchanged();
    },
  );
}

for (const extra of [1, 2, HEADER]) {
  scenario(
    `a READY of 8 KiB and ${extra} closes at its header`,
    async (s) => {
      const victim = await Victim.open(s);
      const peer = await connect(s, victim.endpoint);
      peer.write(greeting());
      await peer.read(64);
      peer.write(readyOf(HELD_MAX + extra).subarray(0, HEADER));
      await peer.closed("the peer");
      victim.unchanged();
      await victim.works();
    },
  );
}

scenario("a READY of 8 KiB is taken, in one piece", async (s) => {
  const victim = await Victim.open(s);
  const peer = await connect(s, victim.endpoint);
  peer.write(greeting(), readyOf(HELD_MAX), message("hello"));
  await expectMessage(victim.pull, "hello");
});

scenario("a READY of 8 KiB is taken, octet by octet", async (s) => {
  const victim = await Victim.open(s);
  const peer = await connect(s, victim.endpoint);
  const all = bytes(greeting(), readyOf(HELD_MAX));
  await peer.read(64);
  for (let at = 0; at < all.length - 1; at += 1) {
    await peer.writeAll(all.subarray(at, at + 1));
    if (at % 1000 === 0) victim.unchanged();
  }
  victim.unchanged();
  assert.equal(peer.ended, false);
  await expectNothing(victim.pull);
  peer.write(all.subarray(all.length - 1), message("hello"));
  await expectMessage(victim.pull, "hello");
});

for (
  const [what, data] of [
    ["2^40 octets", HUGE],
    ["8 KiB and 1", readyOf(HELD_MAX + 1).subarray(0, HEADER)],
  ] as const
) {
  scenario(
    `a server that announces ${what} is left at the header`,
    async (s) => {
      const server = await RawServer.listen();
      s.defer(() => server.close());
      // A PULL may connect to the same endpoint twice.
      const pull = s.open(Pull);
      pull.connect(server.endpoint);
      const peer = await server.accept();
      await until(() => held(s).memoryUsedBytes === 0, "the connect");
      peer.write(greeting(), data);
      await peer.closed("the connection");
      assert.equal(held(s).memoryUsedBytes, 0);
      pull.connect(server.endpoint);
      const good = await server.accept();
      await good.handshake("PUSH");
      good.write(message("good"));
      await expectMessage(pull, "good");
    },
  );
}

/** What each of many strangers sends, and whether that ends its connection. */
const STRANGERS: readonly { data: Uint8Array; closed: boolean }[] = [
  { data: greeting().subarray(0, 1), closed: false },
  { data: greeting().subarray(0, 32), closed: false },
  { data: greeting(), closed: false },
  { data: bytes(greeting(), readyOf(HELD_MAX).subarray(0, 9)), closed: false },
  {
    data: bytes(greeting(), readyOf(HELD_MAX).subarray(0, -1)),
    closed: false,
  },
  { data: bytes(greeting(), HUGE), closed: true },
  {
    data: bytes(greeting(), readyOf(HELD_MAX + 1).subarray(0, 9)),
    closed: true,
  },
  { data: bytes(greeting(), COMMAND, 1, 0), closed: true },
];

scenario(
  "200 strangers at once hold no memory, and good peers are served",
  async (s) => {
    const router = s.open(Router);
    const victim = await Victim.open(s);
    const strangers = await Promise.all(
      Array.from({ length: 200 }, () => connect(s, victim.endpoint)),
    );
    strangers.forEach((peer, n) => {
      peer.write(STRANGERS[n % STRANGERS.length]?.data ?? "");
    });
    await Promise.all(strangers.map(async (peer, n) => {
      if (STRANGERS[n % STRANGERS.length]?.closed) {
        await peer.closed(`stranger ${n}`);
      } else await peer.read(64);
    }));
    victim.unchanged();
    await victim.works();
    victim.unchanged();
    // Another socket of the same I/O worker does not notice either.
    const dealer = s.open(Dealer);
    await s.join(router, dealer, "tcp");
    await dealer.send("through");
    assert.equal((await router.receive())[1]?.toString(), "through");
    for (const [n, peer] of strangers.entries()) {
      const { closed } = STRANGERS[n % STRANGERS.length] as { closed: boolean };
      assert.equal(peer.ended, closed, `stranger ${n}`);
    }
  },
);

scenario(
  "strangers give up what they had when they leave or are in time after all",
  async (s) => {
    const victim = await Victim.open(s);
    const { ownedObjects } = s.context.statistics;
    const peers = await Promise.all(
      Array.from({ length: 40 }, () => connect(s, victim.endpoint)),
    );
    const all = bytes(greeting(), readyOf(HELD_MAX));
    for (const peer of peers) peer.write(all.subarray(0, -1));
    for (const peer of peers) await peer.read(64);
    const finished = peers.slice(0, 20);
    for (const peer of peers.slice(20)) peer.close();
    for (const [n, peer] of finished.entries()) {
      peer.write(all.subarray(-1), message(`${n}`));
    }
    const seen = new Set<string>();
    for (let n = 0; n < finished.length; n += 1) {
      seen.add(String((await victim.pull.receive())[0]));
    }
    assert.equal(seen.size, finished.length);
    assert.equal(s.context.statistics.pipes, finished.length);
    for (const peer of finished) peer.close();
    await until(
      () => s.context.statistics.ownedObjects === ownedObjects,
      "all sessions to end",
    );
    await victim.works();
    victim.unchanged();
  },
);
