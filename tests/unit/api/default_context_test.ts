import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../../src/api/default_context.ts";
import { Pair } from "../../../src/api/sockets.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

test("sockets share one context unless told otherwise", () => {
  using first = new Pair();
  using second = new Pair();
  assert.equal(first.context, context);
  assert.equal(second.context, context);
});

test("leaves nothing behind", leaks.after);
