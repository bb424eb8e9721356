import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CONTEXT_OPTION_TABLE,
  contextOptionById,
  type ContextOptionName,
  defaultContextOptions,
} from "../../../src/base/context_options.ts";
import { ZmqError } from "../../../src/base/errors.ts";

function outcome(name: ContextOptionName, value: unknown): unknown {
  try {
    return CONTEXT_OPTION_TABLE[name].validate(value);
  } catch (error) {
    return error instanceof ZmqError ? error.code : (error as Error).message;
  }
}

test("the defaults are libzmq's", () => {
  assert.deepEqual(defaultContextOptions(), {
    ioThreads: 1,
    maxSockets: 1023,
    maxSocketsLimit: 65535,
    threadPriority: -1,
    threadSchedulingPolicy: -1,
    maxMessageSize: 2147483647,
    ipv6: false,
    blocky: true,
  });
});

test("values are checked", () => {
  const table: [ContextOptionName, unknown, unknown][] = [
    ["ioThreads", 0, 0],
    ["ioThreads", 5, 5],
    ["ioThreads", -1, "EINVAL"],
    ["ioThreads", 65, "EINVAL"],
    ["ioThreads", "1", "Option value must be a number"],
    ["maxSockets", 1, 1],
    ["maxSockets", 0, "EINVAL"],
    ["maxSockets", 65536, "EINVAL"],
    ["maxSocketsLimit", 5, "EINVAL"],
    ["maxMessageSize", -1, "EINVAL"],
    ["maxMessageSize", 5, 5],
    ["ipv6", true, true],
    ["ipv6", 1, "Option value must be a boolean"],
    ["blocky", false, false],
    ["threadPriority", -1, -1],
    ["threadPriority", 5, "ENOTSUP"],
    ["threadSchedulingPolicy", 1, "ENOTSUP"],
  ];
  for (const [name, value, expected] of table) {
    assert.equal(outcome(name, value), expected, `${name} ${value}`);
  }
});

test("number 3 is one option to read and another to write", () => {
  assert.equal(contextOptionById(3, "r")?.name, "maxSocketsLimit");
  assert.equal(contextOptionById(3, "w")?.name, "threadPriority");
  assert.equal(contextOptionById(4, "r"), undefined);
  assert.equal(contextOptionById(42, "w")?.name, "ipv6");
  assert.equal(contextOptionById(99, "r"), undefined);
});
