import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProtocolError } from "../../../src/base/protocol_error.ts";
import {
  encodeGreeting,
  type Greeting,
  GREETING_SIZE,
  GreetingParser,
  SIGNATURE_SIZE,
  speaksZmtp31,
} from "../../../src/zmtp/greeting.ts";

/** A greeting with single octets changed. */
function greeting(changes: { readonly [at: number]: number }): Uint8Array {
  const bytes = encodeGreeting("NULL", false);
  for (const [at, octet] of Object.entries(changes)) {
    bytes[Number(at)] = octet;
  }
  return bytes;
}

/** The same outcome has to come of any division into pieces. */
function parse(
  bytes: Uint8Array,
  piece: number,
  mechanism = "NULL",
): Greeting | ProtocolError | null {
  const parser = new GreetingParser(mechanism);
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + piece);
    const taken = parser.consume(bytes, start, end);
    if (taken < end - start) break;
    start += taken;
  }
  return parser.error ?? parser.greeting;
}

function outcome(
  bytes: Uint8Array,
  mechanism?: string,
): Greeting | ProtocolError | null {
  const whole = parse(bytes, bytes.length, mechanism);
  for (let piece = 1; piece < bytes.length; piece++) {
    assert.deepEqual(parse(bytes, piece, mechanism), whole);
  }
  return whole;
}

const OURS: Greeting = {
  major: 3,
  minor: 1,
  mechanism: "NULL",
  asServer: false,
};

test("our greeting has the RFC's octets", () => {
  const bytes = encodeGreeting("NULL", false);
  const expected = [255, 0, 0, 0, 0, 0, 0, 0, 0, 127, 3, 1, 78, 85, 76, 76];
  assert.deepEqual([...bytes.subarray(0, 16)], expected);
  assert.ok(bytes.subarray(16).every((octet) => octet === 0));
  assert.equal(bytes.length, GREETING_SIZE);
  assert.equal(SIGNATURE_SIZE, 10);
  const server = encodeGreeting("CURVE", true);
  assert.equal(server[32], 1);
  assert.equal(String.fromCharCode(...server.subarray(12, 17)), "CURVE");
  assert.equal(encodeGreeting("ABCDEFGHIJ0123456789", false)[31], 57);
});

test("a mechanism that cannot be greeted with is our own mistake", () => {
  for (const name of ["", "null", "NULL\0", "A".repeat(21), "É"]) {
    assert.throws(() => encodeGreeting(name, false), RangeError);
  }
});

test("greetings that are accepted, in pieces of any size", () => {
  const table: [Uint8Array, Partial<Greeting>][] = [
    [greeting({}), {}],
    // As libzmq 4.3.5 sends it: the padding holds a routing id's size.
    [greeting({ 8: 1 }), {}],
    [greeting({ 8: 4 }), {}],
    [greeting({ 1: 255, 2: 254, 8: 255 }), {}],
    [greeting({ 11: 0 }), { minor: 0 }],
    [greeting({ 11: 2 }), { minor: 2 }],
    [greeting({ 11: 255 }), { minor: 255 }],
    [greeting({ 10: 4, 11: 0 }), { major: 4, minor: 0 }],
    [greeting({ 10: 255, 11: 255 }), { major: 255, minor: 255 }],
    // Only versions we know have to leave the filler alone.
    [greeting({ 11: 2, 33: 1, 63: 255 }), { minor: 2 }],
    [greeting({ 10: 4, 11: 0, 40: 1 }), { major: 4, minor: 0 }],
  ];
  for (const [bytes, changes] of table) {
    assert.deepEqual(outcome(bytes), { ...OURS, ...changes });
  }
  assert.deepEqual(outcome(encodeGreeting("CURVE", true), "CURVE"), {
    ...OURS,
    mechanism: "CURVE",
    asServer: true,
  });
});

