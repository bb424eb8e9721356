import assert from "node:assert/strict";
import { test } from "node:test";
import {
  announcesRoutingId,
  canReceive,
  canSend,
  isSocketType,
  legalPeer,
  recvRoutingId,
  skipsDuplicateConnect,
  SOCKET_TYPE_COUNT,
  SocketType,
  socketTypeFromName,
  socketTypeName,
} from "../../../src/base/socket_type.ts";

const TYPES = Object.values(SocketType);

function namesWhere(test: (type: SocketType) => boolean): string[] {
  return TYPES.filter(test).map(socketTypeName).sort();
}

test("numbers and wire names are libzmq's", () => {
  const names = "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB";
  assert.deepEqual(TYPES.map(socketTypeName), names.split(" "));
  assert.equal(SOCKET_TYPE_COUNT, 11);
  for (const [name, type] of Object.entries(SocketType)) {
    assert.equal(socketTypeFromName(name), type);
  }
});

test("only the table's numbers and names are types", () => {
  for (const value of [-1, 11, 1.5, NaN, Infinity]) {
    assert.ok(!isSocketType(value));
  }
  assert.ok(TYPES.every(isSocketType));
  for (const name of ["", "pub", "STREAM", "CLIENT", "PUB\0", "toString"]) {
    assert.equal(socketTypeFromName(name), -1);
  }
  assert.throws(() => socketTypeName(11 as SocketType), RangeError);
});

test("the legal peers are those of RFC 23, both ways", () => {
  const pairs = new Set([
    "PAIR PAIR",
    "PUB SUB",
    "PUB XSUB",
    "XPUB SUB",
    "XPUB XSUB",
    "REQ REP",
    "REQ ROUTER",
    "DEALER REP",
    "DEALER DEALER",
    "DEALER ROUTER",
    "ROUTER ROUTER",
    "PUSH PULL",
  ]);
  for (const mine of TYPES) {
    for (const theirs of TYPES) {
      const [a, b] = [socketTypeName(mine), socketTypeName(theirs)];
      const legal = pairs.has(`${a} ${b}`) || pairs.has(`${b} ${a}`);
      assert.equal(legalPeer(mine, b), legal, `${a} with ${b}`);
    }
    for (const stranger of ["", "CLIENT", "DISH", "push", "STREAM"]) {
      assert.ok(!legalPeer(mine, stranger));
    }
  }
});

test("types differ in what they can do", () => {
  assert.deepEqual(
    namesWhere((type) => !canSend(type)),
    ["PULL", "SUB"],
  );
  assert.deepEqual(
    namesWhere((type) => !canReceive(type)),
    ["PUB", "PUSH"],
  );
  assert.deepEqual(
    namesWhere(announcesRoutingId),
    ["DEALER", "REQ", "ROUTER"],
  );
  assert.deepEqual(namesWhere(recvRoutingId), ["ROUTER"]);
  assert.deepEqual(
    namesWhere(skipsDuplicateConnect),
    ["DEALER", "PUB", "REQ", "SUB"],
  );
});
