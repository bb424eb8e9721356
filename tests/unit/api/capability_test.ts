import assert from "node:assert/strict";
import { test } from "node:test";
import { capability } from "../../../src/api/capability.ts";

test("each capability is there or not, and none is claimed in vain", () => {
  const names = ["curve", "draft", "gssapi", "ipc", "norm", "pgm", "tipc"];
  assert.deepEqual(Object.keys(capability).sort(), names);
  for (const value of Object.values(capability)) {
    assert.equal(typeof value, "boolean");
  }
  assert.equal(capability.ipc, true);
});
