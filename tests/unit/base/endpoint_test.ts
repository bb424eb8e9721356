import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Endpoint,
  type EndpointRole,
  formatEndpoint,
  parseEndpoint,
} from "../../../src/base/endpoint.ts";
import type { ErrorCode } from "../../../src/base/error_codes.ts";
import { ZmqError } from "../../../src/base/errors.ts";

function tcp(host: string, port: number, zone = ""): Endpoint {
  return { protocol: "tcp", host, port, zone, source: null };
}

function from(source: string, sourcePort: number, target: Endpoint): Endpoint {
  assert.equal(target.protocol, "tcp");
  return {
    ...target,
    source: { host: source, port: sourcePort, zone: "" },
  } as Endpoint;
}

function ipc(path: string, abstract = false, wildcard = false): Endpoint {
  return { protocol: "ipc", path, abstract, wildcard };
}

function outcome(text: string, role: EndpointRole): Endpoint | ErrorCode {
  try {
    return parseEndpoint(text, role);
  } catch (error) {
    assert.ok(error instanceof ZmqError, `${text}: ${error}`);
    assert.equal(error.address, text);
    return error.code;
  }
}

const BOTH: [string, Endpoint][] = [
  ["tcp://127.0.0.1:5555", tcp("127.0.0.1", 5555)],
  ["tcp://localhost:1", tcp("localhost", 1)],
  ["tcp://localhost:0", tcp("localhost", 0)],
  ["tcp://127.0.0.1:65535", tcp("127.0.0.1", 65535)],
  ["tcp://127.0.0.1:05", tcp("127.0.0.1", 5)],
  ["tcp://[127.0.0.1]:5", tcp("127.0.0.1", 5)],
  ["tcp://[::1]:5", tcp("::1", 5)],
  ["tcp://::1:5", tcp("::1", 5)],
  ["tcp://[::]:5", tcp("::", 5)],
  ["tcp://[fe80::1%lo]:5", tcp("fe80::1", 5, "lo")],
  ["tcp://fe80::1%eth0.7:5", tcp("fe80::1", 5, "eth0.7")],
  ["tcp://[::ffff:1.2.3.4]:5", tcp("::ffff:1.2.3.4", 5)],
  ["tcp://a-b.c_d.example:80", tcp("a-b.c_d.example", 80)],
  ["tcp://1.2.3:5", tcp("1.2.3", 5)],
  ["tcp://eth0:5", tcp("eth0", 5)],
  ["ipc:///tmp/feed", ipc("/tmp/feed")],
  ["ipc://feed", ipc("feed")],
  ["ipc://a b", ipc("a b")],
  ["ipc://@name", ipc("name", true)],
  ["ipc://@*", ipc("*", true)],
  ["ipc://é", ipc("é")],
  ["inproc://name", { protocol: "inproc", name: "name" }],
  ["shm://a b?slots=8&slotSize=24", {
    protocol: "shm",
    name: "a b",
    slots: 8,
    slotSize: 24,
    wildcard: false,
  }],
  ["inproc://a://b c", { protocol: "inproc", name: "a://b c" }],
  ["inproc://#1", { protocol: "inproc", name: "#1" }],
];

test("what both roles accept", () => {
  for (const [text, expected] of BOTH) {
    assert.deepEqual(outcome(text, "connect"), expected, text);
    assert.deepEqual(outcome(text, "bind"), expected, text);
  }
});

test("what only bind accepts", () => {
  const table: [string, Endpoint][] = [
    ["tcp://*:5555", tcp("*", 5555)],
    ["tcp://*:*", tcp("*", 0)],
    ["tcp://*:0", tcp("*", 0)],
    ["tcp://127.0.0.1:*", tcp("127.0.0.1", 0)],
    ["tcp://[::1]:*", tcp("::1", 0)],
    ["tcp://lo:*", tcp("lo", 0)],
  ];
  for (const [text, expected] of table) {
    assert.deepEqual(outcome(text, "bind"), expected, text);
    assert.equal(outcome(text, "connect"), "EINVAL", text);
  }
  // Alias names of interfaces.
  assert.deepEqual(outcome("tcp://eth0:1:5", "bind"), tcp("eth0:1", 5));
  assert.equal(outcome("tcp://eth0:1:5", "connect"), "EINVAL");
  assert.deepEqual(outcome("ipc://*", "bind"), ipc("*", false, true));
  assert.deepEqual(outcome("ipc://*", "connect"), ipc("*"));
});

test("what only connect accepts: a source address", () => {
  const target = tcp("localhost", 1234);
  const table: [string, Endpoint][] = [
    ["tcp://127.0.0.1:0;localhost:1234", from("127.0.0.1", 0, target)],
    ["tcp://localhost:5555;localhost:1234", from("localhost", 5555, target)],
    ["tcp://lo:*;localhost:1234", from("lo", 0, target)],
    ["tcp://[::1]:7;[::1]:8", from("::1", 7, tcp("::1", 8))],
  ];
  for (const [text, expected] of table) {
    assert.deepEqual(outcome(text, "connect"), expected, text);
    assert.equal(outcome(text, "bind"), "EINVAL", text);
  }
});

