import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProtocolError } from "../../../src/base/protocol_error.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import type { SocketTypeName } from "../../../src/base/socket_type.ts";
import { HANDSHAKE_BUFFER_BYTES } from "../../../src/engine/handshake.ts";
import { HandshakeSide } from "../../support/handshake_side.ts";
import {
  bytes,
  COMMAND,
  command,
  frame,
  greeting,
  LONG,
  message,
  MORE,
  property,
  ready,
  size64,
} from "../../support/raw_zmtp.ts";
import { seededRandom } from "../../support/seed.ts";

/** A side that has been greeted. */
function greeted(type: SocketTypeName = "PULL"): HandshakeSide {
  return new HandshakeSide(type).feed(greeting());
}

function expectRefused(
  side: HandshakeSide,
  error: ProtocolError,
  what: string = error,
): void {
  assert.equal(side.handshake.error, error, what);
  assert.equal(side.handshake.done, false, what);
}

/** A READY from the pieces of its metadata. */
function readyWith(...properties: (string | number | Uint8Array)[]) {
  return command("READY", ...properties);
}

/** The same frame with a size of eight octets. */
function longForm(short: Uint8Array): Uint8Array {
  assert.equal((short[0] as number) & LONG, 0);
  const body = short.slice(2);
  return bytes(
    (short[0] as number) | LONG,
    size64(BigInt(body.length)),
    body,
  );
}

const NAMES = Object.keys(SocketType) as SocketTypeName[];

// RFC 23, "The Socket-Type Property", and RFC 28 for REQ to ROUTER: who may
// talk to whom. Rows are our type, columns the peer's.
const PEERS = `
         PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB
  PAIR    yes   -   -   -   -      -      -    -    -    -    -
  PUB       -   - yes   -   -      -      -    -    -    -  yes
  SUB       - yes   -   -   -      -      -    -    -  yes    -
  REQ       -   -   -   - yes      -    yes    -    -    -    -
  REP       -   -   - yes   -    yes      -    -    -    -    -
  DEALER    -   -   -   - yes    yes    yes    -    -    -    -
  ROUTER    -   -   - yes   -    yes    yes    -    -    -    -
  PULL      -   -   -   -   -      -      -    -  yes    -    -
  PUSH      -   -   -   -   -      -      -  yes    -    -    -
  XPUB      -   - yes   -   -      -      -    -    -    -  yes
  XSUB      - yes   -   -   -      -      -    -    -  yes    -
`;

/** The pairs of the table above. */
function* pairs(): Generator<[SocketTypeName, SocketTypeName, boolean]> {
  const [head = [], ...rows] = PEERS.trim().split("\n")
    .map((line) => line.trim().split(/\s+/));
  assert.equal(rows.length, NAMES.length);
  for (const [mine, ...cells] of rows) {
    for (const [at, cell] of cells.entries()) {
      yield [
        mine as SocketTypeName,
        head[at] as SocketTypeName,
        cell === "yes",
      ];
    }
  }
}

const ANNOUNCING: readonly string[] = ["REQ", "DEALER", "ROUTER"];