test("greetings that are refused, each with its reason", () => {
  const table: [string, { readonly [at: number]: number }, ProtocolError][] = [
    ["no signature", { 0: 0 }, "ERR_ZMTP_INVALID_GREETING"],
    ["an HTTP request", { 0: 0x47 }, "ERR_ZMTP_INVALID_GREETING"],
    ["ZMTP 1.0, short", { 0: 1 }, "ERR_ZMTP_INVALID_GREETING"],
    ["ZMTP 1.0, long", { 9: 0 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
    ["ZMTP 1.0, more", { 9: 2 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
    ["wrong end of signature", { 9: 1 }, "ERR_ZMTP_INVALID_GREETING"],
    ["wrong end of signature", { 9: 255 }, "ERR_ZMTP_INVALID_GREETING"],
    ["version 0", { 10: 0 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
    ["version 1", { 10: 1 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
    ["version 2", { 10: 2, 11: 255 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
    ["no mechanism", { 12: 0 }, "ERR_ZMTP_MECHANISM_MISMATCH"],
    ["lower case", { 12: 110 }, "ERR_ZMTP_MECHANISM_MISMATCH"],
    ["shorter", { 15: 0 }, "ERR_ZMTP_MECHANISM_MISMATCH"],
    ["longer", { 16: 76 }, "ERR_ZMTP_MECHANISM_MISMATCH"],
    ["behind the NUL", { 31: 1 }, "ERR_ZMTP_MECHANISM_MISMATCH"],
    ["as-server with NULL", { 32: 1 }, "ERR_ZMTP_ROLE_MISMATCH"],
    ["as-server is 2", { 32: 2 }, "ERR_ZMTP_INVALID_GREETING"],
    ["as-server is 255", { 32: 255 }, "ERR_ZMTP_INVALID_GREETING"],
    ["filler, first", { 33: 1 }, "ERR_ZMTP_INVALID_GREETING"],
    ["filler, last", { 63: 1 }, "ERR_ZMTP_INVALID_GREETING"],
    ["filler of 3.0", { 11: 0, 50: 9 }, "ERR_ZMTP_INVALID_GREETING"],
  ];
  for (const [name, changes, expected] of table) {
    assert.equal(outcome(greeting(changes)), expected, name);
  }
  for (const name of ["PLAIN", "CURVE", "NULLX", "NUL"]) {
    const theirs = encodeGreeting(name, false);
    assert.equal(outcome(theirs), "ERR_ZMTP_MECHANISM_MISMATCH", name);
  }
});

test("a stranger is turned away at the first wrong octet", () => {
  const parser = new GreetingParser("NULL");
  const request = new TextEncoder().encode("GET / HTTP/1.1\r\n");
  assert.equal(parser.consume(request, 0, request.length), 1);
  assert.equal(parser.error, "ERR_ZMTP_INVALID_GREETING");
  assert.equal(parser.consume(request, 1, request.length), 0);
  assert.equal(parser.greeting, null);
  const old = new GreetingParser("NULL");
  const bytes = greeting({ 10: 1 });
  assert.equal(old.consume(bytes, 0, 64), 11);
  assert.equal(old.error, "ERR_ZMTP_UNSUPPORTED_VERSION");
});

test("what follows the greeting is left alone", () => {
  const bytes = new Uint8Array(100).fill(0xee);
  bytes.set(greeting({}), 7);
  const parser = new GreetingParser("NULL");
  assert.equal(parser.consume(bytes, 7, 17), 10);
  assert.equal(parser.received, SIGNATURE_SIZE);
  assert.equal(parser.greeting, null);
  assert.equal(parser.consume(bytes, 17, 100), 54);
  assert.deepEqual(parser.greeting, OURS);
  assert.equal(parser.consume(bytes, 71, 100), 0);
  assert.equal(parser.received, GREETING_SIZE);
});

test("every single wrong octet is refused or means nothing", () => {
  for (let at = 0; at < GREETING_SIZE; at++) {
    for (let octet = 0; octet < 256; octet++) {
      const bytes = greeting({ [at]: octet });
      const result = parse(bytes, 64);
      const padding = at >= 1 && at <= 8;
      const version = at === 11 || (at === 10 && octet >= 3);
      const same = octet === encodeGreeting("NULL", false)[at];
      const accepted = typeof result === "object" && result !== null;
      assert.equal(accepted, padding || version || same, `${at}: ${octet}`);
    }
  }
});

test("version 3.0 is the only one without commands for subscriptions", () => {
  assert.ok(!speaksZmtp31({ ...OURS, minor: 0 }));
  assert.ok(speaksZmtp31(OURS));
  assert.ok(speaksZmtp31({ ...OURS, minor: 255 }));
  assert.ok(speaksZmtp31({ ...OURS, major: 4, minor: 0 }));
});
