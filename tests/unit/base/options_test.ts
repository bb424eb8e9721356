import assert from "node:assert/strict";
import { test } from "node:test";
import { canConflate, defaultOptions } from "../../../src/base/options.ts";
import { SocketType, socketTypeName } from "../../../src/base/socket_type.ts";

const TYPES = Object.values(SocketType);

test("the defaults are libzmq's", () => {
  const options = defaultOptions(SocketType.DEALER);
  const expected = {
    type: SocketType.DEALER,
    lastEndpoint: null,
    sendHighWaterMark: 1000,
    receiveHighWaterMark: 1000,
    linger: -1,
    sendTimeout: -1,
    receiveTimeout: -1,
    maxMessageSize: -1,
    reconnectInterval: 100,
    reconnectMaxInterval: 0,
    backlog: 100,
    handshakeInterval: 30000,
    connectTimeout: 0,
    tcpKeepalive: -1,
    sendBufferSize: -1,
    typeOfService: 0,
    rate: 100,
    recoveryInterval: 10000,
    heartbeatTimeout: -1,
    multicastMaxTransportDataUnit: 1500,
  } as const;
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(options[name as keyof typeof expected], value, name);
  }
  assert.equal(options.routingId.length, 0);
});

test("only subscribers start without linger", () => {
  for (const type of TYPES) {
    const quiet = type === SocketType.SUB || type === SocketType.XSUB;
    assert.equal(defaultOptions(type).linger, quiet ? 0 : -1);
    const context = { ipv6: true, blocky: false };
    assert.equal(defaultOptions(type, context).linger, 0);
    assert.equal(defaultOptions(type, context).ipv6, true);
  }
});

test("all records have one shape and share nothing", () => {
  const keys = Object.keys(defaultOptions(SocketType.PAIR));
  for (const type of TYPES) {
    assert.deepEqual(Object.keys(defaultOptions(type)), keys);
  }
  const one = defaultOptions(SocketType.PAIR);
  const two = defaultOptions(SocketType.PAIR);
  one.linger = 7;
  assert.equal(two.linger, -1);
  assert.notEqual(one.routingId, two.routingId);
});

test("a record can be handed to another thread", () => {
  const options = defaultOptions(SocketType.ROUTER);
  options.routingId = Uint8Array.of(1, 0, 2);
  assert.deepEqual(structuredClone(options), options);
});

test("conflate belongs to five types", () => {
  assert.deepEqual(
    TYPES.filter(canConflate).map(socketTypeName).sort(),
    ["DEALER", "PUB", "PULL", "PUSH", "SUB"],
  );
});