describe("handshake: what is said", () => {
  test("first a greeting of ZMTP 3.1 with the NULL mechanism", () => {
    const said = new HandshakeSide("PUSH").handshake.greeting();
    const wanted = greeting();
    // RFC 23: the eight octets inside the signature are not interpreted.
    wanted.set(said.slice(1, 9), 1);
    assert.deepEqual(said, wanted);
  });

  test("READY follows the peer's whole greeting, not one octet sooner", () => {
    for (const type of NAMES) {
      const side = new HandshakeSide(type, "me");
      side.feed(greeting().slice(0, 63));
      assert.deepEqual(side.replies, [], type);
      side.feed(greeting().slice(63));
      const id = ANNOUNCING.includes(type) ? "me" : undefined;
      assert.deepEqual(side.replies, [ready(type, id)], type);
    }
  });

  test("all pairs of socket types: the table, and an ERROR for the others", () => {
    let count = 0;
    for (const [mine, theirs, allowed] of pairs()) {
      const what = `${mine} to ${theirs}`;
      const side = greeted(mine).feed(ready(theirs));
      assert.equal(side.handshake.done, allowed, what);
      if (allowed) {
        assert.equal(side.handshake.error, null, what);
        assert.equal(side.replies.length, 1, `${what}: READY and no more`);
      } else {
        expectRefused(side, "ERR_ZMTP_INVALID_METADATA", what);
        expectErrorCommand(side.replies[1]);
      }
      count += 1;
    }
    assert.equal(count, 121);
  });

  test("READY goes before ERROR when both are due at once", () => {
    const side = new HandshakeSide("PUSH").feed(greeting(), ready("SUB"));
    const [reply = bytes()] = side.replies;
    const mine = ready("PUSH");
    assert.deepEqual(reply.slice(0, mine.length), mine);
    expectErrorCommand(reply.slice(mine.length));
  });

  test("nothing is said to who breaks the protocol", () => {
    for (const wrong of [message("x"), readyWith("x"), command("HELLO")]) {
      assert.equal(greeted().feed(wrong).replies.length, 1);
    }
  });
});

/** RFC 23: error = command-size %d5 "ERROR" error-reason. */
function expectErrorCommand(reply: Uint8Array | undefined): void {
  assert.ok(reply !== undefined, "a reply");
  const reason = reply.slice(9);
  assert.deepEqual(reply, command("ERROR", reason.length, reason));
  assert.match(String.fromCharCode(...reason), /^[\x20-\x7e]+$/);
}

