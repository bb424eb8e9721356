import assert from "node:assert/strict";
import { test } from "node:test";
import {
  INPUT,
  OUTPUT,
  type ReadyEntry,
  ReadyList,
} from "../../../src/poller/ready_list.ts";

/** An entry that notes under its name what it is told. */
function entryOf(name: string, log: string[], act?: () => void): ReadyEntry {
  const told = (direction: string) => (): void => {
    log.push(`${name} ${direction}`);
    act?.();
  };
  return {
    events: { inEvent: told("in"), outEvent: told("out") },
    wanted: INPUT,
    ready: 0,
    hungUp: false,
    broken: false,
    queued: false,
    removed: false,
  };
}

test("many that stay ready are told in turn, a part of them at a time", () => {
  const list = new ReadyList();
  const log: string[] = [];
  const count = 5000;
  for (let n = 0; n < count; n++) {
    list.becameReady(entryOf(`${n}`, log), INPUT, false);
  }
  const expected: string[] = [];
  for (let turn = 0; turn < 100; turn++) {
    for (let n = 0; n < 256; n++) {
      expected.push(`${(turn * 256 + n) % count} in`);
    }
    assert.equal(list.deliver(256), 256);
  }
  assert.deepEqual(log, expected);
  assert.equal(list.empty, false);
});

test("the work of a turn does not grow with those that wait", () => {
  const msOf = (count: number): number => {
    const list = new ReadyList();
    for (let n = 0; n < count; n++) {
      list.becameReady(entryOf("", []), INPUT, false);
    }
    const start = performance.now();
    for (let turn = 0; turn < 20_000; turn++) list.deliver(1);
    return performance.now() - start;
  };
  msOf(100);
  // Linear work would take a thousand times as long.
  const [few, many] = [msOf(100), msOf(100_000)];
  assert.ok(many < 50 * few + 200, `${few} ms, then ${many} ms`);
});

test("what queues up in a turn is for the next one", () => {
  const list = new ReadyList();
  const log: string[] = [];
  const late = entryOf("late", log);
  const first = entryOf("first", log, () => {
    list.exhausted(first, INPUT);
    list.becameReady(late, INPUT, false);
  });
  list.becameReady(first, INPUT, false);
  assert.equal(list.deliver(256), 1);
  assert.deepEqual(log, ["first in"]);
  assert.equal(list.deliver(256), 1);
  assert.deepEqual(log, ["first in", "late in"]);
  list.exhausted(late, INPUT);
  assert.equal(list.deliver(256), 0);
  assert.ok(list.empty);
});

test("a callback that throws takes nobody's turn away", () => {
  const list = new ReadyList();
  const log: string[] = [];
  let isFaulty = true;
  const faulty = entryOf("faulty", log, () => {
    if (isFaulty) throw new Error("of the callback");
  });
  const others = ["one", "two"].map((name) => entryOf(name, log));
  for (const entry of [faulty, ...others]) {
    list.becameReady(entry, INPUT, false);
  }
  assert.throws(() => list.deliver(256), /of the callback/);
  isFaulty = false;
  assert.equal(list.deliver(256), 3);
  assert.deepEqual(log, ["faulty in", "one in", "two in", "faulty in"]);
});

test("a short read after a hang-up is followed by one more", () => {
  const list = new ReadyList();
  const log: string[] = [];
  const entry = entryOf("it", log, () => list.exhausted(entry, INPUT));
  entry.hungUp = true;
  list.becameReady(entry, INPUT, false);
  for (let turn = 0; turn < 4; turn++) list.deliver(256);
  assert.deepEqual(log, ["it in", "it in"]);
});

test("what broke without interest is told once", () => {
  const list = new ReadyList();
  const log: string[] = [];
  const entry = entryOf("it", log);
  entry.wanted = 0;
  list.becameReady(entry, INPUT | OUTPUT, true);
  assert.equal(list.deliver(256), 1);
  assert.equal(list.deliver(256), 0);
  entry.wanted = OUTPUT;
  list.interestChanged(entry);
  assert.equal(list.deliver(256), 1);
  assert.deepEqual(log, ["it in", "it out"]);
});
