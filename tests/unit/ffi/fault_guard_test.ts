// What becomes of the faults that are none of a queue's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import {
  FAULT_GUARD_AARCH64,
  FAULT_GUARD_X86_64,
} from "../../../ffi/fault_guard_code.ts";
import { host } from "../../../ffi/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { runScript } from "./run_script.ts";

const noLinux = host.os === "linux" ? null : "mapped files of Linux only";

describe("the handler before a fault guard", () => {
  const cases: readonly (readonly [before: string, then: string])[] = [
    ["runtime", "fault"],
    ["runtime", "sent"],
    ["runtime", "traps"],
    ["default", "fault"],
    ["default", "sent"],
    ["ignored", "fault"],
    ["ignored", "sent"],
    ["handled", "sent"],
    ["handled", "twice"],
    ["once", "sent"],
    ["once", "twice"],
  ];
  for (const [before, then] of cases) {
    testUnless(noLinux, `${before}: what is ${then} has no other end`, () => {
      const [bare, guarded] = ["bare", "guarded"].map((guard) => {
        const { code, signal, stdout } = runScript("fault_guard_child.ts", [
          before,
          guard,
          then,
        ]);
        return { code, signal, stdout };
      });
      assert.deepEqual(guarded, bare);
      const survives = then === "traps" || before === "handled" ||
        [before, then].join() === "ignored,sent" ||
        [before, then].join() === "once,sent";
      if (survives) assert.match(bare?.stdout ?? "", /alive/);
      if (before === "default" || then === "fault") {
        assert.doesNotMatch(bare?.stdout ?? "", /alive/);
      }
    });
  }
});

describe("the machine code of the fault guard", () => {
  const targets = [
    ["x86_64", FAULT_GUARD_X86_64, "--64"],
    ["aarch64", FAULT_GUARD_AARCH64, "-mabi=lp64"],
  ] as const;
  for (const [arch, words, option] of targets) {
    const prefix = `${arch}-linux-gnu-`;
    // An assembler for this CPU, or one for the other on any.
    const tools = ["as", "objcopy"].map((tool) =>
      [`${prefix}${tool}`, tool].find((name, index) =>
        (index === 0 || host.arch === arch) &&
        spawnSync(name, ["--version"]).status === 0
      )
    );
    const [as, objcopy] = tools;
    const obstacle = as === undefined || objcopy === undefined
      ? `no assembler for ${arch}`
      : null;
    testUnless(obstacle, `is what an assembler makes for ${arch}`, () => {
      const directory = mkdtempSync(join(tmpdir(), "purezmq-as-"));
      try {
        const source = fileURLToPath(
          new URL(`../../../ffi/fault_guard_${arch}.s`, import.meta.url),
        );
        const object = join(directory, "guard.o");
        const binary = join(directory, "guard.bin");
        const run = (tool: string, ...args: string[]): void => {
          const { status, stderr } = spawnSync(tool, args);
          assert.equal(status, 0, String(stderr));
        };
        run(as as string, option, "-o", object, source);
        run(
          objcopy as string,
          "-O",
          "binary",
          "-j",
          ".text",
          object,
          binary,
        );
        const made = Uint8Array.from(readFileSync(binary));
        assert.deepEqual([...new Uint32Array(made.buffer)], [...words]);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
});
