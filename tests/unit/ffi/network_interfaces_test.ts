import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { interfaceIndex, interfaces, parseIp } from "../../../ffi/mod.ts";

test("the loopback interface is listed with its index", () => {
  const loopback = interfaces().find((one) => one.address === "127.0.0.1");
  assert.ok(loopback !== undefined);
  assert.equal(loopback.family, "inet");
  assert.ok(interfaceIndex(loopback.name) > 0);
  assert.equal(interfaceIndex("no-such-thing"), 0);
});

test("addresses are those that the runtime lists", () => {
  const own = new Set(interfaces().map((one) => one.address));
  for (const list of Object.values(networkInterfaces())) {
    for (const { address } of list ?? []) {
      assert.ok(own.has(address.replace(/%.*/, "")), address);
    }
  }
});

test("families fit, and link-local addresses have a scope", () => {
  for (const { name, family, address, scopeId } of interfaces()) {
    assert.equal(parseIp(address), family === "inet" ? 4 : 6);
    if (address.startsWith("fe80:")) {
      assert.equal(scopeId, interfaceIndex(name));
    }
  }
});
