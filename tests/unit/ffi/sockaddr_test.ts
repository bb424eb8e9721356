import assert from "node:assert/strict";
import { test } from "node:test";
import { constants } from "../../../ffi/constants.ts";
import {
  host,
  type ParsedSockaddr,
  parseSockaddr,
  sockaddrIn,
  sockaddrIn6,
  sockaddrUn,
} from "../../../ffi/mod.ts";
import { structLayout } from "../../../ffi/struct_layout.ts";

function parsed(bytes: Uint8Array | null): ParsedSockaddr | null {
  assert.ok(bytes !== null);
  return parseSockaddr(bytes);
}

test("IPv4 addresses come back as they went in", () => {
  assert.deepEqual(parsed(sockaddrIn("192.0.2.7", 5555)), {
    family: "inet",
    address: "192.0.2.7",
    port: 5555,
    scopeId: 0,
  });
});

test("IPv6 addresses come back with their scope", () => {
  assert.deepEqual(parsed(sockaddrIn6("fe80::1", 65535, 3)), {
    family: "inet6",
    address: "fe80::1",
    port: 65535,
    scopeId: 3,
  });
});

test("the bytes are those of this system's C structures", () => {
  const v4 = sockaddrIn("1.2.3.4", 0x1234);
  const lead = structLayout.sockaddrHasLength
    ? [16, constants.AF_INET]
    : [constants.AF_INET, 0];
  const rest = [0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...v4 ?? []], [...lead, ...rest]);
  assert.equal(sockaddrIn6("::1", 1)?.length, 28);
});

test("text that is no address of the family gives null", () => {
  assert.equal(sockaddrIn("::1", 1), null);
  assert.equal(sockaddrIn("localhost", 1), null);
  assert.equal(sockaddrIn6("1.2.3.4", 1), null);
});

test("a port outside 16 bits is refused", () => {
  assert.throws(() => sockaddrIn("1.2.3.4", 65536), RangeError);
  assert.throws(() => sockaddrIn6("::1", -1), RangeError);
});

test("paths come back as they went in, up to the system's limit", () => {
  const longest = "/" + "x".repeat(structLayout.sockaddrUnPathSize - 2);
  for (const path of ["/tmp/socket", "relative", "/tmp/é", longest]) {
    assert.equal(parsed(sockaddrUn(path))?.address, path);
  }
  assert.equal(sockaddrUn(longest + "x"), null);
  assert.equal(sockaddrUn(""), null);
});

test("abstract names have no zero byte at their end", {
  skip: host.os !== "linux" && "only Linux has abstract names",
}, () => {
  const bytes = sockaddrUn("@name");
  assert.deepEqual([...bytes ?? []], [1, 0, 0, 0x6e, 0x61, 0x6d, 0x65]);
  assert.equal(parsed(bytes)?.address, "@name");
  assert.ok(sockaddrUn("@" + "x".repeat(107)) !== null);
  assert.equal(sockaddrUn("@" + "x".repeat(108)), null);
});

test("unnamed, short and foreign addresses do not throw", () => {
  const unnamed = new Uint8Array(2);
  unnamed[structLayout.sockaddrHasLength ? 1 : 0] = constants.AF_UNIX;
  assert.equal(parseSockaddr(unnamed)?.address, "");
  assert.equal(parseSockaddr(new Uint8Array(0)), null);
  assert.equal(parseSockaddr(new Uint8Array(16).fill(99)), null);
  assert.equal(parsed(sockaddrIn("1.2.3.4", 1))?.family, "inet");
  const short = sockaddrIn("1.2.3.4", 1)?.subarray(0, 8);
  assert.equal(parseSockaddr(short ?? new Uint8Array(0)), null);
});
