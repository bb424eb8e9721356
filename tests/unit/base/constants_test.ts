import assert from "node:assert/strict";
import { test } from "node:test";
import * as constants from "../../../src/base/constants.ts";
import { optionById } from "../../../src/base/option_table.ts";

test("the numbers are libzmq's", () => {
  assert.deepEqual({ ...constants }, {
    EVENT_IN: 1,
    EVENT_OUT: 2,
    OPTION_CONNECT_ROUTING_ID: 61,
    OPTION_EVENTS: 15,
    OPTION_FD: 14,
    OPTION_RECEIVE_MORE: 13,
    OPTION_SUBSCRIBE: 6,
    OPTION_UNSUBSCRIBE: 7,
  });
});

test("what has a constant here has no row in the option table", () => {
  for (const [name, id] of Object.entries(constants)) {
    if (name.startsWith("OPTION_")) assert.equal(optionById(id), undefined);
  }
});
