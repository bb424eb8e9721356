import assert from "node:assert/strict";
import { test } from "node:test";
import {
  COMMAND_MALFORMED,
  commandDataStart,
  CommandKind,
  encodeCancel,
  encodeCommand,
  encodeCommandFrame,
  encodeError,
  encodeLegacySubscription,
  encodePing,
  encodePong,
  encodeSubscribe,
  identifyCommand,
  parseError,
  parsePing,
  parsePong,
  wrongKind,
} from "../../../src/zmtp/command_codec.ts";

const NOTHING = new Uint8Array(0);

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function identify(text: string): number {
  const bytes = octets(`??${text}??`);
  return identifyCommand(bytes, 2, bytes.length - 2);
}

/** Runs a parser with other octets around, which must not be looked at. */
function around<T>(
  parser: (bytes: Uint8Array, start: number, end: number) => T,
  body: Uint8Array | string,
): T {
  const bytes = typeof body === "string" ? octets(body) : body;
  const wider = new Uint8Array(bytes.length + 40).fill(0x41);
  wider.set(bytes, 20);
  return parser(wider, 20, 20 + bytes.length);
}

test("the frames are octet for octet what libzmq 4.3.5 sends", () => {
  const table: [Uint8Array, string][] = [
    [encodeSubscribe(octets("A")), "\x04\x0b\x09SUBSCRIBEA"],
    [encodeSubscribe(NOTHING), "\x04\x0a\x09SUBSCRIBE"],
    [encodeCancel(octets("A")), "\x04\x08\x06CANCELA"],
    [encodePing(15, NOTHING), "\x04\x07\x04PING\x00\x0f"],
    [encodePong(octets("xy")), "\x04\x07\x04PONGxy"],
    [encodeError("no"), "\x04\x09\x05ERROR\x02no"],
  ];
  for (const [body, expected] of table) {
    assert.deepEqual(encodeCommandFrame(body), octets(expected));
  }
});

test("long commands get a long header", () => {
  const frame = encodeCommandFrame(encodeSubscribe(new Uint8Array(300)));
  const head = [6, 0, 0, 0, 0, 0, 0, 1, 54, 9, 83];
  assert.deepEqual([...frame.subarray(0, 11)], head);
  assert.equal(frame.length, 9 + 10 + 300);
});

test("old peers get subscriptions as messages", () => {
  const subscribe = encodeLegacySubscription(
    CommandKind.SUBSCRIBE,
    octets("ab"),
  );
  assert.deepEqual(subscribe, octets("\x01ab"));
  const cancel = encodeLegacySubscription(CommandKind.CANCEL, NOTHING);
  assert.deepEqual(cancel, octets("\x00"));
});

test("commands are known by their names", () => {
  const table: [string, number][] = [
    ["\x05READY", CommandKind.READY],
    ["\x05ERROR\x00", CommandKind.ERROR],
    ["\x09SUBSCRIBEtopic", CommandKind.SUBSCRIBE],
    ["\x09SUBSCRIBE", CommandKind.SUBSCRIBE],
    ["\x06CANCEL\x00\xff", CommandKind.CANCEL],
    ["\x04PING\x00\x00", CommandKind.PING],
    ["\x04PONG", CommandKind.PONG],
    ["\x04JOINgroup", CommandKind.UNKNOWN],
    ["\x07MESSAGE........", CommandKind.UNKNOWN],
    ["\x01a", CommandKind.UNKNOWN],
    ["\x04ping", CommandKind.UNKNOWN],
    ["\x03PINGG", CommandKind.UNKNOWN],
    ["\x05PINGx", CommandKind.UNKNOWN],
    [`\xff${"Z".repeat(255)}`, CommandKind.UNKNOWN],
    ["", COMMAND_MALFORMED],
    ["\x00", COMMAND_MALFORMED],
    ["\x00PING", COMMAND_MALFORMED],
    ["\x04PIN", COMMAND_MALFORMED],
    ["\x09SUBSCRIB", COMMAND_MALFORMED],
    ["\x05PING\x00", COMMAND_MALFORMED],
    ["\x02A1", COMMAND_MALFORMED],
    ["\x02A ", COMMAND_MALFORMED],
    ["\x01[", COMMAND_MALFORMED],
    ["\x01@", COMMAND_MALFORMED],
    ["\x01`", COMMAND_MALFORMED],
    ["\x01{", COMMAND_MALFORMED],
    ["\x01\xc1", COMMAND_MALFORMED],
    [`\xff${"Z".repeat(254)}`, COMMAND_MALFORMED],
  ];
  for (const [text, expected] of table) {
    assert.equal(identify(text), expected, JSON.stringify(text));
  }
});

test("the data begins behind the name", () => {
  const body = encodeCommand(CommandKind.CANCEL, octets("topic"));
  assert.deepEqual(
    body.subarray(commandDataStart(body, 0)),
    octets("topic"),
  );
});

