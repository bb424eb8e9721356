import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import {
  closeFd,
  constants,
  getSockOptInt,
  interfaces,
} from "../../../ffi/mod.ts";
import { parseEndpoint } from "../../../src/base/endpoint.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { Listening } from "../../../src/core/binder.ts";
import type {
  Connecter,
  Engine,
  Listener,
  SessionPort,
} from "../../../src/core/transport.ts";
import { peerEndpoint } from "../../../src/transport/tcp/tcp_address.ts";
import { TcpBinder } from "../../../src/transport/tcp/tcp_binder.ts";
import { TcpTransport } from "../../../src/transport/tcp/tcp_transport.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { testUnless } from "../../support/skip.ts";

const transport = new TcpTransport();
const all = interfaces();
const loopback = all.find((entry) => entry.address === "127.0.0.1")?.name;
const noIpv6 = !all.some((entry) => entry.address === "::1") &&
  "the machine has no IPv6";

// All of 127.0.0.0/8 is loopback there.
const otherLoopback = process.platform !== "linux" &&
  "only Linux has other addresses than 127.0.0.1 by itself";

function optionsOf(changes: Partial<SocketOptions> = {}): SocketOptions {
  return { ...defaultOptions(SocketType.PAIR), ...changes };
}

function listen(hostPort: string, changes?: Partial<SocketOptions>): Listening {
  const endpoint = parseEndpoint(`tcp://${hostPort}`, "bind");
  return new TcpBinder().listen(endpoint, optionsOf(changes));
}

/** A listener and a connecting session on one I/O worker. */
class Stage {
  readonly io = new FakeIo();
  readonly accepted: number[] = [];
  readonly engines: Engine[] = [];
  readonly endpoint: string;
  readonly port: string;
  readonly #listener: Listener;
  readonly #connecters: Connecter[] = [];

  constructor(hostPort = "127.0.0.1:*", changes: Partial<SocketOptions> = {}) {
    const { fd, endpoint } = listen(hostPort, changes);
    this.endpoint = endpoint;
    this.port = endpoint.slice(endpoint.lastIndexOf(":") + 1);
    this.#listener = transport.accept(
      this.io,
      fd,
      endpoint,
      optionsOf(changes),
      (fd) => this.accepted.push(fd),
    );
  }

  connect(hostPort: string, changes: Partial<SocketOptions> = {}): void {
    const session: SessionPort = {
      options: optionsOf(changes),
      endpoint: `tcp://${hostPort}`,
      pipe: null,
      reconnectIntervalMs: 0,
      attach: (engine) => this.engines.push(engine),
      gaveUp: () => {},
      engineReady: () => false,
      engineError: () => {},
    };
    this.#connecters.push(transport.connect(this.io, session, false));
  }

  /** The peer of the next connection that is accepted. */
  async peer(): Promise<string> {
    await this.io.turnUntil(
      () => this.accepted.length > 0 && this.engines.length > 0,
      "a connection",
    );
    return peerEndpoint(this.accepted[0] as number);
  }

  end(): void {
    for (const connecter of this.#connecters) connecter.close();
    for (const engine of this.engines) engine.terminate();
    for (const fd of this.accepted) closeFd(fd);
    this.#listener.close();
    assert.equal(this.io.timers.size, 0);
    assert.equal(this.io.poller.load, 0);
    this.io.stop();
  }
}

describe("tcp transport: connect", () => {
  test("to an address and to a name", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const s = new Stage();
      s.connect(`${host}:${s.port}`);
      assert.match(await s.peer(), /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
      s.end();
    }
  });

  testUnless(noIpv6, "IPv6, with the option on both sides", async () => {
    const s = new Stage("[::1]:*", { ipv6: true });
    s.connect(`[::1]:${s.port}`, { ipv6: true });
    assert.match(await s.peer(), /^tcp:\/\/\[::1\]:[1-9]\d*$/);
    s.end();
  });

  testUnless(noIpv6, "a * with IPv6 accepts both families", async () => {
    for (const host of ["127.0.0.1", "[::1]"]) {
      const s = new Stage("*:*", { ipv6: true });
      assert.match(s.endpoint, /^tcp:\/\/\[::\]:/);
      s.connect(`${host}:${s.port}`, { ipv6: true });
      assert.match(await s.peer(), /^tcp:\/\/\[(::ffff:127\.0\.0\.1|::1)\]:/);
      s.end();
    }
  });

  testUnless(noIpv6, "an IPv6 address without the option is not tried", () => {
    const s = new Stage("[::1]:*", { ipv6: true });
    s.connect(`[::1]:${s.port}`, { ipv6: false });
    for (let n = 0; n < 5; n += 1) s.io.turn();
    assert.equal(s.io.timers.size, 1, "it waits for its next try");
    assert.deepEqual(s.engines, []);
    s.end();
  });

  testUnless(otherLoopback, "from an address, a port, localhost", async () => {
    const free = listen("127.0.0.1:*");
    closeFd(free.fd);
    const port = free.endpoint.slice(free.endpoint.lastIndexOf(":") + 1);
    for (
      const [source, found] of [
        ["127.0.0.2:0", /^tcp:\/\/127\.0\.0\.2:[1-9]\d*$/],
        ["127.0.0.3:*", /^tcp:\/\/127\.0\.0\.3:[1-9]\d*$/],
        ["localhost:0", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/],
        [`127.0.0.1:${port}`, new RegExp(`^tcp://127.0.0.1:${port}$`)],
      ] as const
    ) {
      const s = new Stage("0.0.0.0:*");
      s.connect(`${source};127.0.0.1:${s.port}`);
      assert.match(await s.peer(), found);
      s.end();
    }
  });

  testUnless(
    loopback === undefined && "the machine has no loopback interface",
    "from an interface",
    async () => {
      const s = new Stage();
      s.connect(`${loopback}:0;127.0.0.1:${s.port}`);
      assert.match(await s.peer(), /^tcp:\/\/127\.0\.0\.1:/);
      s.end();
    },
  );

  test("from nowhere: never without the source, but again and again", () => {
    for (const source of ["no-such-device:0", "192.0.2.254:0"]) {
      const s = new Stage();
      s.connect(`${source};127.0.0.1:${s.port}`, { reconnectInterval: 50 });
      for (let n = 0; n < 3; n += 1) {
        s.io.pass(0);
        assert.equal(s.io.timers.size, 1, source);
        s.io.pass(100);
      }
      for (let n = 0; n < 5; n += 1) s.io.turn();
      assert.deepEqual(s.accepted, [], source);
      assert.deepEqual(s.engines, [], source);
      s.end();
    }
  });

  test("both sides send without delay, and watch the peer as told", async () => {
    const keepalive = { tcpKeepalive: 1, tcpKeepaliveIdle: 77 };
    const s = new Stage("127.0.0.1:*", keepalive);
    s.connect(`127.0.0.1:${s.port}`);
    await s.peer();
    const fd = s.accepted[0] as number;
    const { IPPROTO_TCP, SOL_SOCKET } = constants;
    assert.notEqual(getSockOptInt(fd, IPPROTO_TCP, constants.TCP_NODELAY), 0);
    assert.notEqual(getSockOptInt(fd, SOL_SOCKET, constants.SO_KEEPALIVE), 0);
    if (constants.TCP_KEEPIDLE >= 0) {
      const idle = getSockOptInt(fd, IPPROTO_TCP, constants.TCP_KEEPIDLE);
      assert.equal(idle, 77);
    }
    s.end();
  });
});
