import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  errnoNumber,
  listenSocket,
  localAddress,
  openSocket,
  peerAddress,
  sockaddrIn,
} from "../../../ffi/mod.ts";
import { StreamListener } from "../../../src/transport/stream_listener.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { commandFor } from "../../support/runtime.ts";
import { testUnless } from "../../support/skip.ts";
import { until } from "../../support/wait.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const ENOMEM = -errnoNumber("ENOMEM");

/** Descriptors of the child that runs out of them. */
const DESCRIPTORS = 80;

/** A TCP listener, and connections to it. */
class Port {
  readonly fd: number = openSocket(constants.AF_INET);
  readonly #address: Uint8Array;
  readonly clients: number[] = [];

  constructor() {
    const anywhere = sockaddrIn("127.0.0.1", 0) as Uint8Array;
    assert.equal(bindSocket(this.fd, anywhere), 0);
    assert.equal(listenSocket(this.fd, 500), 0);
    this.#address = localAddress(this.fd) as Uint8Array;
  }

  /** Connects so often; loopback makes the connections at once. */
  connect(count: number): void {
    for (let n = 0; n < count; n += 1) {
      const fd = openSocket(constants.AF_INET);
      assert.ok(fd >= 0);
      connectSocket(fd, this.#address);
      this.clients.push(fd);
    }
  }

  end(): void {
    for (const fd of this.clients) closeFd(fd);
  }
}

/** A listener on a port, on an I/O worker that the test turns. */
class Stage {
  readonly io = new FakeIo();
  readonly port = new Port();
  readonly accepted: number[] = [];
  readonly listener: StreamListener;
  /** How often the listener asked the poller to watch. */
  asked = 0;
  /** How often the listener said that it was closed. */
  closed = 0;
  /** Called for each connection. */
  onAccepted: () => void = () => {};

  /** @param refusals How often the poller refuses first. */
  constructor(refusals = 0) {
    const { poller } = this.io;
    const add = poller.add.bind(poller);
    poller.add = (fd, events) => {
      this.asked += 1;
      return this.asked <= refusals ? ENOMEM : add(fd, events);
    };
    this.listener = new StreamListener(
      this.io,
      this.port.fd,
      (fd) => {
        this.accepted.push(fd);
        this.onAccepted();
      },
      () => this.closed += 1,
    );
  }

