// Options of sockets that end in the operating system: read back from the
// kernel, on the descriptors that serve the connection.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import {
  closeFd,
  constants,
  getSockOptInt,
  host,
  openSocket,
  setSockOptBytes,
} from "../../ffi/mod.ts";
import { Dealer, Pull, Push } from "../../mod.ts";
import {
  boundInterface,
  descriptorFlags,
  descriptorsOf,
  tcpBacklog,
} from "../support/descriptor_options.ts";
import { bounce, expectMessage } from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  WIRE_TRANSPORTS,
} from "../support/scenario.ts";

const { IPPROTO_IP, IPPROTO_TCP, SOL_SOCKET } = constants;
const { SO_KEEPALIVE, SO_RCVBUF, SO_SNDBUF } = constants;
const { TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL } = constants;
const { IP_TOS, TCP_NODELAY, TCP_USER_TIMEOUT } = constants;

const skip = host.os !== "linux" &&
  "reads descriptors as only Linux shows them";

type Options = Record<string, unknown>;

/** One connection's descriptors. */
interface Ends {
  listener: number;
  accepted: number;
  connected: number;
}

/** A connection between two sockets of ours, which has carried messages. */
async function connection(
  s: Scenario,
  transport: Transport,
  binderOptions: Options,
  connecterOptions: Options,
): Promise<Ends> {
  const binder = s.open(Dealer, binderOptions);
  const connecter = s.open(Dealer, connecterOptions);
  const endpoint = await s.join(binder, connecter, transport);
  await bounce(connecter, binder);
  const { listening, accepted, connected } = descriptorsOf(endpoint);
  assert.deepEqual(
    [listening.length, accepted.length, connected.length],
    [1, 1, 1],
  );
  return {
    listener: listening[0] as number,
    accepted: accepted[0] as number,
    connected: connected[0] as number,
  };
}

/** Reads several int options of one descriptor. */
function read(fd: number, names: readonly [number, number][]): number[] {
  return names.map(([level, name]) => getSockOptInt(fd, level, name));
}

/** What a TCP socket has that nobody has set anything on. */
function untouched(names: readonly [number, number][]): number[] {
  const fd = openSocket(constants.AF_INET);
  const values = read(fd, names);
  closeFd(fd);
  return values;
}

const KEEPALIVE: readonly [number, number][] = [
  [SOL_SOCKET, SO_KEEPALIVE],
  [IPPROTO_TCP, TCP_KEEPIDLE],
  [IPPROTO_TCP, TCP_KEEPINTVL],
  [IPPROTO_TCP, TCP_KEEPCNT],
];

scenario(
  "tcpKeepalive and its times are set on either end of a connection",
  async (s) => {
    const { accepted, connected } = await connection(s, "tcp", {
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 71,
      tcpKeepaliveInterval: 13,
      tcpKeepaliveCount: 5,
    }, {
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 82,
      tcpKeepaliveInterval: 24,
      tcpKeepaliveCount: 6,
    });
    assert.deepEqual(read(accepted, KEEPALIVE), [1, 71, 13, 5]);
    assert.deepEqual(read(connected, KEEPALIVE), [1, 82, 24, 6]);
  },
  { skip },
);

scenario(
  "tcpKeepalive alone leaves its times to the system, 0 turns it off",
  async (s) => {
    const { accepted, connected } = await connection(
      s,
      "tcp",
      { tcpKeepalive: 1 },
      { tcpKeepalive: 0 },
    );
    const [, ...times] = untouched(KEEPALIVE);
    assert.deepEqual(read(accepted, KEEPALIVE), [1, ...times]);
    assert.deepEqual(read(connected, KEEPALIVE), [0, ...times]);
  },
  { skip },
);

scenario(
  "without tcpKeepalive, its times are not set either",
  async (s) => {
    const times = {
      tcpKeepaliveIdle: 71,
      tcpKeepaliveInterval: 13,
      tcpKeepaliveCount: 5,
    };
    const { accepted, connected } = await connection(s, "tcp", times, times);
    const system = untouched(KEEPALIVE);
    assert.deepEqual(read(accepted, KEEPALIVE), system);
    assert.deepEqual(read(connected, KEEPALIVE), system);
  },
  { skip },
);

const BUFFERS: readonly [number, number][] = [
  [SOL_SOCKET, SO_SNDBUF],
  [SOL_SOCKET, SO_RCVBUF],
];

for (const transport of WIRE_TRANSPORTS) {
  scenario(
    `sendBufferSize and receiveBufferSize over ${transport}`,
    async (s) => {
      const ends = await connection(
        s,
        transport,
        { sendBufferSize: 30_000, receiveBufferSize: 40_000 },
        { sendBufferSize: 50_000, receiveBufferSize: 60_000 },
      );
      // Linux doubles what it is told, for its own book-keeping.
      assert.deepEqual(read(ends.connected, BUFFERS), [100_000, 120_000]);
      assert.deepEqual(read(ends.listener, BUFFERS), [60_000, 80_000]);
      assert.deepEqual(read(ends.accepted, BUFFERS), [60_000, 80_000]);
    },
    { skip },
  );

  scenario(
    `descriptors over ${transport} are close-on-exec and never block`,
    async (s) => {
      const { listener, accepted, connected } = await connection(
        s,
        transport,
        {},
        {},
      );
      for (const fd of [listener, accepted, connected]) {
        assert.deepEqual(descriptorFlags(fd), {
          closeOnExec: true,
          nonBlocking: true,
        });
      }
    },
    { skip },
  );
}