test("malformed texts are EINVAL in both roles", () => {
  const table = [
    "",
    "foo",
    "foo-bar",
    "tcp",
    "tcp:",
    "tcp:/x",
    "://x",
    "tcp://",
    "foo://",
    "ipc://",
    "ipc://@",
    "ipc://a\0b",
    "inproc://",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:",
    "tcp://localhost:x",
    "tcp://localhost:http",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:70000",
    "tcp://127.0.0.1:4294967297",
    "tcp://127.0.0.1:99999999999999999999",
    "tcp://127.0.0.1:-1",
    "tcp://127.0.0.1:+5",
    "tcp://127.0.0.1: 5",
    "tcp://127.0.0.1:5 ",
    "tcp://127.0.0.1:5\n",
    "tcp://127.0.0.1:0x5",
    "tcp://127.0.0.1:1e3",
    "tcp://127.0.0.1:5.0",
    "tcp://127.0.0.1:**",
    "tcp://127.0.0.1:٥",
    "tcp://[::1]",
    "tcp://;localhost:1234",
    "tcp://127.0.0.1;localhost:1234",
    "tcp://localhost:1234;",
    "tcp://*:0;localhost:1234",
    "tcp://a:1;b:2;c:3",
    "tcp://eth0:6000/resource",
  ];
  for (const text of table) {
    assert.equal(outcome(text, "connect"), "EINVAL", JSON.stringify(text));
    assert.equal(outcome(text, "bind"), "EINVAL", JSON.stringify(text));
  }
});

test("impossible hosts are EINVAL to connect and ENODEV to bind", () => {
  const table = [
    "tcp://:5555",
    "tcp://in valid:5",
    "tcp:// localhost:5",
    "tcp://-foo:5",
    "tcp://.:5",
    "tcp://é:5",
    "tcp://a/b:5",
    "tcp://a\0b:5",
    "tcp://%lo:5",
    "tcp://host%lo:5",
    "tcp://[]:5",
    "tcp://[::1:5",
    "tcp://::1]:5",
    "tcp://[1.2.128.]129:5",
    "tcp://[1.2.128].129:5",
    "tcp://[[::1]]:5",
    "tcp://[::1%]:5",
    "tcp://[::1%a b]:5",
    "tcp://[*]:5",
    `tcp://${"x".repeat(321)}:5`,
  ];
  for (const text of table) {
    assert.equal(outcome(text, "connect"), "EINVAL", JSON.stringify(text));
    assert.equal(outcome(text, "bind"), "ENODEV", JSON.stringify(text));
  }
});

test("other transports are refused with the reason", () => {
  for (const role of ["bind", "connect"] as const) {
    assert.equal(outcome("udp://127.0.0.1:5", role), "ENOCOMPATPROTO");
    for (
      const scheme of [
        "foo",
        "TCP",
        " tcp",
        "pgm",
        "epgm",
        "norm",
        "tipc",
        "vmci",
        "ws",
        "wss",
        "toString",
      ]
    ) {
      assert.equal(outcome(`${scheme}://127.0.0.1:5`, role), "EPROTONOSUPPORT");
    }
  }
});

test("names may be as long as the limit, counted in bytes", () => {
  const path = (length: number): string => "ipc://" + "x".repeat(length);
  assert.equal(typeof outcome(path(107), "bind"), "object");
  assert.equal(outcome(path(108), "bind"), "ENAMETOOLONG");
  assert.equal(outcome("ipc://" + "é".repeat(54), "bind"), "ENAMETOOLONG");
  assert.equal(typeof outcome("ipc://@" + "x".repeat(106), "bind"), "object");
  assert.equal(outcome("ipc://@" + "x".repeat(107), "bind"), "ENAMETOOLONG");
  const name = (length: number): string => "inproc://" + "x".repeat(length);
  assert.equal(typeof outcome(name(1024), "bind"), "object");
  assert.equal(outcome(name(1025), "connect"), "ENAMETOOLONG");
});

test("what is not a string is a TypeError", () => {
  for (const value of [undefined, null, 5, {}, ["tcp://a:1"]]) {
    assert.throws(
      () => parseEndpoint(value as unknown as string, "bind"),
      { name: "TypeError", message: "Address must be a string" },
    );
  }
});

test("a formatted endpoint reads back as itself", () => {
  const texts = [
    "tcp://127.0.0.1:5555",
    "tcp://*:0",
    "tcp://[::1]:5",
    "tcp://[fe80::1%lo]:5",
    "tcp://host:1",
    "ipc:///tmp/feed",
    "ipc://@name",
    "ipc://*",
    "inproc://a b",
  ];
  for (const text of texts) {
    assert.equal(formatEndpoint(parseEndpoint(text, "bind")), text);
  }
  const source = "tcp://[::1]:7;localhost:1234";
  assert.equal(formatEndpoint(parseEndpoint(source, "connect")), source);
  assert.equal(formatEndpoint(tcp("0.0.0.0", 80)), "tcp://0.0.0.0:80");
});

test("random texts never make anything but a ZmqError", () => {
  const pieces = ["tcp://", "ipc://", "inproc://", ":", "[", "]", "*", ";"];
  pieces.push("%", "@", "1", "65535", "::1", "lo", "\0", "é", " ", "-", "//");
  let seed = 20240607;
  for (let round = 0; round < 20000; round++) {
    let text = round % 2 === 0 ? "tcp://" : "";
    for (let i = 0; i < 1 + round % 7; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      text += pieces[(seed >>> 8) % pieces.length];
    }
    for (const role of ["bind", "connect"] as const) {
      const result = outcome(text, role);
      if (typeof result === "string") continue;
      const again = outcome(formatEndpoint(result), role);
      assert.deepEqual(again, result, JSON.stringify(text));
    }
  }
});
