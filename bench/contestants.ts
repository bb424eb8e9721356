// Who takes part in the benches and how each runs a measuring program: this
// library in the runtimes, and libzmq through C programs or, where there is no
// compiler or no libzmq to link, through the npm package in Node; and the npm
// package itself in Node and Deno.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installInteropPeer } from "../tests/support/interop_setup.ts";
import type { Command } from "./harness.ts";
import { type Idiom, printLine } from "./perf_arguments.ts";
import { findRuntime, type RuntimeName } from "./runtimes.ts";

/** One side of the comparison. */
export interface Contestant {
  readonly name: string;
  /** What exactly was measured, for the record. */
  readonly version: string;
  /** This library, and not what it is compared with. */
  readonly isOwn: boolean;
  /** That a run of it fails is a result. */
  readonly mayFail: boolean;
  /** Whether it can run this measuring program with messages of this size. */
  supports(program: string, size: number): boolean;
  /** The command that runs a measuring program: `local_thr`, `fanout bind`. */
  command(program: string, args: readonly string[], idiom: Idiom): Command;
}

/** Bytes up to which the npm package copies a part. */
const PACKAGE_COPIED_MAX = 128;
const BUILD_TIMEOUT_MS = 60_000;
const PEER = pathOf("./libzmq/peer.mjs");

/** This library in one of the runtimes. */
export function ownContestant(name: RuntimeName): Contestant {
  const runtime = findRuntime(name);
  return {
    name,
    version: `purezmq in ${name} ${runtime.version}`,
    isOwn: true,
    mayFail: false,
    supports: () => true,
    command: (program, args, idiom) => {
      const [first = "", ...rest] = program.split(" ");
      const script = pathOf(
        rest.length > 0 ? `./crowd/${first}.ts` : `./${first}.ts`,
      );
      return {
        file: runtime.path,
        args: [
          ...runtime.runArguments,
          script,
          ...rest,
          ...args,
          ...idiomFlags(idiom),
        ],
      };
    },
  };
}

function idiomFlags(idiom: Idiom): string[] {
  return idiom === "sync" ? [] : [`--${idiom}`];
}

/** libzmq: the C programs built into `directory`, else the npm package. */
export function libzmqContestant(directory: string): Contestant {
  return compiled(directory) ?? packaged();
}

function compiled(directory: string): Contestant | null {
  for (const name of ["perf", "crowd"]) {
    const source = pathOf(`./libzmq/${name}.c`);
    const build = spawnSync(
      "cc",
      ["-O3", "-o", `${directory}/${name}`, source, "-lzmq", "-lpthread"],
      { stdio: "ignore", timeout: BUILD_TIMEOUT_MS },
    );
    if (build.status !== 0) return null;
  }
  const flags = spawnSync("pkg-config", ["--modversion", "libzmq"], {
    encoding: "utf8",
  });
  const version = flags.status === 0 ? ` ${flags.stdout.trim()}` : "";
  return {
    name: "libzmq",
    version: `libzmq${version} in C`,
    isOwn: false,
    mayFail: false,
    supports: () => true,
    // The idioms are those of other languages: here they are all the same.
    command: (program, args) => {
      const words = program.split(" ");
      const binary = words.length > 1 ? "crowd" : "perf";
      return { file: `${directory}/${binary}`, args: [...words, ...args] };
    },
  };
}

/** Installs the package and says which libzmq it has. Throws if it cannot. */
function packageVersion(): string {
  const failure = installInteropPeer(printLine);
  if (failure !== null) throw new Error(failure);
  const probe = spawnSync("node", [PEER, "version"], { encoding: "utf8" });
  if (probe.status !== 0) {
    throw new Error(`Cannot run npm's zeromq in Node: ${probe.stderr}`);
  }
  return probe.stdout.trim();
}

function packaged(): Contestant {
  let version: string;
  try {
    version = packageVersion();
  } catch (error) {
    throw new Error(
      "Cannot run libzmq: no C compiler with libzmq3-dev here, and " +
        (error instanceof Error ? error.message : error),
    );
  }
  return {
    name: "libzmq",
    version: `libzmq through npm zeromq ${version} in Node`,
    isOwn: false,
    mayFail: false,
    // The package lends parts above 128 B to the receiving thread and crashes
    // when the lender's heap is torn down.
    supports: (program, size) =>
      !program.includes(" ") &&
      (!program.startsWith("inproc_") || size <= PACKAGE_COPIED_MAX),
    command: (program, args) => ({
      file: "node",
      args: [PEER, program, ...args],
    }),
  };
}

/** The npm package in Node, then in Deno. Throws where it cannot be had. */
export function npmContestants(): Contestant[] {
  const version = packageVersion();
  const node = spawnSync("node", ["--version"], { encoding: "utf8" });
  const deno = findRuntime("deno");
  const make = (
    runtime: string,
    runtimeVersion: string,
    file: string,
    before: readonly string[],
    mayFail: boolean,
  ): Contestant => ({
    name: `npm in ${runtime}`,
    version: `npm zeromq ${version} in ${runtime} ${runtimeVersion}`,
    isOwn: false,
    mayFail,
    supports: (program) => !program.includes(" "),
    command: (program, args, idiom) => ({
      file,
      args: [...before, PEER, program, ...args, ...idiomFlags(idiom)],
    }),
  });
  const nodeVersion = (node.stdout ?? "").trim().replace(/^v/, "");
  return [
    make("node", nodeVersion, "node", [], false),
    make("deno", deno.version, deno.path, deno.runArguments, true),
  ];
}

/** The path of a file beside this one. */
export function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
