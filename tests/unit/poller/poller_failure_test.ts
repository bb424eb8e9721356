import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import process from "node:process";
import {
  EPOLLERR,
  EPOLLHUP,
  errnoNumber,
  EV_EOF,
  EV_ERROR,
  gettid,
  KQUEUE_LAYOUTS,
  monotonicMs,
  openLibc,
  POLLERR,
  POLLHUP,
  wake,
} from "../../../ffi/mod.ts";
import { isTransient, pause } from "../../../src/poller/poller_failure.ts";
import { NO_MEMORY_PAUSE_MS } from "../../../src/poller/poller.ts";
import { leakFree } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";
import { type Backend, BACKENDS, Stage } from "./contract.ts";
import { failWith, Faults, timeoutOf, waitCall } from "./faults.ts";

const ERRORS = ["EINTR", "EAGAIN", "EMFILE", "ENOMEM"];

/** A pause that no event ends, for time to pass inside of a call. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Adds, though a fault may be in the way of the first attempt. */
function addTwice(stage: Stage, fd: number) {
  try {
    return stage.add(fd);
  } catch {
    return stage.add(fd);
  }
}

/** All that a poller is used for; it survives one fault or says why not. */
function useOf(stage: Stage): void {
  const { poller } = stage;
  const [a, b] = stage.pair();
  const [c, d] = stage.pair();
  for (let round = 1; round <= 2; round++) {
    const watched = addTwice(stage, a).want(true, false);
    watched.onIn = () => watched.drain();
    const other = addTwice(stage, c).want(false, true);
    stage.write(b);
    stage.turnsUntil(() => watched.bytes === 1, "a byte");
    stage.turnsUntil(() => other.log.length > 0, "room to write");
    other.want(false, false);
    stage.turns();
    other.log.length = 0;
    stage.turns(2);
    watched.want(true, true);
    stage.turnsUntil(() => watched.count("out") > 0, "the other direction");
    watched.want(true, false);
    wake(poller.wakeTarget);
    poller.wait(20);
    poller.wait(1);
    stage.write(b);
    stage.turnsUntil(() => watched.bytes === 2, "a byte after the wake");
    poller.remove(watched.handle);
    poller.remove(other.handle);
    const { length } = watched.log;
    stage.write(b);
    stage.write(d);
    stage.turns(2);
    assert.equal(watched.log.length, length, "removed");
    assert.equal(poller.load, 0);
    while (openLibc().call.recv(a, new Uint8Array(8), word(8), 0) > 0);
  }
}

function word(value: number) {
  return openLibc().library.word(value);
}

/** Uses a poller with one fault; the error that ended it, if any. */
function outcomeOf(backend: Backend, plan: (faults: Faults) => void) {
  const faults = new Faults(backend);
  let stage: Stage | null = null;
  try {
    plan(faults);
    stage = new Stage(backend);
    useOf(stage);
    return null;
  } catch (error) {
    return error;
  } finally {
    faults.restore();
    stage?.end();
  }
}

/** Each errno from every call at every position. */
function failEverywhere(backend: Backend): void {
  let counts = new Map<string, number>();
  assert.equal(outcomeOf(backend, (faults) => counts = faults.count()), null);
  assert.ok(counts.has(waitCall(backend)), "the waiting call is replaced");
  for (const [name, count] of counts) {
    for (const errno of ERRORS) {
      for (let position = 0; position < count; position++) {
        const start = monotonicMs();
        const error = outcomeOf(
          backend,
          (faults) => faults.fail(name, errno, position, 1),
        );
        const what = `${errno} from call ${position} of ${name}`;
        assert.ok(monotonicMs() - start < 10_000, `${what}: hangs: ${error}`);
        if (error === null) continue;
        assert.ok(error instanceof RangeError, `${what}: ${error}`);
        // Says what cannot be done, and why.
        assert.match(error.message, /^Cannot /, what);
        assert.match(error.message, new RegExp(errno), what);
        assert.notEqual(errno, "EINTR", `${what} is no failure`);
        // What made the poller may fail for good; a wait only for a reason
        // that does not pass.
        const isWait = error.message.startsWith("Cannot wait");
        if (isWait) assert.ok(!isTransient(-errnoNumber(errno)), what);
      }
    }
  }
}

