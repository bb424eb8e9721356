import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION, version } from "../../../src/api/version.ts";

test("the version is that of a libzmq with all options used here", () => {
  assert.match(version, /^\d+\.\d+\.\d+$/);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  assert.ok(major === 4 && minor >= 3);
});

test("the package's version is the one in deno.json", () => {
  const config = new URL("../../../deno.json", import.meta.url);
  const { version: declared } = JSON.parse(readFileSync(config, "utf8"));
  assert.equal(VERSION, declared);
});
