import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { type Host, host, unsupportedReason } from "../../../ffi/host.ts";

test("the host of this run is a supported one", () => {
  assert.equal(unsupportedReason(host), null);
  assert.equal(host.pid, process.pid);
  assert.equal(host.runtime, "Bun" in globalThis ? "bun" : "deno");
});

test("exactly five pairs of system and CPU have tables", () => {
  const supported: string[] = [];
  for (const os of ["linux", "darwin", "freebsd", "other"] as const) {
    for (const arch of ["x86_64", "aarch64", "other"] as const) {
      const candidate: Host = { runtime: "deno", os, arch, pid: 1 };
      const reason = unsupportedReason(candidate);
      if (reason === null) supported.push(`${os} ${arch}`);
      else assert.match(reason, /not supported.*run the program on Linux/);
    }
  }
  assert.deepEqual(supported, [
    "linux x86_64",
    "linux aarch64",
    "darwin x86_64",
    "darwin aarch64",
    "freebsd x86_64",
  ]);
});

test("a runtime without foreign functions is told which to use", () => {
  const reason = unsupportedReason({ ...host, runtime: "other" });
  assert.match(reason ?? "", /run the program with Deno or Bun/);
});
