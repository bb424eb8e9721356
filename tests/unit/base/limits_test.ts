import assert from "node:assert/strict";
import { test } from "node:test";
import * as limits from "../../../src/base/limits.ts";

test("every limit is a positive whole number", () => {
  for (const [name, value] of Object.entries(limits)) {
    assert.ok(Number.isSafeInteger(value) && value > 0, name);
  }
});

test("limits that depend on each other agree", () => {
  // A READY with the longest routing id and some metadata has to fit.
  assert.ok(
    limits.HANDSHAKE_COMMAND_BYTES_MAX > 4 * limits.ROUTING_ID_BYTES_MAX,
  );
  assert.ok(limits.COMMAND_BYTES_MAX > limits.TOPIC_BYTES_MAX);
  assert.ok(limits.MAX_SOCKETS_DEFAULT <= limits.MAX_SOCKETS_LIMIT);
});
