import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { errnoName, FD_SETSIZE, signalFd, Wakeup } from "../../../ffi/mod.ts";
import { type Case, forEveryBackend, type Stage, Watched } from "./contract.ts";
import { test } from "node:test";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

/** The name of the error with which a descriptor is refused. */
function refusal(stage: Stage, fd: number): string {
  const result = stage.poller.add(fd, new Watched(stage.poller));
  assert.ok(typeof result === "number", `${fd} is not refused`);
  assert.ok(result < 0, `a negative errno: ${result}`);
  return errnoName(result);
}

/** It works on as if nothing had been asked. */
function stillWorks(stage: Stage): void {
  const { load } = stage.poller;
  const [watched, other] = stage.reader();
  assert.equal(stage.poller.load, load + 1);
  stage.write(other);
  stage.turnsUntil(() => watched.bytes === 1, "an event");
  stage.poller.remove(watched.handle);
}

const descriptors: Record<string, Case> = {
  "refuses what is no open descriptor": (stage) => {
    const [a] = stage.pair();
    stage.close(a);
    assert.equal(refusal(stage, a), "EBADF");
    for (const fd of [-1, -5, 1_000_000, 0x7fffffff]) {
      assert.equal(refusal(stage, fd), "EBADF", `${fd}`);
    }
    assert.equal(stage.poller.load, 0);
    stillWorks(stage);
  },
  "refuses what is registered, and keeps that": (stage) => {
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, false);
    assert.equal(refusal(stage, a), "EEXIST");
    assert.equal(stage.poller.load, 1);
    stage.write(b);
    stage.turns();
    assert.deepEqual(watched.log, ["in"]);
    stillWorks(stage);
  },
  "refuses a regular file and a directory": (stage) => {
    const paths = [new URL(import.meta.url), new URL(".", import.meta.url)];
    for (const path of paths) {
      const fd = openSync(path, "r");
      try {
        assert.equal(refusal(stage, fd), "EPERM", path.href);
      } finally {
        closeSync(fd);
      }
    }
    assert.equal(stage.poller.load, 0);
    stillWorks(stage);
  },
  "serves a pipe as well as a socket": (stage) => {
    const pipe = Wakeup.open("pipe");
    stage.keep(pipe.readFd);
    stage.keep(pipe.writeFd);
    const watched = stage.add(pipe.readFd).want(true, false);
    stage.turns();
    assert.deepEqual(watched.log, []);
    signalFd(pipe.writeFd);
    stage.turns();
    assert.deepEqual(watched.log, ["in"]);
  },
  "takes no notice of handles that are removed": (stage) => {
    const { poller } = stage;
    const [a, b] = stage.pair();
    const watched = stage.add(a).want(true, true);
    poller.remove(watched.handle);
    stage.write(b);
    poller.setInterest(watched.handle, true, true);
    poller.inputExhausted(watched.handle);
    poller.outputExhausted(watched.handle);
    poller.remove(watched.handle);
    stage.turns(2);
    assert.deepEqual(watched.log, []);
    // Also when the number is registered again.
    const next = stage.add(a).want(true, false);
    poller.setInterest(watched.handle, false, false);
    poller.remove(watched.handle);
    stage.turns();
    assert.deepEqual([watched.log, next.log], [[], ["in"]]);
  },
  "serves a wake-up with the number of a closed one": (stage) => {
    // To all but epoll an eventfd looks like any other.
    const open = (): number => {
      const { readFd, writeFd } = Wakeup.open();
      stage.keep(readFd);
      if (writeFd !== readFd) stage.keep(writeFd);
      return readFd;
    };
    const number = open();
    stage.add(number).want(true, false);
    stage.close(number);
    // A turn finds it closed.
    stage.turns(2);
    for (let n = 0; open() !== number; n++) assert.ok(n < 50);
    const watched = stage.add(number).want(true, false);
    assert.equal(stage.poller.load, 1);
    stage.turns();
    assert.deepEqual(watched.log, []);
    signalFd(number);
    stage.turnsUntil(() => watched.log.length > 0, "its event");
  },
  "survives a descriptor that was closed and not removed": (stage) => {
    const [a] = stage.pair();
    const watched = stage.add(a).want(true, false);
    stage.turns();
    stage.close(a);
    stage.turns(3);
    assert.deepEqual(watched.log, [], "forgotten, as by epoll");
    const start = performance.now();
    stage.poller.wait(30);
    assert.ok(performance.now() - start >= 29, "no spinning on it");
    watched.want(true, true).want(true, false);
    stage.turns(3);
    stage.poller.remove(watched.handle);
    stillWorks(stage);
    assert.equal(stage.poller.load, 0);
  },
};

const limits: Record<string, Case> = {
  "refuses a descriptor beyond FD_SETSIZE": (stage) => {
    let [high] = stage.pair();
    while (high < FD_SETSIZE) high = stage.pair()[1];
    assert.equal(refusal(stage, high), "EMFILE");
    const other = stage.backend;
    assert.throws(() => other.make(), /below 1024 only/);
    assert.equal(stage.poller.load, 0);
  },
};

forEveryBackend(
  "descriptors",
  descriptors,
  ({ name: backend }, name) =>
    name.includes("the number of a closed one") && backend.startsWith("kqueue")
      ? "nothing tells a kqueue that a descriptor was closed"
      : null,
);
forEveryBackend(
  "limits",
  limits,
  (backend) =>
    backend.name === "select" ? null : "select alone has such a limit",
);

test("leaves nothing behind", leaks.after);
