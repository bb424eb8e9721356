import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Socket } from "../../../src/api/socket.ts";
import * as sockets from "../../../src/api/sockets.ts";
import { OPTION_NAMES, OPTION_TABLE } from "../../../src/base/option_table.ts";
import {
  canReceive,
  canSend,
  SocketType,
} from "../../../src/base/socket_type.ts";

// GSSAPI is not there in zeromq.js's builds either, and has no properties.
const names = OPTION_NAMES.filter((name) => !name.startsWith("gssapi"));

const classes: Record<keyof typeof SocketType, typeof sockets.Pair> = {
  PAIR: sockets.Pair,
  PUB: sockets.Publisher as unknown as typeof sockets.Pair,
  SUB: sockets.Subscriber as unknown as typeof sockets.Pair,
  REQ: sockets.Request,
  REP: sockets.Reply,
  DEALER: sockets.Dealer,
  ROUTER: sockets.Router,
  PULL: sockets.Pull as unknown as typeof sockets.Pair,
  PUSH: sockets.Push as unknown as typeof sockets.Pair,
  XPUB: sockets.XPublisher,
  XSUB: sockets.XSubscriber,
};

function property(
  prototype: object,
  name: string,
): PropertyDescriptor | undefined {
  for (
    let at: object | null = prototype;
    at !== null;
    at = Object.getPrototypeOf(at)
  ) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

for (const name of Object.keys(classes) as (keyof typeof SocketType)[]) {
  const socketClass = classes[name];
  const type = SocketType[name];

  describe(`class ${socketClass.name}`, () => {
    test("opens a socket of its type", () => {
      using socket = new socketClass();
      assert.ok(socket instanceof Socket);
      assert.equal(socket.type, type);
    });

    test("has the properties that the option table says, no others", () => {
      for (const option of names) {
        const row = OPTION_TABLE[option];
        const found = property(socketClass.prototype, option);
        const expected = row.types.includes(type) ? row.access : "";
        const access = `${found?.get ? "r" : ""}${found?.set ? "w" : ""}`;
        assert.equal(access, expected, option);
      }
    });

    test("can send and receive as its type can", () => {
      const { prototype } = socketClass;
      for (const member of ["send", "sendSync", "trySend"]) {
        assert.equal(member in prototype, canSend(type), member);
      }
      for (
        const member of [
          "receive",
          "receiveSync",
          "tryReceive",
          "receiveMessage",
          "receiveMessageSync",
          "tryReceiveMessage",
          Symbol.asyncIterator,
        ]
      ) {
        assert.equal(member in prototype, canReceive(type), String(member));
      }
    });
  });
}
