// Who takes part in `deno task bench:shm`, and what is measured.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathOf } from "../contestants.ts";
import type { Command } from "../harness.ts";
import { findRuntime, type RuntimeName } from "../runtimes.ts";

const BUILD_TIMEOUT_MS = 60_000;
export const LIBZMQ = "libzmq";
export const RING_IN_C = "C, in place";

/** One row of the tables. */
export interface Row {
  readonly name: string;
  readonly kind: "rate" | "latency";
  readonly size: number;
  readonly consumers: number;
  /** The queues sleep on record locks instead of futexes. */
  readonly locks: boolean;
}

/** One column: the commands of its producer and its consumers. */
export interface Contender {
  readonly name: string;
  /** This package, in place: what bounds are for. */
  readonly own: "in place" | "copied" | null;
  readonly knowsLocks: boolean;
  command(role: "produce" | "consume", row: Row, run: Run): Command;
}

/** One run's length and names. */
export interface Run {
  readonly ms: number;
  /** Unlike those of all runs before it. */
  readonly name: string;
  readonly directory: string;
}

/** Runs of more consumers than these take longer in proportion. */
const CONSUMERS_PER_RUN = 4;

/** How many times as long as others a run of so many consumers takes. */
export function lengthOf(consumers: number): number {
  return Math.max(1, consumers / CONSUMERS_PER_RUN);
}

/** All rows. */
export function allRows(): Row[] {
  const rows: Row[] = [];
  for (const kind of ["rate", "latency"] as const) {
    for (const size of [64, 4096]) {
      for (const consumers of [1, 4, 16]) {
        const name = `${kind}_${size}_${consumers}`;
        rows.push({ name, kind, size, consumers, locks: false });
      }
    }
    const locks = { kind, size: 64, consumers: 1, locks: true };
    rows.push({ name: `${kind}_64_1_locks`, ...locks });
  }
  return rows;
}

/** Builds the programs in C; the contenders, libzmq first. */
export function findContenders(
  runtimes: readonly RuntimeName[],
  directory: string,
  notes: string[],
): Contender[] {
  const programs: readonly [string, string, string, string][] = [
    [LIBZMQ, "libzmq/pubsub.c", "ipc", "in-place"],
    ["Unix sockets", "shm/unix_fanout.c", "path", "in-place"],
    [RING_IN_C, "shm/ring.c", "name", "in-place"],
    ["C, copied", "shm/ring.c", "name", "copied"],
  ];
  const inC = programs.flatMap(([name, source, place, idiom]) => {
    const binary = join(directory, source.replace(/.*\/(.*)\.c$/, "$1"));
    const build = spawnSync(
      "cc",
      ["-O3", "-o", binary, pathOf(`./${source}`), "-lzmq"],
      { stdio: "ignore", timeout: BUILD_TIMEOUT_MS },
    );
    if (build.status !== 0) {
      notes.push(`${name}: left out, no cc here builds bench/${source}`);
      return [];
    }
    return [contenderInC(name, binary, place, idiom)];
  });
  return [...inC, ...runtimes.flatMap(ownContenders)];
}

function contenderInC(
  name: string,
  binary: string,
  place: string,
  idiom: string,
): Contender {
  const address = (run: Run): string => {
    if (place === "name") return run.name;
    const path = join(run.directory, run.name);
    return place === "ipc" ? `ipc://${path}` : path;
  };
  return {
    name,
    own: null,
    // To compare with: it has no such choice.
    knowsLocks: name === LIBZMQ,
    command: (role, row, run) => ({
      file: binary,
      args: [role, address(run), ...wordsOf(row, run), idiom],
    }),
  };
}

function wordsOf(row: Row, run: Run): string[] {
  return [row.kind, row.size, run.ms, row.consumers].map(String);
}

function ownContenders(runtimeName: RuntimeName): Contender[] {
  const runtime = findRuntime(runtimeName);
  const idioms = ["in place", "copied"] as const;
  return idioms.map((idiom): Contender => ({
    name: `${runtimeName}, ${idiom}`,
    own: idiom,
    knowsLocks: true,
    command: (role, row, run) => ({
      file: runtime.path,
      args: [
        ...runtime.runArguments,
        pathOf(`./shm/${role === "produce" ? "producer" : "consumer"}.ts`),
        run.name,
        ...wordsOf(row, run),
        idiom === "in place" ? "in-place" : "copied",
        ...(row.locks ? ["record-lock"] : []),
      ],
    }),
  }));
}