test("PINGs read back, in all lengths of context", () => {
  for (let size = 0; size <= 16; size++) {
    const context = new Uint8Array(size).fill(size);
    for (const ttl of [0, 1, 255, 256, 0xffff]) {
      const result = around(parsePing, encodePing(ttl, context));
      assert.deepEqual(result, { ttl, context });
    }
    const pong = around(parsePong, encodePong(context));
    assert.deepEqual(pong, { context });
  }
});

test("what we ask for wrongly is our own mistake", () => {
  const long = new Uint8Array(17);
  assert.throws(() => encodePing(0, long), RangeError);
  assert.throws(() => encodePong(long), RangeError);
  for (const ttl of [-1, 65536, 1.5, NaN]) {
    assert.throws(() => encodePing(ttl, NOTHING), RangeError);
  }
});

test("malformed PINGs and PONGs are refused", () => {
  const malformed = "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
  const unexpected = "ERR_ZMTP_UNEXPECTED_COMMAND";
  const long = "x".repeat(17);
  const pings: [string, string][] = [
    ["\x04PING", malformed],
    ["\x04PING\x00", malformed],
    [`\x04PING\x00\x00${long}`, malformed],
    ["\x04PIN", malformed],
    ["", malformed],
    ["\x04PONG\x00\x00", unexpected],
    ["\x04JOIN\x00\x00", unexpected],
  ];
  for (const [text, expected] of pings) {
    assert.equal(around(parsePing, text), expected, JSON.stringify(text));
  }
  const pongs: [string, string][] = [
    [`\x04PONG${long}`, malformed],
    ["\x00", malformed],
    ["\x04PING\x00\x00", unexpected],
  ];
  for (const [text, expected] of pongs) {
    assert.equal(around(parsePong, text), expected, JSON.stringify(text));
  }
});

test("reasons read back as one printable line", () => {
  const table: [string, string][] = [
    ["", ""],
    ["Invalid socket type", "Invalid socket type"],
    ["a\r\nb\x1b[31mé€", "a??b?[31m??"],
    ["x".repeat(300), "x".repeat(255)],
  ];
  for (const [reason, expected] of table) {
    assert.deepEqual(around(parseError, encodeError(reason)), {
      reason: expected,
    });
  }
  assert.deepEqual(around(parseError, "\x05ERROR\x03a\n\xff"), {
    reason: "a??",
  });
});

test("malformed ERRORs are refused", () => {
  const table: [string, string][] = [
    ["\x05ERROR", "ERR_ZMTP_MALFORMED_COMMAND_ERROR"],
    ["\x05ERROR\x01", "ERR_ZMTP_MALFORMED_COMMAND_ERROR"],
    ["\x05ERROR\xffabc", "ERR_ZMTP_MALFORMED_COMMAND_ERROR"],
    ["\x05ERROR\x00a", "ERR_ZMTP_MALFORMED_COMMAND_ERROR"],
    ["\x05ERRO", "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
    ["\x05READY", "ERR_ZMTP_UNEXPECTED_COMMAND"],
  ];
  for (const [text, expected] of table) {
    assert.equal(around(parseError, text), expected, JSON.stringify(text));
  }
});

test("a body of the wanted kind has nothing wrong with it", () => {
  const check = (text: string): string | null =>
    around(
      (bytes, start, end) => wrongKind(bytes, start, end, CommandKind.READY),
      text,
    );
  assert.equal(check("\x05READY"), null);
  assert.equal(check("\x05ERROR\x00"), "ERR_ZMTP_UNEXPECTED_COMMAND");
  assert.equal(check("\x05"), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED");
});

test("contexts are copies, also of shared memory", () => {
  const ping = encodePing(1, octets("abc"));
  const shared = new Uint8Array(new SharedArrayBuffer(ping.length));
  shared.set(ping);
  const result = parsePing(shared, 0, shared.length);
  assert.ok(typeof result === "object");
  shared.fill(0);
  assert.deepEqual(result.context, octets("abc"));
});

test("mutated commands never throw", () => {
  const bodies = [
    encodePing(7, octets("abc")),
    encodePong(octets("abc")),
    encodeError("reason"),
    encodeSubscribe(octets("topic")),
  ];
  let rejected = 0;
  for (const body of bodies) {
    for (let at = 0; at < body.length; at++) {
      for (let octet = 0; octet < 256; octet++) {
        const mutant = body.slice();
        mutant[at] = octet;
        for (const parser of [parsePing, parsePong, parseError]) {
          const result = around<unknown>(parser, mutant);
          if (typeof result === "string") rejected++;
          else assert.ok(typeof result === "object" && result !== null);
        }
      }
    }
  }
  assert.ok(rejected > 0);
});