describe("handshake: what is heard", () => {
  test("the peer's version: SUBSCRIBE and PING are of 3.1 and above", () => {
    const versions = [[3, 0, false], [3, 1, true], [3, 2, true], [4, 0, true]];
    for (const [major, minor, speaks31] of versions) {
      const parts = { major: Number(major), minor: Number(minor) };
      const side = new HandshakeSide("PUB").feed(greeting(parts), ready("SUB"));
      assert.ok(side.handshake.done, `${major}.${minor}`);
      assert.equal(side.handshake.peerSpeaks31, speaks31, `${major}.${minor}`);
    }
  });

  test("a greeting of another mechanism, version or role ends it", () => {
    const cases: [Parameters<typeof greeting>[0], ProtocolError][] = [
      [{ mechanism: "PLAIN" }, "ERR_ZMTP_MECHANISM_MISMATCH"],
      [{ major: 2 }, "ERR_ZMTP_UNSUPPORTED_VERSION"],
      [{ asServer: 1 }, "ERR_ZMTP_ROLE_MISMATCH"],
      [{ change: { 0: 0x47 } }, "ERR_ZMTP_INVALID_GREETING"],
    ];
    for (const [parts, error] of cases) {
      const side = new HandshakeSide("PULL").feed(
        greeting(parts),
        ready("PUSH"),
      );
      expectRefused(side, error);
      assert.deepEqual(side.replies, []);
    }
  });

  test("the peer's routing id, for types that announce one", () => {
    for (const id of ["", "me", "x".repeat(255)]) {
      const side = greeted("ROUTER").feed(ready("DEALER", id));
      assert.ok(side.handshake.done);
      assert.deepEqual(side.handshake.peerRoutingId, bytes(id));
    }
    // RFC 23: MAY be specified by REQ, DEALER and ROUTER, and only by them.
    for (const id of ["me", "\0me", "x".repeat(256)]) {
      const side = greeted("PULL").feed(ready("PUSH", id));
      assert.ok(side.handshake.done, "an Identity of no meaning is skipped");
      assert.deepEqual(side.handshake.peerRoutingId, bytes());
    }
  });

  test("the routing id is a copy: the buffer is used again", () => {
    const { handshake } = new HandshakeSide("ROUTER");
    const wire = bytes(greeting(), ready("DEALER", "mine"));
    assert.equal(handshake.feed(wire, 0, wire.length), wire.length);
    wire.fill(0x55);
    assert.deepEqual(handshake.peerRoutingId, bytes("mine"));
  });

  test("property names in any case and order, and unknown ones", () => {
    const type = property("sOCKET-tYPE", "DEALER");
    const id = property("IDENTITY", "me");
    const other = property("X-a_b.c+9", bytes(0, 1, 255));
    for (const list of [[type, id, other], [other, id, type]]) {
      const side = greeted("ROUTER").feed(readyWith(...list));
      assert.equal(side.handshake.error, null);
      assert.deepEqual(side.handshake.peerRoutingId, bytes("me"));
    }
  });

  test("metadata that breaks a rule ends it", () => {
    const type = property("Socket-Type", "DEALER");
    const many = Array.from({ length: 64 }, (_, n) => property(`X-${n}`, ""));
    const lists: [string, (string | number | Uint8Array)[]][] = [
      ["no metadata", []],
      ["no type", [property("Identity", "me")]],
      ["an empty type", [property("Socket-Type", "")]],
      ["an unknown type", [property("Socket-Type", "DISH")]],
      ["a type in small letters", [property("Socket-Type", "dealer")]],
      ["a type and more", [property("Socket-Type", "DEALER\0")]],
      ["two types", [type, type]],
      ["two ids", [type, property("Identity", "a"), property("identity", "a")]],
      ["a long id", [type, property("Identity", "x".repeat(256))]],
      ["a reserved id", [type, property("Identity", "\0me")]],
      ["no name", [type, property("", "value")]],
      ["a name with a blank", [type, property("X y", "value")]],
      ["half a size", [type, bytes(1, "X", 0, 0)]],
      ["half a value", [type, bytes(1, "X", 0, 0, 0, 2, "v")]],
      ["a value of 2 GiB", [type, bytes(1, "X", 0x80, 0, 0, 0)]],
      ["half a name", [type, bytes(9, "X")]],
      ["65 properties", [type, ...many]],
    ];
    for (const [what, list] of lists) {
      const side = greeted("ROUTER").feed(readyWith(...list));
      expectRefused(side, "ERR_ZMTP_INVALID_METADATA", what);
    }
    const most = greeted("ROUTER").feed(readyWith(type, ...many.slice(1)));
    assert.ok(most.handshake.done, "64 properties");
  });

  test("ERROR instead of READY ends it, also without a reason", () => {
    for (const reason of ["", "Invalid socket type", "x".repeat(255)]) {
      const side = greeted().feed(command("ERROR", reason.length, reason));
      expectRefused(side, "ERR_ZMTP_REFUSED_BY_PEER");
      assert.equal(side.replies.length, 1, "no answer to an ERROR");
    }
  });
});

