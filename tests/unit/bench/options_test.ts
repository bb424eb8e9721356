import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseCrowdArguments } from "../../../bench/crowd/arguments.ts";
import { residentPages } from "../../../bench/crowd/resident.ts";
import { topicNumber, topicOf } from "../../../bench/crowd/topics.ts";
import { Estimate, formatDuration } from "../../../bench/estimate.ts";
import { parseOptions } from "../../../bench/options.ts";
import { parsePerfArguments } from "../../../bench/perf_arguments.ts";

describe("the command line of the bench", () => {
  test("writes results only if nothing is left out, or where it is told", () => {
    const output = (...argv: string[]): string | null =>
      parseOptions(argv, "results").output;
    assert.equal(output(), "results");
    assert.equal(output("--pairs=7"), "results");
    assert.equal(output("--tiny"), null);
    assert.equal(output("--rows=tcp"), null);
    assert.equal(output("--runtimes=bun"), null);
    assert.equal(output("--rows=tcp", "--output=there"), "there");
  });

  test("measures five pairs, a tiny run one, and as many as it is told", () => {
    const pairs = (...argv: string[]): number => parseOptions(argv, "").pairs;
    assert.deepEqual(
      [pairs(), pairs("--tiny"), pairs("--tiny", "--pairs=2")],
      [5, 1, 2],
    );
  });

  test("refuses what it does not know", () => {
    for (const word of ["--pair=3", "--pairs=0", "--runtimes=node", "tiny"]) {
      assert.throws(() => parseOptions([word], ""), RangeError, word);
    }
  });
});

describe("the command lines of the programs", () => {
  test("are those of libzmq's tools, with flags", () => {
    assert.deepEqual(
      parsePerfArguments(["tcp://x", "64", "9", "--message", "--ready"], true),
      {
        endpoint: "tcp://x",
        size: 64,
        count: 9,
        idiom: "message",
        ready: true,
      },
    );
    assert.equal(parsePerfArguments(["64", "9"], false)?.idiom, "sync");
    assert.equal(parsePerfArguments(["64", "9", "--sync"], false), null);
    assert.equal(parsePerfArguments(["64", "0"], false), null);
  });

  test("of many peers have a side, numbers and perhaps a word", () => {
    const parse = (text: string): unknown =>
      parseCrowdArguments(text.split(" "), 2);
    assert.deepEqual(parse("bind tcp://x 3 4 hit"), {
      binds: true,
      endpoint: "tcp://x",
      numbers: [3, 4],
      word: "hit",
    });
    for (
      const text of [
        "tcp://x 3 4",
        "connect tcp://x 3",
        "bind tcp://x 3 0",
        "bind tcp://x 3 4 hit more",
      ]
    ) assert.equal(parse(text), null, text);
  });
});

test("topics have one size, and each is published", () => {
  const sizes = [0, 99_999].map((n) => topicOf(n, "A").length);
  assert.deepEqual(sizes, [32, 32]);
  for (const subscriptions of [500, 100_000]) {
    const numbers = new Set<number>();
    for (let n = 0; n < subscriptions; n++) {
      numbers.add(topicNumber(n, subscriptions));
    }
    assert.equal(numbers.size, subscriptions);
  }
});

test("the resident size is the second number of statm", () => {
  assert.equal(residentPages("9000 1234 10 5 0 80 0\n"), 1234);
  assert.throws(() => residentPages(""), TypeError);
});

test("what is left is told from what is over", () => {
  const estimate = new Estimate(10);
  estimate.begin();
  assert.equal(estimate.leftMs(500), null);
  estimate.begin();
  estimate.begin();
  // Two of ten runs are over.
  assert.equal(estimate.leftMs(2_000), 8_000);
  assert.equal(formatDuration(8_000), "8 s");
  assert.equal(formatDuration(125_000), "2 min 5 s");
});
