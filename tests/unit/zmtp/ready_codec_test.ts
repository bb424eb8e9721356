import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketType } from "../../../src/base/socket_type.ts";
import { encodeError, encodePing } from "../../../src/zmtp/command_codec.ts";
import {
  checkReady,
  encodeReady,
  parseReady,
  type ReadyCommand,
} from "../../../src/zmtp/ready_codec.ts";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** A text in which \xNN stands for an octet, as bytes. */
function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function parse(body: Uint8Array): ReadyCommand | string {
  return parseReady(body, 0, body.length);
}

/** A READY with properties given as names and values. */
function ready(...properties: [string, Uint8Array | string][]): Uint8Array {
  let text = "\x05READY";
  for (const [name, value] of properties) {
    const bytes = typeof value === "string" ? octets(value) : value;
    const size = [0, 0, bytes.length >>> 8, bytes.length & 255];
    text += String.fromCharCode(name.length) + name +
      String.fromCharCode(...size, ...bytes);
  }
  return octets(text);
}

test("our READY is octet for octet what libzmq 4.3.5 sends", () => {
  const table: [Uint8Array, string][] = [
    [
      encodeReady(SocketType.DEALER, encoder.encode("abc")),
      "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER" +
      "\x08Identity\x00\x00\x00\x03abc",
    ],
    [
      encodeReady(SocketType.REQ, NOTHING),
      "\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ" +
      "\x08Identity\x00\x00\x00\x00",
    ],
    [
      encodeReady(SocketType.SUB, NOTHING),
      "\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB",
    ],
    // A routing id that was set by its number on a type without one.
    [
      encodeReady(SocketType.PUSH, encoder.encode("abc")),
      "\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH",
    ],
    [
      encodeReady(SocketType.PUB, NOTHING, [
        { name: "X-key", value: Uint8Array.of(1) },
      ]),
      "\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB" +
      "\x05X-key\x00\x00\x00\x01\x01",
    ],
  ];
  for (const [actual, expected] of table) {
    assert.deepEqual(actual, octets(expected));
  }
});

test("every type's READY reads back", () => {
  for (const type of Object.values(SocketType)) {
    const result = parse(encodeReady(type, encoder.encode("me")));
    assert.ok(typeof result === "object");
    const named = ["REQ", "DEALER", "ROUTER"].includes(result.socketType);
    assert.deepEqual(result.routingId, encoder.encode(named ? "me" : ""));
    assert.equal(SocketType[result.socketType as "PUB"], type);
  }
});

test("READYs that are accepted", () => {
  const long = new Uint8Array(255).fill(1);
  const table: [string, Uint8Array, string, Uint8Array][] = [
    ["no Identity", ready(["Socket-Type", "REQ"]), "REQ", NOTHING],
    [
      "an Identity of 255",
      ready(["Socket-Type", "ROUTER"], ["Identity", long]),
      "ROUTER",
      long,
    ],
    [
      "names in other case and order",
      ready(["IDENTITY", "me"], ["socket-type", "DEALER"]),
      "DEALER",
      octets("me"),
    ],
    [
      "zeros that are not in front",
      ready(["Socket-Type", "REQ"], ["Identity", "\x01\x00\x00"]),
      "REQ",
      octets("\x01\x00\x00"),
    ],
    [
      "an Identity nobody asked for is ignored",
      ready(["Socket-Type", "PUSH"], ["Identity", "\x00bad"]),
      "PUSH",
      NOTHING,
    ],
    [
      "unknown properties",
      ready(["Resource", "a/b"], ["Socket-Type", "PUB"], ["X-a", "b"]),
      "PUB",
      NOTHING,
    ],
    ["a foreign type", ready(["Socket-Type", "DISH"]), "DISH", NOTHING],
  ];
  for (const [name, body, socketType, routingId] of table) {
    const result = parse(body);
    assert.ok(typeof result === "object", name);
    assert.equal(result.socketType, socketType, name);
    assert.deepEqual(result.routingId, routingId, name);
  }
});

test("READYs that are refused, each with its reason", () => {
  const type: [string, string] = ["Socket-Type", "DEALER"];
  const metadata = "ERR_ZMTP_INVALID_METADATA";
  const malformed = "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
  const table: [string, Uint8Array, string][] = [
    ["no Socket-Type", ready(), metadata],
    ["only an Identity", ready(["Identity", "me"]), metadata],
    ["two Socket-Types", ready(type, type), metadata],
    ["two, in other case", ready(type, ["SOCKET-TYPE", "DEALER"]), metadata],
    [
      "two Identities",
      ready(type, ["Identity", "a"], ["Identity", "b"]),
      metadata,
    ],
    [
      "Identity of 256",
      ready(type, ["Identity", new Uint8Array(256).fill(1)]),
      metadata,
    ],
    ["Identity begins with 0", ready(type, ["Identity", "\x00abc"]), metadata],
    ["Identity is 0", ready(type, ["Identity", "\x00"]), metadata],
    ["an endless type", ready(["Socket-Type", "X".repeat(33)]), metadata],
    [
      "overrun",
      octets("\x05READY\x0bSocket-Type\x00\x00\x00\x07DEALER"),
      metadata,
    ],
    ["name of length 0", octets("\x05READY\x00\x00\x00\x00\x00"), metadata],
    ["empty", octets(""), malformed],
    ["no name", octets("\x00"), malformed],
    ["name overruns", octets("\x05READ"), malformed],
    ["longer name", octets("\x06READYY"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
    ["lower case", octets("\x05ready"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
    ["another mechanism's", octets("\x05HELLO"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
    ["PING", encodePing(0, NOTHING), "ERR_ZMTP_UNEXPECTED_COMMAND"],
    ["ERROR", encodeError("no"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
  ];
  for (const [name, body, expected] of table) {
    assert.equal(parse(body), expected, name);
  }
});

test("only the range is read", () => {
  const body = encodeReady(SocketType.SUB, NOTHING);
  const wider = new Uint8Array(body.length + 30).fill(0x41);
  wider.set(body, 9);
  const result = parseReady(wider, 9, 9 + body.length);
  assert.ok(typeof result === "object");
  assert.equal(result.socketType, "SUB");
  for (let end = 9; end < 9 + body.length; end++) {
    assert.equal(typeof parseReady(wider, 9, end), "string");
  }
});

test("the peer's type has to suit ours", () => {
  const table: [SocketType, string, boolean][] = [
    [SocketType.DEALER, "ROUTER", true],
    [SocketType.DEALER, "PUB", false],
    [SocketType.PUSH, "PULL", true],
    [SocketType.PUSH, "PUSH", false],
    [SocketType.PAIR, "CHANNEL", false],
    [SocketType.PAIR, "", false],
    [SocketType.SUB, "pub", false],
    [SocketType.SUB, "PUB\0", false],
  ];
  for (const [mine, theirs, legal] of table) {
    const result = parse(ready(["Socket-Type", theirs]));
    assert.ok(typeof result === "object");
    const expected = legal ? null : "ERR_ZMTP_INVALID_METADATA";
    assert.equal(checkReady(mine, result), expected, theirs);
  }
});