/** CPU time of this thread, ms; of the process, where nothing tells that. */
function cpuMs(): number {
  try {
    const path = `/proc/self/task/${gettid()}/schedstat`;
    return Number(readFileSync(path, "utf8").split(" ")[0]) / 1_000_000;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

/** The share of a core that this thread takes meanwhile. */
function coreShare(body: () => void): number {
  const start = monotonicMs();
  const before = cpuMs();
  body();
  return (cpuMs() - before) / (monotonicMs() - start);
}

/** How often the processor's share is measured, at the most. */
const ATTEMPTS_MAX = 3;

/** Waits for a third of a second while something fails all the time. */
function waitInVain(stage: Stage, plan: (faults: Faults) => void): number {
  const faults = new Faults(stage.backend);
  const name = waitCall(stage.backend);
  let calls = 0;
  let turns = 0;
  try {
    plan(faults);
    faults.replace(name, (real) => (...args) => {
      calls++;
      return real(...args);
    });
    // What the runtime compiles meanwhile, and what others do, only adds.
    let share = Infinity;
    let attempts = 0;
    while (share >= 0.05 && attempts < ATTEMPTS_MAX) {
      attempts++;
      share = coreShare(() => {
        const end = monotonicMs() + 330;
        while (monotonicMs() < end) {
          stage.poller.wait(100);
          turns++;
        }
      });
    }
    // One call per pause at most; twice that, where pauses are rounded down.
    const most = attempts * 2 * 330 / NO_MEMORY_PAUSE_MS;
    assert.ok(calls <= most, `${calls} calls`);
    assert.ok(turns <= most, `${turns} turns`);
    assert.ok(share < 0.05, `${(share * 100).toFixed(1)} % of a core`);
    return turns;
  } finally {
    faults.restore();
  }
}

function withStage(backend: Backend, body: (stage: Stage) => void): () => void {
  return () => {
    const stage = new Stage(backend);
    try {
      body(stage);
    } finally {
      stage.end();
    }
  };
}

/** A wait of 60 ms that signals interrupt every 15. */
function interrupt(stage: Stage): void {
  const faults = new Faults(stage.backend);
  const name = waitCall(stage.backend);
  const timeouts: number[] = [];
  stage.turns();
  faults.replace(name, (real) => (...args) => {
    timeouts.push(timeoutOf(name, args));
    if (timeouts.length > 3) return real(...args);
    sleep(15);
    return failWith("EINTR");
  });
  const start = monotonicMs();
  try {
    assert.equal(stage.poller.wait(60), 0);
  } finally {
    faults.restore();
  }
  const tookMs = monotonicMs() - start;
  assert.ok(tookMs >= 60, `${tookMs} ms: not shorter`);
  assert.equal(timeouts[0], 60);
  for (let n = 1; n < timeouts.length; n++) {
    const left = timeouts[n] as number;
    // On a busy machine the time may be over before the last one.
    const leftMax = Math.max(0, (timeouts[n - 1] as number) - 14);
    assert.ok(left >= 0 && left <= leftMax, timeouts.join());
  }
}

/** Has the wake-up descriptor report that it is broken. */
function breakWakeup(faults: Faults, backend: Backend): void {
  const name = waitCall(backend);
  if (name === "select") {
    // It has no bit for that; but the end of the pipe is read.
    faults.replace("read", () => () => 0);
    return;
  }
  faults.replace(name, () => (...args) => {
    if (name === "poll") {
      const shorts = new Int16Array((args[0] as Int32Array).buffer);
      shorts[3] = POLLERR | POLLHUP;
    } else if (name === "epoll_wait") {
      const words = args[1] as Uint32Array;
      words[0] = EPOLLERR | EPOLLHUP;
      words[1] = 0x7fffffff;
      words[2] = 0;
    } else {
      const { flags, udata, filter } = KQUEUE_LAYOUTS.libkqueue;
      const bytes = args[3] as Uint8Array;
      const view = new DataView(bytes.buffer);
      view.setInt16(filter, -1, true);
      view.setUint16(flags, EV_EOF, true);
      view.setUint32(udata, 0x7fffffff, true);
      view.setUint32(udata + 4, 0, true);
    }
    return 1;
  });
}

function brokenWakeup(stage: Stage): void {
  const faults = new Faults(stage.backend);
  stage.turns();
  wake(stage.poller.wakeTarget);
  try {
    breakWakeup(faults, stage.backend);
    for (let n = 0; n < 3; n++) {
      assert.throws(() => stage.poller.wait(100), /^RangeError: Cannot wait: /);
    }
  } finally {
    faults.restore();
  }
}

/** The kernel's answer to a change that it has no memory for. */
function refuseChanges(faults: Faults): void {
  const { flags, data, size } = KQUEUE_LAYOUTS.libkqueue;
  faults.replace("kevent", (real) => (...args) => {
    const [, changes, count, events] = args;
    if (Number(count) === 0) return real(...args);
    const answers = events as Uint8Array;
    answers.set((changes as Uint8Array).subarray(0, size));
    const view = new DataView(answers.buffer);
    view.setUint16(flags, EV_ERROR, true);
    view.setUint32(data, errnoNumber("ENOMEM"), true);
    view.setUint32(data + 4, 0, true);
    return 1;
  });
}

function spuriousTurn(stage: Stage): void {
  const [watched, other] = stage.reader();
  stage.turns();
  const faults = new Faults(stage.backend);
  let lost = 0;
  // A wait that ends without its event, which then comes with the next.
  faults.replace(waitCall(stage.backend), (real) => (...args) => {
    // What takes no events is a wake of the queue.
    const isWake = args.length === 6 && args[3] === null;
    return !isWake && lost++ < 2 ? 0 : real(...args);
  });
  try {
    stage.write(other);
    wake(stage.poller.wakeTarget);
    assert.equal(stage.poller.wait(1000), 0);
    assert.equal(stage.poller.wait(1000), 0);
    stage.turnsUntil(() => watched.bytes === 1, "the byte all the same");
  } finally {
    faults.restore();
  }
}

for (const backend of BACKENDS) {
  const { name, obstacle } = backend;
  const kind = waitCall(backend);
  describe(`${name}: faults`, () => {
    const everywhere = () => failEverywhere(backend);
    testUnless(
      obstacle,
      `${name}: survives every error at every position, or says why not`,
      // A library has descriptors and a thread of its own, which stay.
      backend.library === null ? leakFree(everywhere) : everywhere,
    );
    testUnless(
      obstacle,
      `${name}: an interrupted wait is neither shorter nor longer`,
      withStage(backend, interrupt),
    );
    testUnless(
      obstacle,
      `${name}: survives a wait that brings nothing`,
      withStage(backend, spuriousTurn),
    );
    testUnless(
      obstacle,
      `${name}: does not spin while the system has no memory`,
      withStage(backend, (stage) => {
        stage.reader();
        stage.turns();
        waitInVain(stage, (faults) => faults.fail(kind, "ENOMEM"));
      }),
    );
    testUnless(
      obstacle ??
        (backend.trigger === "edge"
          ? null
          : "without the system nothing is known here"),
      `${name}: tells what it knows while the system has no memory`,
      withStage(backend, (stage) => {
        const [a] = stage.pair();
        const watched = stage.add(a).want(false, true);
        stage.turns();
        const before = watched.log.length;
        const turns = waitInVain(
          stage,
          (faults) => faults.fail(kind, "ENOMEM"),
        );
        assert.equal(watched.log.length - before, turns, "once a turn");
      }),
    );
    testUnless(
      obstacle ??
        (name.endsWith("woken by user")
          ? "a user event has no descriptor"
          : null),
      `${name}: throws when the wake-up descriptor is broken`,
      withStage(backend, brokenWakeup),
    );
    testUnless(
      obstacle ??
        (name === "epoll, level" || name.startsWith("kqueue, level")
          ? null
          : "changes of interest are no calls here"),
      `${name}: does not spin while a change of interest fails`,
      withStage(backend, (stage) => {
        const [a, b] = stage.pair();
        const watched = stage.add(a).want(true, false);
        watched.onIn = () => watched.drain();
        stage.write(b);
        waitInVain(stage, (faults) => {
          if (kind === "kevent") refuseChanges(faults);
          else faults.fail("epoll_ctl", "ENOMEM");
        });
        assert.equal(watched.bytes, 0);
        stage.turnsUntil(() => watched.bytes === 1, "the byte, afterwards");
      }),
    );
  });
}

test("errors that pass are told from those that do not", () => {
  for (const name of ["ENOMEM", "EAGAIN", "ENOBUFS"]) {
    assert.ok(isTransient(-errnoNumber(name)), name);
  }
  for (const name of ["EBADF", "EMFILE", "EINVAL", "EINTR"]) {
    assert.ok(!isTransient(-errnoNumber(name)), name);
  }
});

test("a pause is as long as the wait at most", () => {
  const start = monotonicMs();
  pause(0);
  assert.ok(monotonicMs() - start < 5000);
  pause(-1);
  pause(1000);
  assert.ok(monotonicMs() - start >= 2 * NO_MEMORY_PAUSE_MS - 1);
});