  end(): void {
    this.listener.close();
    assert.equal(this.closed, 1, "it cleans up once");
    assert.equal(localAddress(this.port.fd), null, "its descriptor is closed");
    assert.equal(this.io.timers.size, 0, "no timer is left");
    assert.equal(this.io.poller.load, 0, "no descriptor is watched");
    for (const fd of this.accepted) closeFd(fd);
    this.port.end();
    this.io.stop();
  }
}

/** Where a connection comes from, as bytes. */
function source(fd: number): string {
  return String(localAddress(fd));
}

describe("stream listener", () => {
  test("accepts each connection once, in the order of their coming", async () => {
    const s = new Stage();
    s.io.turn();
    assert.deepEqual(s.accepted, []);
    for (const count of [1, 3]) {
      s.port.connect(count);
      const all = s.port.clients.length;
      await s.io.turnUntil(() => s.accepted.length >= all, "connections");
    }
    s.io.turn();
    assert.deepEqual(
      s.accepted.map((fd) => String(peerAddress(fd))),
      s.port.clients.map(source),
    );
    s.end();
  });

  test("accepts at most 64 in a turn", async () => {
    const s = new Stage();
    s.port.connect(150);
    await until(
      () => s.port.clients.every((fd) => peerAddress(fd) !== null),
      "150 connects",
    );
    const steps: number[] = [];
    let before = 0;
    await s.io.turnUntil(() => {
      steps.push(s.accepted.length - before);
      before = s.accepted.length;
      return before >= 150;
    }, "150 connections");
    assert.equal(Math.max(...steps), 64, `steps of ${steps.join(", ")}`);
    s.end();
  });

  test("close() within the callback: the rest is not accepted", async () => {
    const s = new Stage();
    s.onAccepted = () => s.accepted.length === 2 && s.listener.close();
    s.port.connect(5);
    await s.io.turnUntil(() => s.closed > 0, "two connections");
    for (let n = 0; n < 5; n += 1) s.io.turn();
    assert.equal(s.accepted.length, 2);
    s.end();
  });

  test("close() within the callback: nothing is taken from who has its number", () => {
    const io = new FakeIo();
    const port = new Port();
    let other: Port | null = null;
    const accepted: number[] = [];
    const listener = new StreamListener(
      io,
      port.fd,
      (fd) => {
        accepted.push(fd);
        listener.close();
        // The lowest free number is the one that was just closed.
        other ??= new Port();
        other.connect(1);
      },
      () => {},
    );
    port.connect(1);
    listener.inEvent();
    const { fd, clients } = other ?? assert.fail("a connection");
    assert.equal(accepted.length, 1);
    for (const one of [fd, ...clients, ...accepted]) closeFd(one);
    port.end();
    io.stop();
  });

  test("close() before anybody came, and twice", () => {
    const s = new Stage();
    s.listener.close();
    s.io.turn();
    s.end();
  });

  test("an error that no pause mends sets no timer", () => {
    const io = new FakeIo();
    // A socket that does not listen: accept says EINVAL.
    const fd = openSocket(constants.AF_INET);
    const accepted: number[] = [];
    const listener = new StreamListener(
      io,
      fd,
      (connection) => accepted.push(connection),
      () => {},
    );
    for (let n = 0; n < 3; n += 1) {
      listener.inEvent();
      io.turn();
    }
    assert.equal(io.timers.size, 0);
    assert.deepEqual(accepted, []);
    listener.close();
    assert.equal(io.poller.load, 0);
    io.stop();
  });

  test("a readiness that came to nothing is no error", async () => {
    const s = new Stage();
    s.listener.inEvent();
    assert.equal(s.io.timers.size, 0);
    s.port.connect(1);
    await s.io.turnUntil(() => s.accepted.length === 1, "the connection");
    s.end();
  });

  test("a poller without room is asked again, after growing pauses", async () => {
    const s = new Stage(9);
    s.port.connect(1);
    let asked = 1;
    for (const ms of [10, 20, 40, 80, 160, 320, 640, 1000, 1000]) {
      assert.equal(s.asked, asked);
      s.io.pass(ms - 1);
      assert.equal(s.asked, asked, `not before ${ms} ms`);
      s.io.pass(1);
      asked += 1;
    }
    assert.equal(s.asked, 10);
    assert.equal(s.io.timers.size, 0);
    await s.io.turnUntil(() => s.accepted.length === 1, "the connection");
    s.end();
  });

  test("close() in such a pause: nobody is asked again", () => {
    const s = new Stage(Infinity);
    assert.equal(s.io.timers.size, 1);
    s.listener.close();
    assert.equal(s.io.timers.size, 0);
    s.io.pass(1000);
    assert.equal(s.asked, 1);
    s.end();
  });
});

/** What the child reports. */
interface Report {
  refusal: string;
  timersAtFirst: number;
  pauses: number[];
  acceptedInPause: number;
  acceptedAfter: number;
  pauseAfterSuccess: number;
  timersAfterClose: number;
  acceptedAfterClose: number;
  load: number;
  isClosed: boolean;
}

function runExhausted(): Report {
  const script = fileURLToPath(
    new URL("../../support/children/exhausted_listener.ts", import.meta.url),
  );
  const { command, args } = commandFor(script, []);
  const child = spawnSync(
    "sh",
    ["-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", command, ...args],
    { encoding: "utf8", timeout: 60_000 },
  );
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as Report;
}

testUnless(
  process.platform !== "linux" && "needs a shell that can limit descriptors",
  "stream listener: without descriptors it pauses, and goes on",
  () => {
    const report = runExhausted();
    assert.deepEqual(report, {
      refusal: "EMFILE",
      // At the first failure it sets one timer.
      timersAtFirst: 1,
      // From then on until each further try.
      pauses: [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000],
      acceptedInPause: 0,
      // Two were to be had; behind them it ran out again.
      acceptedAfter: 2,
      pauseAfterSuccess: 10,
      // Closed within a pause, although there were two again.
      timersAfterClose: 0,
      acceptedAfterClose: 2,
      load: 0,
      isClosed: true,
    });
  },
);

test("leaves nothing behind", leaks.after);
