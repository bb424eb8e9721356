import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  constants,
  listenSocket,
  localAddress,
  openSocket,
  sockaddrIn,
  sockaddrUn,
} from "../../../ffi/mod.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import type { SocketOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { Engine, SessionPort } from "../../../src/core/transport.ts";
import { StreamConnecter } from "../../../src/transport/stream_connecter.ts";
import type { StreamTarget } from "../../../src/transport/stream_protocol.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const PROTOCOL = {
  protocols: ["tcp"],
  tune: () => {},
  tuneConnecting: () => 0,
  isSelfConnection: (_fd: number) => false,
  peerText: () => "",
};

class Stage {
  readonly io = new FakeIo();
  readonly attached: number[] = [];
  gaveUp = 0;
  /** Where to connect to, and how often that was asked. */
  target: StreamTarget | null = null;
  asked = 0;
  /** Keeps answers back. */
  answer: ((target: StreamTarget | null) => void) | null = null;
  late = false;
  takenBack = 0;
  readonly session: SessionPort;
  connecter: StreamConnecter;

  constructor(
    options: Partial<SocketOptions> = {},
    wait = false,
    protocol = PROTOCOL,
  ) {
    this.session = {
      options: {
        ...defaultOptions(SocketType.PUSH),
        reconnectInterval: 100,
        reconnectMaxInterval: 1000,
        ...options,
      },
      endpoint: "tcp://test",
      pipe: null,
      reconnectIntervalMs: 0,
      attach: () => {},
      gaveUp: () => this.gaveUp += 1,
      engineReady: () => false,
      engineError: () => {},
    };
    this.connecter = new StreamConnecter(
      this.io,
      this.session,
      protocol,
      (found) => {
        this.asked += 1;
        if (this.late) this.answer = found;
        else found(this.target);
        return () => this.takenBack += 1;
      },
      (fd) => {
        this.attached.push(fd);
        return {} as Engine;
      },
      wait,
    );
  }

  end(): void {
    this.connecter.close();
    for (const fd of this.attached) closeFd(fd);
    assert.equal(this.io.timers.size, 0, "no timer is left");
    assert.equal(this.io.poller.load, 0, "no descriptor is watched");
    this.io.stop();
  }
}

/** A TCP listener, and where it is. */
function listener(): { fd: number; target: StreamTarget } {
  const fd = openSocket(constants.AF_INET);
  assert.equal(bindSocket(fd, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  assert.equal(listenSocket(fd, 5), 0);
  const sockaddr = localAddress(fd) as Uint8Array;
  return {
    fd,
    target: { family: constants.AF_INET, sockaddr, source: null },
  };
}

const NOWHERE: StreamTarget = {
  family: constants.AF_UNIX,
  sockaddr: sockaddrUn("/nonexistent/socket") as Uint8Array,
  source: null,
};

describe("stream connecter", () => {
  test("attaches an engine once the connection is there", async () => {
    const { fd, target } = listener();
    const s = new Stage();
    s.target = target;
    await s.io.turnUntil(() => s.attached.length > 0, "the connection");
    assert.equal(s.asked, 1);
    const accepted = acceptSocket(fd);
    assert.ok(accepted >= 0);
    closeFd(accepted);
    closeFd(fd);
    s.end();
  });

  test("never calls back from its constructor", () => {
    const s = new Stage();
    assert.equal(s.asked, 0);
    s.end();
  });

  test("a setting that is not to be done without fails the attempt", async () => {
    const { fd, target } = listener();
    let refuses = true;
    const s = new Stage({}, false, {
      ...PROTOCOL,
      tuneConnecting: () => refuses ? -19 : 0,
    });
    s.target = target;
    s.io.turn();
    assert.equal(s.io.timers.size, 1);
    refuses = false;
    s.io.pass(100);
    await s.io.turnUntil(() => s.attached.length > 0, "the connection");
    assert.equal(s.asked, 2);
    s.end();
    closeFd(fd);
  });

  test("tries again after growing intervals, looking the name up each time", () => {
    const s = new Stage();
    s.target = NOWHERE;
    s.io.turn();
    for (const [tries, wait] of [[1, 100], [2, 200], [3, 400]] as const) {
      assert.equal(s.asked, tries);
      s.io.pass(wait - 1);
      assert.equal(s.asked, tries, `not before ${wait} ms`);
      s.io.pass(1);
    }
    assert.equal(s.asked, 4);
    s.end();
  });

  test("waits first when told to", () => {
    const s = new Stage({}, true);
    s.target = NOWHERE;
    s.io.turn();
    assert.equal(s.asked, 0);
    s.io.pass(100);
    assert.equal(s.asked, 1);
    s.end();
  });

  test("a refused connection is tried again", async () => {
    const { fd, target } = listener();
    closeFd(fd);
    const s = new Stage();
    s.target = target;
    await s.io.turnUntil(() => s.io.timers.size === 1, "the refusal");
    s.io.pass(100);
    assert.equal(s.asked, 2);
    s.end();
  });

  test("a name without address is tried again", () => {
    const s = new Stage();
    s.io.turn();
    s.io.pass(100);
    assert.equal(s.asked, 2);
    s.end();
  });

  test("without an interval the first try is the last, and the session hears of it", () => {
    for (const reconnectInterval of [0, -1]) {
      const s = new Stage({ reconnectInterval });
      s.target = NOWHERE;
      s.io.turn();
      s.io.pass(1_000_000);
      assert.equal(s.asked, 1);
      assert.equal(s.gaveUp, 1);
      s.end();
    }
  });

  test("a connection to itself is dropped and tried again", async () => {
    const { fd, target } = listener();
    const s = new Stage({}, false, {
      ...PROTOCOL,
      isSelfConnection: () => true,
    });
    s.target = target;
    await s.io.turnUntil(() => s.io.timers.size === 1, "the pause");
    assert.deepEqual(s.attached, []);
    closeFd(fd);
    s.end();
  });

  test("a connect that gets no answer ends after connectTimeout", () => {
    // A full queue of a listener that does not accept: no answer on loopback.
    const fd = openSocket(constants.AF_INET);
    assert.equal(bindSocket(fd, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
    assert.equal(listenSocket(fd, 0), 0);
    const sockaddr = localAddress(fd) as Uint8Array;
    const target = { family: constants.AF_INET, sockaddr, source: null };
    const stages: Stage[] = [];
    for (let n = 0; n < 8; n += 1) {
      const s = new Stage({ connectTimeout: 500 });
      s.target = target;
      for (let turns = 0; turns < 20; turns += 1) s.io.turn();
      stages.push(s);
    }
    const hanging = stages.filter((s) => s.io.poller.load === 1);
    assert.ok(hanging.length > 0, "a connect without answer");
    for (const s of hanging) {
      s.io.pass(500);
      assert.equal(s.io.poller.load, 0);
      s.io.pass(100);
      assert.equal(s.asked, 2);
    }
    for (const s of stages) s.end();
    closeFd(fd);
  });

  test("close() in each of its states leaves nothing", () => {
    const early = new Stage();
    early.end();
    const searching = new Stage();
    searching.late = true;
    searching.io.turn();
    searching.connecter.close();
    assert.equal(searching.takenBack, 1);
    searching.answer?.(NOWHERE);
    assert.equal(searching.io.timers.size, 0, "a late answer is ignored");
    searching.end();
    const pausing = new Stage();
    pausing.io.turn();
    pausing.end();
  });
});

test("leaves nothing behind", leaks.after);
