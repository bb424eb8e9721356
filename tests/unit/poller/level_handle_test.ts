import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Deliverable,
  deliverFound,
  directions,
  noteFound,
} from "../../../src/poller/level_handle.ts";
import { INPUT, OUTPUT } from "../../../src/poller/ready_list.ts";

function handleOf(name: string, log: string[]): Deliverable {
  return {
    events: {
      inEvent: () => log.push(`${name} in`),
      outEvent: () => log.push(`${name} out`),
    },
    wanted: INPUT | OUTPUT,
    ready: 0,
    removed: false,
  };
}

test("directions are bits", () => {
  assert.deepEqual(
    [directions(false, false), directions(true, false), directions(true, true)],
    [0, INPUT, INPUT | OUTPUT],
  );
});

test("a handle that is found twice is told once of both", () => {
  const log: string[] = [];
  const found: Deliverable[] = [];
  const handle = handleOf("it", log);
  noteFound(found, handle, INPUT);
  noteFound(found, handle, OUTPUT);
  assert.equal(deliverFound(found), 1);
  assert.deepEqual(log, ["it out", "it in"]);
  assert.deepEqual([found.length, handle.ready], [0, 0]);
});

test("a callback that throws leaves the rest to be told", () => {
  const log: string[] = [];
  const found: Deliverable[] = [];
  const handles = ["one", "two", "three"].map((name) => handleOf(name, log));
  const faulty = {
    ...handleOf("faulty", log),
    events: {
      inEvent: () => {},
      outEvent: () => {
        throw new Error("of the callback");
      },
    },
  };
  const [one, two, three] = handles as [Deliverable, Deliverable, Deliverable];
  for (const handle of [one, faulty, two, three]) {
    noteFound(found, handle, OUTPUT);
  }
  assert.throws(() => deliverFound(found), /of the callback/);
  assert.deepEqual(log, ["one out"]);
  // Found again by the system, and removed, before the next turn.
  noteFound(found, two, OUTPUT);
  three.removed = true;
  assert.equal(deliverFound(found), 1);
  assert.deepEqual(log, ["one out", "two out"]);
});
