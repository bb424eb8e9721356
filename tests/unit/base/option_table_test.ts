import assert from "node:assert/strict";
import { test } from "node:test";
import { ZmqError } from "../../../src/base/errors.ts";
import {
  hasOption,
  OPTION_NAMES,
  OPTION_TABLE,
  optionById,
  readOption,
  validateOption,
} from "../../../src/base/option_table.ts";
import { defaultOptions, type OptionName } from "../../../src/base/options.ts";
import { SocketType, socketTypeName } from "../../../src/base/socket_type.ts";

const TYPES = Object.values(SocketType);

// Property name and libzmq's number, of every property of zeromq.js 6.
const ZEROMQ_JS: { readonly [name: string]: number } = {
  affinity: 4,
  routingId: 5,
  rate: 8,
  recoveryInterval: 9,
  sendBufferSize: 11,
  receiveBufferSize: 12,
  type: 16,
  linger: 17,
  reconnectInterval: 18,
  backlog: 19,
  reconnectMaxInterval: 21,
  maxMessageSize: 22,
  sendHighWaterMark: 23,
  receiveHighWaterMark: 24,
  multicastHops: 25,
  receiveTimeout: 27,
  sendTimeout: 28,
  lastEndpoint: 32,
  mandatory: 33,
  tcpKeepalive: 34,
  tcpKeepaliveCount: 35,
  tcpKeepaliveIdle: 36,
  tcpKeepaliveInterval: 37,
  tcpAcceptFilter: 38,
  immediate: 39,
  verbosity: 40,
  ipv6: 42,
  securityMechanism: 43,
  plainServer: 44,
  plainUsername: 45,
  plainPassword: 46,
  curveServer: 47,
  curvePublicKey: 48,
  curveSecretKey: 49,
  curveServerKey: 50,
  probeRouter: 51,
  correlate: 52,
  relaxed: 53,
  conflate: 54,
  zapDomain: 55,
  handover: 56,
  typeOfService: 57,
  gssapiServer: 62,
  gssapiPrincipal: 63,
  gssapiServicePrincipal: 64,
  gssapiPlainText: 65,
  handshakeInterval: 66,
  socksProxy: 68,
  noDrop: 69,
  manual: 71,
  welcomeMessage: 72,
  invertMatching: 74,
  heartbeatInterval: 75,
  heartbeatTimeToLive: 76,
  heartbeatTimeout: 77,
  connectTimeout: 79,
  tcpMaxRetransmitTimeout: 80,
  threadSafe: 81,
  multicastMaxTransportDataUnit: 84,
  vmciBufferSize: 85,
  vmciBufferMinSize: 86,
  vmciBufferMaxSize: 87,
  vmciConnectTimeout: 88,
  gssapiPrincipalNameType: 90,
  gssapiServicePrincipalNameType: 91,
  interface: 92,
  zapEnforceDomain: 93,
  loopbackFastPath: 94,
};

function outcome(name: OptionName, value: unknown): unknown {
  try {
    return validateOption(name, value);
  } catch (error) {
    if (error instanceof ZmqError) return error.code;
    assert.ok(error instanceof TypeError, `${name}: ${error}`);
    return error.message;
  }
}

test("every option of zeromq.js has a row with its number", () => {
  assert.deepEqual([...OPTION_NAMES].sort(), Object.keys(ZEROMQ_JS).sort());
  for (const name of OPTION_NAMES) {
    const row = OPTION_TABLE[name];
    assert.equal(row.name, name);
    assert.equal(row.id, ZEROMQ_JS[name], name);
    assert.equal(optionById(row.id)?.name, name);
  }
  assert.equal(optionById(78)?.name, "verbosity");
  for (const id of [0, -1, 1, 6, 7, 13, 14, 15, 31, 41, 61, 95, 109, 9999]) {
    assert.equal(optionById(id), undefined);
  }
});

test("every field of the record has a row", () => {
  const fields = Object.keys(defaultOptions(SocketType.PAIR));
  assert.deepEqual(fields.sort(), [...OPTION_NAMES].sort());
});

test("each class has the properties it has in zeromq.js", () => {
  const special: { readonly [type: string]: string } = {
    PUB: "conflate noDrop invertMatching",
    SUB: "conflate invertMatching",
    REQ: "routingId probeRouter correlate relaxed",
    REP: "routingId",
    DEALER: "routingId probeRouter conflate",
    ROUTER: "routingId mandatory probeRouter handover",
    PULL: "conflate",
    PUSH: "conflate",
    XPUB: "noDrop manual welcomeMessage invertMatching verbosity",
  };
  const everywhere = new Set(
    OPTION_NAMES.filter((name) => TYPES.every((t) => hasOption(t, name))),
  );
  const direction = /^(send|receive)(BufferSize|HighWaterMark|Timeout)$/;
  for (const type of TYPES) {
    const own = OPTION_NAMES.filter((name) =>
      hasOption(type, name) && !everywhere.has(name) &&
      !direction.test(name) && name !== "multicastHops"
    );
    const expected = special[socketTypeName(type)] ?? "";
    assert.deepEqual(
      own.join(" ").split(" ").sort(),
      expected.split(" ").sort(),
    );
  }
  assert.ok(!hasOption(SocketType.PULL, "sendTimeout"));
  assert.ok(!hasOption(SocketType.PUSH, "receiveHighWaterMark"));
  assert.ok(hasOption(SocketType.PUSH, "multicastHops"));
});

