import assert from "node:assert/strict";
import { test } from "node:test";
import { errnoNumber, lookupHost, parseIp } from "../../../ffi/mod.ts";

test("localhost is an address of this machine", () => {
  const { errno, addresses } = lookupHost("localhost", 0);
  assert.equal(errno, 0);
  assert.ok(addresses.length > 0);
  for (const address of addresses) {
    assert.ok(address === "::1" || address.startsWith("127."), address);
  }
});

test("the family limits the addresses", () => {
  assert.deepEqual(lookupHost("192.0.2.1", 4).addresses, ["192.0.2.1"]);
  assert.deepEqual(lookupHost("2001:db8::1", 6).addresses, ["2001:db8::1"]);
  const wrong = lookupHost("192.0.2.1", 6);
  assert.ok(wrong.errno < 0 || wrong.addresses.every((a) => parseIp(a) === 6));
});

test("a name that cannot exist is ENOENT", () => {
  // A space is not allowed in a host name, so nobody is asked over a network.
  const { errno, addresses } = lookupHost("not a name", 0);
  assert.deepEqual(addresses, []);
  assert.equal(errno, -errnoNumber("ENOENT"));
});

test("a link-local address keeps its scope", () => {
  const { errno, addresses } = lookupHost("fe80::1%1", 6);
  if (errno === 0) assert.deepEqual(addresses, ["fe80::1%1"]);
  else assert.equal(errno, -errnoNumber("ENOENT"));
});
