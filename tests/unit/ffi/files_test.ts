import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import {
  errnoNumber,
  makeTempDir,
  maxFiles,
  pathExists,
  removeDir,
  unlinkPath,
} from "../../../ffi/mod.ts";

const ENOENT = errnoNumber("ENOENT");

test("a temporary directory is new, private and removable", () => {
  const prefix = `${tmpdir()}/ffi-é-`;
  const first = makeTempDir(prefix);
  const second = makeTempDir(prefix);
  assert.ok(typeof first === "string" && typeof second === "string");
  assert.ok(first.startsWith(prefix));
  assert.notEqual(first, second);
  assert.equal(statSync(first).mode & 0o777, 0o700);
  assert.equal(removeDir(first), 0);
  assert.equal(removeDir(second), 0);
  assert.equal(removeDir(first), -ENOENT);
});

test("a place that does not exist is an error", () => {
  assert.equal(makeTempDir("/no-such-place/x"), -ENOENT);
});

test("files are found and removed", () => {
  const directory = makeTempDir(`${tmpdir()}/ffi-`);
  assert.ok(typeof directory === "string");
  const path = `${directory}/file`;
  assert.equal(pathExists(path), false);
  writeFileSync(path, "text");
  assert.equal(pathExists(path), true);
  assert.equal(removeDir(directory), -errnoNumber("ENOTEMPTY"));
  assert.equal(unlinkPath(path), 0);
  assert.equal(unlinkPath(path), -ENOENT);
  assert.equal(pathExists(path), false);
  assert.equal(removeDir(directory), 0);
});

test("the limit of descriptors is a usable number", () => {
  assert.ok(maxFiles() >= 64, `${maxFiles()}`);
});