scenario("TCP_NODELAY is set on either end", async (s) => {
  const { accepted, connected } = await connection(s, "tcp", {}, {});
  const name: [number, number][] = [[IPPROTO_TCP, TCP_NODELAY]];
  assert.deepEqual(untouched(name), [0]);
  assert.deepEqual(read(accepted, name), [1]);
  assert.deepEqual(read(connected, name), [1]);
}, { skip });

scenario("typeOfService is set on either end", async (s) => {
  const { accepted, connected } = await connection(
    s,
    "tcp",
    { typeOfService: 0x28 },
    { typeOfService: 0x48 },
  );
  assert.equal(getSockOptInt(accepted, IPPROTO_IP, IP_TOS), 0x28);
  assert.equal(getSockOptInt(connected, IPPROTO_IP, IP_TOS), 0x48);
}, { skip });

scenario("tcpMaxRetransmitTimeout is set on either end", async (s) => {
  const { accepted, connected } = await connection(
    s,
    "tcp",
    { tcpMaxRetransmitTimeout: 12_345 },
    { tcpMaxRetransmitTimeout: 23_456 },
  );
  const name: [number, number][] = [[IPPROTO_TCP, TCP_USER_TIMEOUT]];
  assert.deepEqual(read(accepted, name), [12_345]);
  assert.deepEqual(read(connected, name), [23_456]);
}, { skip });

/** Why a socket cannot be bound to an interface, or false when it can. */
function interfaceObstacle(): string | false {
  if (skip !== false) return skip;
  const fd = openSocket(constants.AF_INET);
  const name = new TextEncoder().encode("lo");
  const { SO_BINDTODEVICE } = constants;
  const result = setSockOptBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, name);
  closeFd(fd);
  return result < 0 && "this user may not bind sockets to interfaces";
}

scenario("interface binds listener and connection to it", async (s) => {
  const options = { interface: "lo" };
  const ends = await connection(s, "tcp", options, options);
  assert.equal(boundInterface(ends.listener), "lo");
  assert.equal(boundInterface(ends.connected), "lo");
  const plain = await connection(s, "tcp", {}, {});
  assert.equal(boundInterface(plain.listener), "");
  assert.equal(boundInterface(plain.connected), "");
}, { skip: interfaceObstacle() });

scenario(
  "an interface that is not there fails a bind, and holds up a connect",
  async (s) => {
    const pull = s.open(Pull, { interface: "no-such-dev0" });
    assert.throws(() => pull.bindSync("tcp://127.0.0.1:*"), { code: "ENODEV" });
    pull.interface = null;
    const endpoint = await s.bind(pull, "tcp");
    const push = s.open(Push, {
      interface: "no-such-dev0",
      immediate: true,
      reconnectInterval: 1,
    });
    push.connect(endpoint);
    const plain = s.open(Push, { immediate: true });
    plain.connect(endpoint);
    await plain.send("by the other one");
    await expectMessage(pull, "by the other one");
    assert.equal(push.trySend("x"), false);
  },
  { skip: interfaceObstacle() },
);

scenario("all bits of an affinity name all workers", async (s) => {
  const pull = s.open(Pull, { affinity: 2 ** 64 });
  const endpoint = await s.bind(pull, "tcp");
  const push = s.open(Push, { affinity: 2 ** 64 });
  push.connect(endpoint);
  await push.send("x");
  await expectMessage(pull, "x");
});

/** The most that this system lets a listener ask for. */
function backlogMax(): number {
  return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
}

scenario("backlog is how many connections may wait, over tcp", async (s) => {
  for (const backlog of [undefined, 1, 7, 64]) {
    const pull = s.open(Pull, backlog === undefined ? {} : { backlog });
    const { listening } = descriptorsOf(await s.bind(pull, "tcp"));
    assert.equal(listening.length, 1);
    assert.equal(
      tcpBacklog(listening[0] as number),
      Math.min(backlog ?? 100, backlogMax()),
    );
  }
}, { skip });

/** Backlogs as iproute2's ss lists them, by path; null where it is missing. */
function unixBacklogs(): Map<string, number> | null {
  const run = spawnSync("ss", ["-H", "-l", "-x", "-n"], { encoding: "utf8" });
  if (run.status !== 0) return null;
  const rows = run.stdout.trim().split("\n").map((row) => row.split(/\s+/));
  return new Map(rows.map((row) => [row[4] ?? "", Number(row[3])]));
}

scenario("backlog is how many connections may wait, over ipc", async (s) => {
  for (const backlog of [undefined, 1, 7, 64]) {
    const pull = s.open(Pull, backlog === undefined ? {} : { backlog });
    const path = (await s.bind(pull, "ipc")).slice("ipc://".length);
    assert.equal(
      unixBacklogs()?.get(path),
      Math.min(backlog ?? 100, backlogMax()),
    );
  }
}, {
  skip: skip || unixBacklogs() === null && "there is no ss to list sockets",
});

scenario("an option set later is that of the next connection", async (s) => {
  const pull = s.open(Pull, { tcpKeepalive: 1, tcpKeepaliveIdle: 100 });
  const first = await s.bind(pull, "tcp");
  pull.tcpKeepaliveIdle = 200;
  const second = await s.bind(pull, "tcp");
  for (const [endpoint, idle] of [[first, 100], [second, 200]] as const) {
    const push = s.open(Push);
    push.connect(endpoint);
    await push.send("x");
    await expectMessage(pull, "x");
    const { accepted: [fd = -1] } = descriptorsOf(endpoint);
    assert.deepEqual(read(fd, KEEPALIVE).slice(0, 2), [1, idle]);
  }
}, { skip });
