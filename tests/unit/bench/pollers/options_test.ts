import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "../../../../bench/pollers/options.ts";

test("without options all is measured and kept", () => {
  const options = parseOptions([]);
  assert.ok(options.complete);
  assert.deepEqual(options.runtimes, ["deno", "bun"]);
  assert.deepEqual(options.sizes, [1, 10, 100, 1_000, 10_000]);
  assert.deepEqual(options.phases, ["cost", "echo", "idle"]);
  assert.ok(options.pairs >= 5);
});

test("what is narrowed is not kept, what is repeated more often is", () => {
  assert.ok(parseOptions(["--pairs=9"]).complete);
  const narrow = [
    "--small",
    "--pairs=2",
    "--kinds=epoll",
    "--runtimes=bun",
    "--sizes=1,10",
    "--only=idle",
  ];
  for (const word of narrow) {
    assert.equal(parseOptions([word]).complete, false, word);
  }
});

test("a small run is one short repetition", () => {
  const small = parseOptions(["--small"]);
  const normal = parseOptions([]);
  assert.equal(small.pairs, 1);
  assert.ok(small.measuredMs < normal.measuredMs);
  assert.ok(Math.max(...small.sizes) < Math.max(...normal.sizes));
  assert.deepEqual(small.kinds, normal.kinds);
});

test("words are taken as they are meant", () => {
  const options = parseOptions([
    "--kinds=poll,epoll-edge",
    "--runtimes=bun",
    "--sizes=100,5",
    "--pairs=3",
    "--only=echo",
  ]);
  assert.deepEqual(options.kinds, ["poll", "epoll-edge"]);
  assert.deepEqual(options.runtimes, ["bun"]);
  assert.deepEqual(options.sizes, [5, 100]);
  assert.equal(options.pairs, 3);
  assert.deepEqual(options.phases, ["echo"]);
});

test("what is unknown is refused", () => {
  const wrong = [
    "--what",
    "--kinds=devpoll",
    "--runtimes=node",
    "--sizes=0",
    "--sizes=ten",
    "--pairs=1.5",
    "--only=cost,all",
  ];
  for (const word of wrong) {
    assert.throws(() => parseOptions([word]), RangeError, word);
  }
});
