import assert from "node:assert/strict";
import { test } from "node:test";
import { ZmqError } from "../../../src/base/errors.ts";
import {
  type OptionForm,
  readRawOption,
  validateRawOption,
} from "../../../src/base/option_raw.ts";
import { defaultOptions } from "../../../src/base/options.ts";
import { SocketType } from "../../../src/base/socket_type.ts";

const { DEALER, PUB, ROUTER, XPUB } = SocketType;

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (error instanceof ZmqError) return error.code;
    return (error as Error).message;
  }
}

test("values are read in every form of their size", () => {
  const options = defaultOptions(DEALER);
  options.linger = 1;
  options.sendTimeout = -1;
  options.affinity = 2 ** 40;
  options.immediate = true;
  options.routingId = Uint8Array.of(65, 66);
  const table: [number, OptionForm, unknown][] = [
    [17, "int32", 1],
    [17, "bool", true],
    [17, "uint32", 1],
    [28, "int32", -1],
    [28, "uint32", 4294967295],
    [17, "int64", "EINVAL"],
    [17, "string", "EINVAL"],
    [39, "int32", 1],
    [39, "bool", true],
    [42, "int32", 0],
    [4, "uint64", 2 ** 40],
    [4, "int64", 2 ** 40],
    [4, "int32", "EINVAL"],
    [22, "int64", -1],
    [5, "string", "AB"],
    [5, "int32", "EINVAL"],
    [32, "string", null],
    [16, "int32", DEALER],
    [43, "int32", 0],
    [81, "bool", false],
    [33, "int32", "EINVAL"],
    [51, "int32", "EINVAL"],
    [54, "int32", "EINVAL"],
    [9999, "int32", "EINVAL"],
    [-1, "string", "EINVAL"],
  ];
  for (const [id, form, expected] of table) {
    const actual = attempt(() => readRawOption(options, id, form));
    assert.equal(actual, expected, `${id} as ${form}`);
  }
});

test("values are written in every form of their size", () => {
  const table: [SocketType, number, OptionForm, unknown, unknown][] = [
    [DEALER, 17, "int32", 5, { name: "linger", value: 5 }],
    [DEALER, 17, "bool", true, { name: "linger", value: 1 }],
    [DEALER, 17, "int64", 5, "EINVAL"],
    [DEALER, 17, "int32", -2, "EINVAL"],
    [DEALER, 39, "int32", 1, { name: "immediate", value: true }],
    [DEALER, 39, "int32", 2, "EINVAL"],
    [DEALER, 51, "int32", -1, "EINVAL"],
    [DEALER, 51, "bool", true, { name: "probeRouter", value: true }],
    [DEALER, 33, "int32", 1, "EINVAL"],
    [ROUTER, 33, "int32", 1, { name: "mandatory", value: true }],
    [PUB, 54, "bool", true, { name: "conflate", value: true }],
    [ROUTER, 54, "bool", true, { name: "conflate", value: true }],
    [XPUB, 40, "bool", true, { name: "verbosity", value: "allSubs" }],
    [XPUB, 78, "int32", 1, { name: "verbosity", value: "allSubsUnsubs" }],
    [XPUB, 78, "bool", false, { name: "verbosity", value: null }],
    [PUB, 40, "bool", true, "EINVAL"],
    [DEALER, 22, "int64", 5, { name: "maxMessageSize", value: 5 }],
    [DEALER, 4, "uint64", -5, { name: "affinity", value: 0 }],
    [DEALER, 92, "string", "eth0", { name: "interface", value: "eth0" }],
    [DEALER, 16, "int32", 1, "EINVAL"],
    [DEALER, 6, "string", "x", "EINVAL"],
    [DEALER, 109, "int32", 1, "EINVAL"],
    [DEALER, 47, "bool", true, "ENOTSUP"],
    [DEALER, 47, "bool", false, { name: "curveServer", value: false }],
    [DEALER, 17, "int32", "5", "Option value must be a number"],
    [DEALER, 17, "bool", 1, "Option value must be a boolean"],
    [DEALER, 92, "string", 5, "Option value must be a string or buffer"],
  ];
  for (const [type, id, form, value, expected] of table) {
    const actual = attempt(() => validateRawOption(type, id, form, value));
    assert.deepEqual(actual, expected, `${id} as ${form}: ${value}`);
  }
});

test("a publisher takes a routing id by its number, though not by name", () => {
  const setting = validateRawOption(PUB, 5, "string", "me");
  assert.equal(setting.name, "routingId");
  assert.deepEqual(setting.value, Uint8Array.of(109, 101));
});