describe("handshake: frames", () => {
  test("a command with a long header, also with a short body", () => {
    const side = new HandshakeSide("ROUTER");
    side.feed(greeting(), longForm(ready("DEALER", "me")), message("x"));
    assert.equal(side.handshake.error, null);
    assert.deepEqual(side.handshake.peerRoutingId, bytes("me"));
    assert.deepEqual(side.left, message("x"));
  });

  test("other commands, messages and malformed frames end it", () => {
    const cases: [Uint8Array, ProtocolError][] = [
      [message("x"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [message(""), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [frame(MORE, "x"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [longForm(message("x")), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [command("HELLO"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [command("SUBSCRIBE", "x"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [command("PING", 0, 1), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [command("ready"), "ERR_ZMTP_UNEXPECTED_COMMAND"],
      [frame(COMMAND, ""), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
      [frame(COMMAND, "\x01"), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
      [frame(COMMAND, "\x00x"), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
      [frame(COMMAND, "\x06READY"), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
      [frame(COMMAND, "\x02R1"), "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED"],
      [
        frame(COMMAND | MORE, ready("PUSH").slice(2)),
        "ERR_ZMTP_MORE_ON_COMMAND",
      ],
    ];
    for (const [wire, error] of cases) {
      expectRefused(greeted().feed(wire), error, wire.join(" "));
    }
  });

  test("nobody waits for the body of what is refused by its header", () => {
    for (let bit = 0x08; bit <= 0x80; bit *= 2) {
      const side = greeted().feed(COMMAND | bit, 26);
      expectRefused(side, "ERR_ZMTP_RESERVED_FLAGS", `bit ${bit}`);
    }
    expectRefused(greeted().feed(0, 200), "ERR_ZMTP_UNEXPECTED_COMMAND");
    expectRefused(greeted().feed(5, 200), "ERR_ZMTP_MORE_ON_COMMAND");
  });

  test("the largest command is as large as the buffer that holds it", () => {
    const type = property("Socket-Type", "PUSH");
    const room = HANDSHAKE_BUFFER_BYTES - readyWith(type).length;
    // A header that is 7 octets longer, and a property with a name of one.
    const padded = (extra: number) =>
      readyWith(type, property("X", "x".repeat(room - 7 - 6 + extra)));
    assert.equal(padded(0).length, HANDSHAKE_BUFFER_BYTES);
    assert.ok(greeted().feed(padded(0)).handshake.done);
    const header = padded(1).slice(0, 9);
    expectRefused(greeted().feed(header), "ERR_ZMTP_COMMAND_TOO_LARGE");
    for (const size of [2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      const side = greeted().feed(COMMAND | LONG, size64(size));
      assert.match(String(side.handshake.error), /_TOO_LARGE$/, `${size}`);
    }
  });

  test("traffic behind READY is not touched", () => {
    const traffic = bytes(message("a", "b"), command("PING", 0, 1), 0xff);
    const side = new HandshakeSide("PULL").feed(
      greeting(),
      ready("PUSH"),
      traffic,
    );
    assert.ok(side.handshake.done);
    assert.deepEqual(side.left, traffic);
    const { left } = side.feed(ready("PUSH"));
    assert.deepEqual(left, bytes(traffic, ready("PUSH")), "nor later");
    assert.equal(side.handshake.error, null);
  });
});

const STREAMS: readonly [string, SocketTypeName, Uint8Array][] = [
  ["READY", "ROUTER", bytes(greeting(), ready("REQ", "id"), message("x", "y"))],
  [
    "3.0 and a READY of 300 octets",
    "PUB",
    bytes(greeting({ minor: 0 }), ready("SUB", "x".repeat(300)), message("x")),
  ],
  [
    "a READY that is long without need",
    "ROUTER",
    bytes(greeting(), longForm(ready("REQ", "id")), message("x", "y")),
  ],
  ["a refused type", "PULL", bytes(greeting(), ready("PULL"))],
  ["ERROR", "PULL", bytes(greeting(), command("ERROR", 2, "no"))],
  ["a command too large", "PULL", bytes(greeting(), 6, size64(9000n))],
  ["a message", "PULL", bytes(greeting(), message("x"))],
  ["a long message", "PULL", bytes(greeting(), frame(0, "x".repeat(300)))],
  ["HTTP", "PULL", bytes("GET / HTTP/1.1\r\n\r\n")],
];

describe("handshake: any chunking comes to the same", () => {
  for (const [name, type, wire] of STREAMS) {
    const whole = new HandshakeSide(type).feed(wire).outcome;

    test(`${name}: one cut, everywhere`, () => {
      for (let cut = 1; cut < wire.length; cut += 1) {
        const cutOnce = new HandshakeSide(type).feedCut(wire, [cut]);
        assert.deepEqual(cutOnce.outcome, whole, `cut at ${cut}`);
      }
    });

    test(`${name}: octet by octet, and at random`, () => {
      const all = Array.from({ length: wire.length - 1 }, (_, n) => n + 1);
      assert.deepEqual(
        new HandshakeSide(type).feedCut(wire, all).outcome,
        whole,
      );
      const random = seededRandom(`handshake chunks of ${name}`);
      for (let round = 0; round < 100; round += 1) {
        const cuts = all.filter(() => random.chance(0.1));
        const { outcome } = new HandshakeSide(type).feedCut(wire, cuts);
        assert.deepEqual(outcome, whole, `cuts ${cuts.join(" ")}`);
      }
    });
  }
});
