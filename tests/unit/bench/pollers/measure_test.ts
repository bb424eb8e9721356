import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "../../../../bench/harness.ts";
import type {
  Contender,
  OtherEnd,
  ServerTask,
} from "../../../../bench/pollers/contenders.ts";
import {
  type Job,
  measureRounds,
  smallerSize,
} from "../../../../bench/pollers/measure.ts";
import { hardDescriptorLimit } from "../../../../bench/pollers/limits.ts";
import { findRuntime } from "../../../../bench/runtimes.ts";
import { leakFree } from "../../../support/leaks.ts";
import { testUnless } from "../../../support/skip.ts";

const runtime = findRuntime(
  process.versions["bun"] === undefined ? "deno" : "bun",
);

function program(
  name: string,
  words: readonly (string | number)[],
): Command {
  const url = new URL(`../../../../bench/pollers/${name}`, import.meta.url);
  return {
    file: runtime.path,
    args: [...runtime.runArguments, fileURLToPath(url), ...words.map(String)],
  };
}

const otherEnd: OtherEnd = {
  name: "peer.ts",
  command: (...task) => program("peer.ts", task),
};

function contenderOf(name: string, kind: string, trigger: string): Contender {
  return {
    name,
    isPeer: false,
    flat: true,
    style: { colour: 0, marker: 0, dash: 0 },
    server: ({ port, connections, warmUpEvents, measuredMs }: ServerTask) =>
      program("serve.ts", [
        port,
        connections,
        warmUpEvents,
        measuredMs,
        kind,
        trigger,
      ]),
  };
}

function jobOf(contender: Contender, changes: Partial<Job>): Job {
  return {
    contender,
    asked: 12,
    connections: 12,
    active: 0,
    warmUpEvents: 0,
    measuredMs: 0,
    shrinks: false,
    refusal: null,
    readings: [],
    ...changes,
  };
}

test("a round number of connections is taken, if it tells anything new", () => {
  assert.equal(smallerSize(1014, [1, 10, 100, 1000]), 0);
  assert.equal(smallerSize(1000, [1, 10, 100]), 900);
  assert.equal(smallerSize(987, [1, 10, 100, 1000]), 900);
  assert.equal(smallerSize(987, [1, 10, 100, 900]), 0);
  assert.equal(smallerSize(100, []), 0);
});

describe("a pair of processes", () => {
  test(
    "is measured while bytes go to and fro",
    leakFree(async () => {
      const poll = contenderOf("poll", "poll", "level");
      const told: string[] = [];
      const task = { active: 3, warmUpEvents: 50, measuredMs: 20 };
      const job = jobOf(poll, task);
      await measureRounds([[job]], 2, otherEnd, (_, pair) => {
        told.push(`repetition ${pair}`);
      });
      assert.deepEqual(told, ["repetition 0", "repetition 1"]);
      assert.equal(job.readings.length, 2);
      for (const { server, peer } of job.readings) {
        assert.equal(server.connections, 12);
        assert.ok(server.events > 0 && server.turns > 0);
        assert.ok(server.wallUs >= 20_000 && server.cpuUs > 0);
        assert.ok(server.setupWallUs > 0 && peer.openedUs > 0);
      }
    }),
  );

  test(
    "is measured while nothing happens",
    leakFree(async () => {
      const job = jobOf(contenderOf("p", "poll", "level"), { measuredMs: 20 });
      await measureRounds([[job]], 1, otherEnd, () => {});
      const [reading] = job.readings;
      assert.equal(reading?.server.events, 0);
      assert.ok((reading?.server.turns ?? 0) >= 1);
    }),
  );

  test("fails when one of them does", async () => {
    const task = contenderOf("none", "devpoll", "level");
    await assert.rejects(
      measureRounds([[jobOf(task, {})]], 1, otherEnd, () => {}),
      /serve\.ts .*devpoll/,
    );
    const lost: OtherEnd = {
      name: "lost",
      command: () => program("peer.ts", [1, 12, 0]),
    };
    const poll = contenderOf("poll", "poll", "level");
    await assert.rejects(
      measureRounds([[jobOf(poll, {})]], 1, lost, () => {}),
      /peer\.ts 1 12 0.*Cannot connect: ECONNREFUSED/s,
    );
  });

  const obstacle = hardDescriptorLimit() < 1200
    ? "a process may not have 1,200 descriptors here"
    : null;
  testUnless(obstacle, "does with fewer where no more can be", async () => {
    const select = contenderOf("select", "select", "level");
    const connections = { asked: 1100, connections: 1100 };
    const [few, many] = [
      jobOf(select, { ...connections, shrinks: true }),
      jobOf(select, connections),
    ];
    await measureRounds([[few], [many]], 1, otherEnd, () => {});
    assert.ok(few.connections > 500 && few.connections < 1024);
    assert.equal(few.readings[0]?.server.connections, few.connections);
    assert.equal(few.refusal?.refused, "EMFILE");
    assert.equal(many.connections, 0);
    assert.deepEqual(many.readings, []);
  });
});
