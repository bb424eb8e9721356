import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatIpv4,
  formatIpv6,
  parseIp,
  parseIpv4,
  parseIpv6,
} from "../../../ffi/ip_text.ts";

test("dotted quads are read strictly", () => {
  assert.deepEqual([...parseIpv4("192.0.2.255") ?? []], [192, 0, 2, 255]);
  assert.equal(formatIpv4(new Uint8Array([10, 0, 0, 1])), "10.0.0.1");
  const wrong = ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4"];
  wrong.push("1.2.3.", "1..2.3", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "1e1.2");
  for (const text of wrong) assert.equal(parseIpv4(text), null, `"${text}"`);
});

// Text, and the same address as RFC 5952 writes it.
const ADDRESSES: [string, string][] = [
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::1", "2001:db8::1"],
  ["2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["::ffff:c000:201", "::ffff:192.0.2.1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["fe80::1", "fe80::1"],
];

test("IPv6 addresses are read and written in the form of RFC 5952", () => {
  for (const [text, canonical] of ADDRESSES) {
    const bytes = parseIpv6(text);
    assert.ok(bytes !== null, text);
    assert.equal(formatIpv6(bytes), canonical, text);
    assert.deepEqual(parseIpv6(canonical), bytes, text);
  }
});

test("wrong IPv6 addresses are refused", () => {
  const wrong = ["", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9"];
  wrong.push(
    "1::2::3",
    "12345::",
    "g::",
    "::1%1",
    "[::1]",
    "1:2:3:4:5:6:7:8::",
  );
  wrong.push(
    ":1::",
    "::1:",
    "1.2.3.4::",
    "::1.2.3",
    "::1.2.3.4:5",
    "::256.1.1.1",
  );
  for (const text of wrong) assert.equal(parseIpv6(text), null, `"${text}"`);
});

test("parseIp tells the version", () => {
  assert.equal(parseIp("127.0.0.1"), 4);
  assert.equal(parseIp("::1"), 6);
  assert.equal(parseIp("localhost"), 0);
  assert.equal(parseIp(""), 0);
});