test("the warning of zeromq.js is for these options only", () => {
  const silent = OPTION_NAMES.filter((name) =>
    !OPTION_TABLE[name].warns && OPTION_TABLE[name].access !== "r"
  );
  assert.deepEqual(
    silent.sort(),
    [
      "correlate",
      "handover",
      "linger",
      "mandatory",
      "probeRouter",
      "receiveHighWaterMark",
      "receiveTimeout",
      "relaxed",
      "sendHighWaterMark",
      "sendTimeout",
      "verbosity",
    ],
  );
  for (const name of silent) assert.ok(OPTION_TABLE[name].live, name);
});

test("integers have libzmq's bounds", () => {
  const table: [OptionName, number[], number[]][] = [
    ["linger", [-1, 0, 5, 2147483647], [-2, 2147483648]],
    ["sendTimeout", [-1, 0], [-2]],
    ["receiveTimeout", [-1, 0], [-2]],
    ["sendHighWaterMark", [0, 1], [-1]],
    ["receiveHighWaterMark", [0, 1], [-1]],
    ["reconnectInterval", [-1, 0], [-2]],
    ["reconnectMaxInterval", [0], [-1]],
    ["backlog", [0, 75], [-1]],
    ["handshakeInterval", [0], [-1]],
    ["connectTimeout", [0, 5], [-1]],
    ["tcpMaxRetransmitTimeout", [0, 5], [-1]],
    ["tcpKeepalive", [-1, 0, 1], [-2, 2]],
    ["tcpKeepaliveIdle", [-1, 0, 1], [-2]],
    ["tcpKeepaliveCount", [-1, 0, 1], [-2]],
    ["tcpKeepaliveInterval", [-1, 0, 1], [-2]],
    ["sendBufferSize", [-1, 0], [-2]],
    ["receiveBufferSize", [-1, 0], [-2]],
    ["typeOfService", [0, 40, 255, 70000], [-1, 2147483648]],
  ];
  for (const [name, good, bad] of table) {
    for (const value of good) assert.equal(outcome(name, value), value);
    for (const value of [...bad, NaN, Infinity, -Infinity, 2 ** 63]) {
      assert.equal(outcome(name, value), "EINVAL", `${name} ${value}`);
    }
  }
});

test("fractions are cut and there is no negative zero", () => {
  assert.equal(outcome("linger", 1.9), 1);
  assert.equal(outcome("linger", -1.5), -1);
  assert.ok(Object.is(outcome("linger", -0.5), 0));
  assert.equal(outcome("affinity", 1.5), 1);
});

test("numbers of 64 bits are bent into their range", () => {
  const table: [OptionName, number, unknown][] = [
    ["affinity", -1, 0],
    ["affinity", -Infinity, 0],
    ["affinity", 2 ** 53, 2 ** 53],
    ["affinity", 2 ** 64, 2 ** 64],
    ["affinity", 2 ** 65, 2 ** 64],
    ["affinity", Infinity, 2 ** 64],
    ["affinity", NaN, "EINVAL"],
    ["maxMessageSize", -0xffffffff, -0xffffffff],
    ["maxMessageSize", 0, 0],
    ["maxMessageSize", 2 ** 53, 2 ** 53],
    ["maxMessageSize", 2 ** 64, 2 ** 63],
    ["maxMessageSize", -(2 ** 70), -(2 ** 63)],
    ["maxMessageSize", Infinity, "EINVAL"],
    ["maxMessageSize", NaN, "EINVAL"],
  ];
  for (const [name, value, expected] of table) {
    assert.equal(outcome(name, value), expected, `${name} ${value}`);
  }
});

test("a value of the wrong type is a TypeError that names the right one", () => {
  for (const name of OPTION_NAMES) {
    const { kind, access } = OPTION_TABLE[name];
    if (access === "r" || kind === "choice") continue;
    const text = kind === "string" || kind === "bytes";
    const wanted = text
      ? "string or buffer"
      : kind === "bool"
      ? "boolean"
      : "number";
    const wrong: unknown[] = [undefined, {}, 5n, [], Symbol("x")];
    wrong.push(kind === "bool" || text ? 1 : true);
    if (!text) wrong.push(null, "1");
    for (const value of wrong) {
      assert.equal(
        outcome(name, value),
        `Option value must be a ${wanted}`,
        name,
      );
    }
  }
});

