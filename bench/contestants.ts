// Who takes part in the benches and how each runs a measuring program: this
// library in the runtimes, and libzmq through a C program or, where there is no
// compiler or no libzmq to link, through the npm package in Node.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "./harness.ts";
import { installInteropPeer } from "../tests/support/interop_setup.ts";
import { printLine } from "./perf_arguments.ts";
import { findRuntime, type RuntimeName } from "./runtimes.ts";

/** One side of the comparison. */
export interface Contestant {
  readonly name: RuntimeName | "libzmq";
  /** What exactly was measured, for the record. */
  readonly version: string;
  /** Whether it can run this measuring program with messages of this size. */
  supports(program: string, size: number): boolean;
  /** The command that runs one of the six measuring programs. */
  command(program: string, args: readonly string[]): Command;
}

/** Bytes up to which the npm package copies a part. */
const PACKAGE_COPIED_MAX = 128;
const BUILD_TIMEOUT_MS = 60_000;

/** This library in one of the runtimes. */
export function ownContestant(name: RuntimeName): Contestant {
  const runtime = findRuntime(name);
  return {
    name,
    version: `purezmq in ${name} ${runtime.version}`,
    supports: () => true,
    command: (program, args) => ({
      file: runtime.path,
      args: [...runtime.runArguments, pathOf(`./${program}.ts`), ...args],
    }),
  };
}

/** libzmq: the C program built into `directory`, else the npm package. */
export function libzmqContestant(directory: string): Contestant {
  return compiled(directory) ?? packaged();
}

function compiled(directory: string): Contestant | null {
  const binary = `${directory}/perf`;
  const source = pathOf("./libzmq/perf.c");
  const build = spawnSync(
    "cc",
    ["-O3", "-o", binary, source, "-lzmq", "-lpthread"],
    { stdio: "ignore", timeout: BUILD_TIMEOUT_MS },
  );
  if (build.status !== 0) return null;
  const flags = spawnSync("pkg-config", ["--modversion", "libzmq"], {
    encoding: "utf8",
  });
  const version = flags.status === 0 ? ` ${flags.stdout.trim()}` : "";
  return {
    name: "libzmq",
    version: `libzmq${version} in C`,
    supports: () => true,
    command: (program, args) => ({ file: binary, args: [program, ...args] }),
  };
}

function packaged(): Contestant {
  const failure = installInteropPeer(printLine);
  if (failure !== null) {
    throw new Error(
      "Cannot run libzmq: no C compiler with libzmq3-dev here, and " + failure,
    );
  }
  const peer = pathOf("./libzmq/peer.mjs");
  const probe = spawnSync("node", [peer, "version"], { encoding: "utf8" });
  if (probe.status !== 0) {
    throw new Error(`Cannot run libzmq through Node: ${probe.stderr}`);
  }
  return {
    name: "libzmq",
    version: `libzmq ${probe.stdout.trim()} through npm zeromq in Node`,
    // The package lends parts above 128 B to the receiving thread and crashes
    // when the lender's heap is torn down.
    supports: (program, size) =>
      !program.startsWith("inproc_") || size <= PACKAGE_COPIED_MAX,
    command: (program, args) => ({
      file: "node",
      args: [peer, program, ...args],
    }),
  };
}

/** The path of a file beside this one. */
export function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
