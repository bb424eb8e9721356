import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseLimit,
  sizesThatFit,
  withDescriptors,
} from "../../../../bench/pollers/limits.ts";

test("a limit is a number or none", () => {
  assert.equal(parseLimit("20000\n"), 20_000);
  assert.equal(parseLimit("unlimited\n"), Infinity);
  assert.throws(() => parseLimit(""), TypeError);
  assert.throws(() => parseLimit("ulimit: not found"), TypeError);
});

test("sizes that do not fit become the largest that does", () => {
  const sizes = [1, 1_000, 10_000, 100_000];
  assert.deepEqual(sizesThatFit(sizes, Infinity), sizes);
  assert.deepEqual(sizesThatFit(sizes, 4_096), [1, 1_000, 4_032]);
  assert.deepEqual(sizesThatFit(sizes, 64), [1]);
});

test("a command is wrapped, its words untouched", () => {
  const words = ["a b", "$c", "'d'"];
  const { file, args } = withDescriptors({ file: "/x/y", args: words }, 1_000);
  assert.equal(file, "sh");
  assert.deepEqual(args.slice(2), ["1064", "/x/y", ...words]);
  assert.match(args[1] ?? "", /^ulimit -Sn "\$0" && exec "\$@"$/);
});