test("routing ids are 1 to 255 bytes and do not begin with zero", () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.of(...values);
  assert.deepEqual(outcome("routingId", "é"), bytes(0xc3, 0xa9));
  assert.deepEqual(outcome("routingId", bytes(65, 0, 66)), bytes(65, 0, 66));
  assert.equal(
    (outcome("routingId", "x".repeat(255)) as Uint8Array).length,
    255,
  );
  for (const bad of ["", null, "x".repeat(256), bytes(0, 66), bytes()]) {
    assert.equal(outcome("routingId", bad), "EINVAL");
  }
});

test("bytes are copied, since the caller may change its own", () => {
  const mine = Uint8Array.of(1, 2, 3);
  const kept = validateOption("welcomeMessage", mine);
  mine[0] = 9;
  assert.deepEqual(kept, Uint8Array.of(1, 2, 3));
  const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2);
  shared[0] = 7;
  const fromShared = validateOption("welcomeMessage", shared);
  assert.deepEqual(fromShared, Uint8Array.of(7, 0));
  assert.ok(fromShared.buffer instanceof ArrayBuffer);
  assert.equal(validateOption("welcomeMessage", null).length, 0);
  assert.equal(validateOption("welcomeMessage", "").length, 0);
});

test("texts have 1 to 255 bytes and no NUL; null takes them back", () => {
  assert.equal(outcome("interface", "eth0"), "eth0");
  assert.equal(outcome("interface", Uint8Array.of(101, 48)), "e0");
  assert.equal(outcome("interface", null), null);
  for (const bad of ["", "x".repeat(256), "eth0\0x"]) {
    assert.equal(outcome("interface", bad), "EINVAL");
  }
});

test("verbosity takes three values", () => {
  for (const value of [null, "allSubs", "allSubsUnsubs"]) {
    assert.equal(outcome("verbosity", value), value);
  }
  for (const value of ["", "bogus", undefined, 1]) {
    assert.equal(outcome("verbosity", value), "EINVAL");
  }
});

test("read-only options cannot be set", () => {
  for (const name of ["type", "lastEndpoint", "securityMechanism"] as const) {
    assert.equal(OPTION_TABLE[name].access, "r");
    assert.equal(outcome(name, 0), "EINVAL");
  }
});

test("options whose feature is not built refuse all but their default", () => {
  const values: { readonly [name: string]: unknown } = {
    heartbeatInterval: 100,
    heartbeatTimeToLive: 50,
    heartbeatTimeout: 0,
    plainServer: true,
    plainUsername: "u",
    plainPassword: "p",
    curveServer: true,
    curvePublicKey: "x".repeat(40),
    curveSecretKey: "x".repeat(40),
    curveServerKey: "x".repeat(40),
    zapDomain: "global",
    zapEnforceDomain: true,
    gssapiServer: true,
    gssapiPrincipal: "p",
    gssapiServicePrincipal: "p",
    gssapiPlainText: true,
    gssapiPrincipalNameType: "userName",
    gssapiServicePrincipalNameType: "krb5Principal",
    socksProxy: "127.0.0.1:1080",
    tcpAcceptFilter: "127.0.0.1",
    loopbackFastPath: true,
    rate: 1,
    recoveryInterval: 0,
    multicastHops: 2,
    multicastMaxTransportDataUnit: 1,
    vmciBufferSize: 1,
    vmciBufferMinSize: 1,
    vmciBufferMaxSize: 1,
    vmciConnectTimeout: 1,
  };
  const names = OPTION_NAMES.filter((name) => !OPTION_TABLE[name].supported);
  assert.deepEqual([...names].sort(), Object.keys(values).sort());
  const defaults = defaultOptions(SocketType.DEALER);
  for (const name of names) {
    assert.equal(outcome(name, defaults[name]), defaults[name], name);
    assert.equal(readOption(defaults, name), defaults[name], name);
    assert.throws(
      () => validateOption(name, values[name]),
      (error: unknown): boolean =>
        error instanceof ZmqError && error.code === "ENOTSUP" &&
        error.message.includes(`"${name}"`),
    );
  }
});

test("reading shows what zeromq.js shows", () => {
  const options = defaultOptions(SocketType.ROUTER);
  assert.equal(readOption(options, "routingId"), null);
  options.routingId = Uint8Array.of(65, 66, 0, 67);
  assert.equal(readOption(options, "routingId"), "AB");
  options.lastEndpoint = "tcp://127.0.0.1:5";
  assert.equal(readOption(options, "lastEndpoint"), "tcp://127.0.0.1:5");
  assert.equal(readOption(options, "type"), SocketType.ROUTER);
  assert.equal(readOption(options, "immediate"), false);
  assert.equal(readOption(options, "securityMechanism"), null);
  const writeOnly = OPTION_NAMES.filter((name) =>
    OPTION_TABLE[name].access === "w"
  );
  assert.equal(
    [...writeOnly].sort().join(" "),
    "conflate correlate handover mandatory manual noDrop probeRouter relaxed " +
      "verbosity welcomeMessage",
  );
  for (const name of writeOnly) {
    assert.equal(readOption(options, name), undefined);
  }
});
