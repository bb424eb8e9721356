import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contender } from "../../../../bench/pollers/contenders.ts";
import type { Job } from "../../../../bench/pollers/measure.ts";
import type { PairReading } from "../../../../bench/pollers/readings.ts";
import {
  flatness,
  judge,
  ratioOf,
  type Study,
  verdictLine,
  wallPerEvent,
} from "../../../../bench/pollers/verdicts.ts";

function contenderOf(name: string, flat: boolean): Contender {
  return {
    name,
    flat,
    isPeer: name === "C",
    style: { colour: 0, marker: 0, dash: 0 },
    server: () => ({ file: "", args: [] }),
  };
}

const PEER = contenderOf("C", true);
const FLAT = contenderOf("flat", true);
const OTHER = contenderOf("other", false);

function readingOf(cpuUs: number, openedUs: number = 0): PairReading {
  const server = {
    connections: 1,
    setupCpuUs: 0,
    setupWallUs: 0,
    events: 100,
    turns: 10,
    cpuUs,
    wallUs: 1000,
  };
  return { server, peer: { openedUs } };
}

function jobOf(
  contender: Contender,
  asked: number,
  readings: readonly PairReading[],
): Job {
  return {
    contender,
    asked,
    active: 0,
    warmUpEvents: 0,
    measuredMs: 0,
    shrinks: false,
    connections: asked,
    refusal: null,
    readings: [...readings],
  };
}

function cpu(contender: Contender, asked: number, ...values: number[]): Job {
  return jobOf(contender, asked, values.map((value) => readingOf(value)));
}

function opened(contender: Contender, ...values: number[]): Job {
  const readings = values.map((value) => readingOf(0, value));
  return jobOf(contender, 1000, readings);
}

/** A study that keeps its bounds, but for the changes. */
function studyOf(changes: Partial<Study> = {}): Study {
  return {
    cost: [
      [cpu(PEER, 10, 1, 1, 1), cpu(FLAT, 10, 8, 16, 32)],
      [cpu(PEER, 1000, 9, 9, 9), cpu(FLAT, 1000, 9, 16, 40)],
    ],
    costFewActive: [cpu(FLAT, 1000, 8, 16, 32)],
    echo: [opened(PEER, 10, 20, 30), opened(FLAT, 15, 40, 45)],
    idle: [cpu(PEER, 1000, 900), cpu(FLAT, 1000, 10), cpu(OTHER, 1000, 15)],
    ...changes,
  };
}

test("ratios are taken repetition by repetition", () => {
  const study = studyOf();
  const largest = study.cost.at(-1) ?? [];
  const [, flat] = largest;
  assert.ok(flat !== undefined);
  assert.deepEqual(flatness(study, flat, largest), {
    median: 1.125,
    min: 1,
    max: 1.25,
  });
});

test("there is no ratio where a side is missing", () => {
  const job = cpu(FLAT, 10, 1, 2);
  assert.equal(ratioOf(job, undefined, wallPerEvent), null);
  assert.equal(ratioOf(job, cpu(PEER, 10, 1), wallPerEvent), null);
  assert.equal(ratioOf(cpu(FLAT, 10), cpu(PEER, 10), wallPerEvent), null);
  const [first] = studyOf().cost;
  assert.equal(
    flatness(studyOf({ cost: [first ?? []] }), job, first ?? []),
    null,
    "the base by itself",
  );
});

test("kept bounds pass, each with its figure and its worst contender", () => {
  const line = verdictLine(judge(studyOf()));
  assert.equal(
    line,
    "pollers: PASS | flatness (1,000 watched / 10): 1.13 ≤ 1.3 (flat) | " +
      "flatness with 10 active in both: 1.00 ≤ 1.3 (flat) | " +
      "accepting and echoing 1,000 / C: 1.50 ≤ 2 (flat) | " +
      "idle with 1,000, share of a core: 0.01500 ≤ 0.02 (other)",
  );
});

test("who took no part is said", () => {
  const leftOut = [
    { names: ["kqueue", "kqueue-edge"], reason: "No library: name one" },
    { names: ["poll"], reason: "not asked for" },
  ];
  const idle = [jobOf(FLAT, 1000, []), cpu(OTHER, 1000, 15)];
  const line = verdictLine(judge(studyOf({ idle })), leftOut);
  assert.match(
    line,
    /^pollers: PASS \(without kqueue, kqueue-edge: No library; without poll: not asked for\) \|/,
  );
  assert.match(line, /0\.01500 ≤ 0\.02 \(other; without flat\)$/);
  // What tests/ok.ts looks for.
  assert.match(line, /^pollers: (PASS|MISSED|INCOMPLETE) /);
});

test("a missed bound is said", () => {
  const misses: Partial<Study>[] = [
    { echo: [opened(PEER, 10), opened(FLAT, 21)] },
    { idle: [cpu(OTHER, 1000, 21)] },
    { costFewActive: [cpu(FLAT, 1000, 14, 28, 42)] },
  ];
  for (const miss of misses) {
    const line = verdictLine(judge(studyOf(miss)));
    assert.match(line, /^pollers: MISSED \|/);
    assert.equal(line.match(/ > /g)?.length, 1, line);
  }
});

test("what is no number is no pass", () => {
  const none = { ...readingOf(NaN) };
  const idle = [jobOf(FLAT, 1000, [none]), cpu(OTHER, 1000, 1)];
  assert.match(verdictLine(judge(studyOf({ idle }))), /^pollers: MISSED/);
});

test("only flat pollers are judged by flatness and echo", () => {
  const slow = [cpu(OTHER, 10, 1, 1, 1), cpu(OTHER, 1000, 99, 99, 99)];
  const { cost, echo } = studyOf();
  const study = studyOf({
    cost: cost.map((round, index) => [...round, slow[index] as Job]),
    echo: [...echo, opened(OTHER, 999, 999, 999)],
  });
  assert.match(verdictLine(judge(study)), /^pollers: PASS/);
});

test("what was not measured is no pass", () => {
  const line = verdictLine(judge(studyOf({ echo: [opened(FLAT, 1)] })));
  assert.match(line, /^pollers: INCOMPLETE \|.* \/ C: not measured \(≤ 2\)/);
  assert.match(
    verdictLine(judge({ cost: [], costFewActive: [], echo: [], idle: [] })),
    /^pollers: INCOMPLETE/,
  );
});
