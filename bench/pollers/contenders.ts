// Who takes part in `deno task bench:pollers`: this library's pollers in the
// runtimes, and a C program over epoll; and who is at the other end.

import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createPoller } from "../../src/poller/create_poller.ts";
import type { PollerKind, Trigger } from "../../src/poller/poller.ts";
import { pathOf } from "../contestants.ts";
import type { Command } from "../harness.ts";
import { findRuntime, type Runtime, type RuntimeName } from "../runtimes.ts";
import type { PlotStyle } from "../svg_plot.ts";

const BUILD_TIMEOUT_MS = 60_000;

/** A poller as the command line and the tables name it. */
export interface PollerChoice {
  readonly name: string;
  readonly kind: PollerKind;
  readonly trigger: Trigger;
  /** Its cost per event must not depend on how many descriptors it watches. */
  readonly flat: boolean;
}

/** All pollers, whether this system has them or not. */
export const POLLER_CHOICES: readonly PollerChoice[] = [
  { name: "epoll", kind: "epoll", trigger: "level", flat: true },
  { name: "epoll-edge", kind: "epoll", trigger: "edge", flat: true },
  { name: "kqueue", kind: "kqueue", trigger: "level", flat: true },
  { name: "kqueue-edge", kind: "kqueue", trigger: "edge", flat: true },
  { name: "poll", kind: "poll", trigger: "level", flat: false },
  { name: "select", kind: "select", trigger: "level", flat: false },
];

/** What a server is asked to do. */
export interface ServerTask {
  readonly port: number;
  readonly connections: number;
  readonly warmUpEvents: number;
  readonly measuredMs: number;
}

/** One line of the tables. */
export interface Contender {
  readonly name: string;
  /** The peer that ratios are taken to. */
  readonly isPeer: boolean;
  readonly flat: boolean;
  readonly style: PlotStyle;
  server(task: ServerTask): Command;
}

/** The process at the other ends of the connections. */
export interface OtherEnd {
  readonly name: string;
  command(port: number, connections: number, active: number): Command;
}

/** Pollers that take no part, and why. */
export interface LeftOut {
  readonly names: readonly string[];
  readonly reason: string;
}

/** Everybody who can take part here, and why others cannot. */
export interface Field {
  readonly contenders: readonly Contender[];
  readonly otherEnd: OtherEnd;
  readonly versions: readonly string[];
  readonly notes: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Finds out who can take part; programs are built into `directory`. */
export function findField(
  kinds: readonly string[],
  runtimeNames: readonly RuntimeName[],
  directory: string,
): Field {
  const notes: string[] = [];
  const obstacles = new Map<string, string[]>();
  const choices = POLLER_CHOICES.filter((choice) => {
    const obstacle = kinds.includes(choice.name)
      ? whyNot(choice)
      : "not asked for";
    if (obstacle === null) return true;
    const names = obstacles.get(obstacle) ?? [];
    obstacles.set(obstacle, [...names, choice.name]);
    return false;
  });
  const leftOut = [...obstacles].map(([reason, names]) => ({ names, reason }));
  for (const { names, reason } of leftOut) {
    notes.push(`Left out: ${names.join(", ")}. ${reason}`);
  }
  const runtimes = runtimeNames.map(findRuntime);
  const programs = copySources(directory);
  const own = runtimes.flatMap((runtime, place) =>
    choices.map((choice) => ownContender(choice, runtime, place, programs))
  );
  const server = compile("echo_epoll", directory);
  if (server === null) {
    notes.push(
      "No ratios to C: there is no cc here that builds " +
        "bench/pollers/echo_epoll.c",
    );
  }
  return {
    contenders: server === null ? own : [peerContender(server), ...own],
    otherEnd: findOtherEnd(runtimes, directory, programs, notes),
    versions: runtimes.map(({ name, version }) => `${name} ${version}`),
    notes,
    leftOut,
  };
}

/**
 * Copies what the measuring programs consist of, and gives their folder: who
 * goes on working during these minutes must not change what is measured.
 */
function copySources(directory: string): string {
  for (
    const part of ["ffi", "src", "bench/pollers", "bench/perf_arguments.ts"]
  ) {
    cpSync(pathOf(`../${part}`), join(directory, "sources", part), {
      recursive: true,
    });
  }
  return join(directory, "sources", "bench", "pollers");
}

/** Why this system does not have a poller, or null when it does. */
function whyNot({ kind, trigger }: PollerChoice): string | null {
  try {
    const poller = createPoller({ kind, trigger });
    poller.close();
    if (poller.kind === kind && poller.trigger === trigger) return null;
    return `what opens is ${poller.kind}, ${poller.trigger}-triggered`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function ownContender(
  choice: PollerChoice,
  runtime: Runtime,
  place: number,
  programs: string,
): Contender {
  const index = POLLER_CHOICES.indexOf(choice);
  return {
    name: `${choice.name} in ${runtime.name}`,
    isPeer: false,
    flat: choice.flat,
    // A colour and a marker for each poller, a dash and a filling for each
    // runtime; the first ones are the C program's.
    style: {
      colour: index + 1,
      marker: index + 1,
      dash: place,
      hollow: place > 0,
    },
    server: (task) => ({
      file: runtime.path,
      args: [
        ...runtime.runArguments,
        join(programs, "serve.ts"),
        ...serverArguments(task),
        choice.kind,
        choice.trigger,
      ],
    }),
  };
}

function peerContender(binary: string): Contender {
  return {
    name: "epoll in C",
    isPeer: true,
    flat: true,
    style: { colour: 0, marker: 0, dash: 2 },
    server: (task) => ({ file: binary, args: serverArguments(task) }),
  };
}

function serverArguments(task: ServerTask): string[] {
  const { port, connections, warmUpEvents, measuredMs } = task;
  return [port, connections, warmUpEvents, measuredMs].map(String);
}

function findOtherEnd(
  runtimes: readonly Runtime[],
  directory: string,
  programs: string,
  notes: string[],
): OtherEnd {
  const binary = compile("peer", directory);
  if (binary !== null) {
    return {
      name: "peer.c",
      command: (...task) => ({ file: binary, args: task.map(String) }),
    };
  }
  const [runtime] = runtimes;
  if (runtime === undefined) throw new RangeError("No runtime was chosen");
  notes.push(
    "The other ends of the connections are in TypeScript, which makes the " +
      "echo slower: there is no cc here that builds bench/pollers/peer.c",
  );
  return {
    name: `peer.ts in ${runtime.name}`,
    command: (...task) => ({
      file: runtime.path,
      args: [
        ...runtime.runArguments,
        join(programs, "peer.ts"),
        ...task.map(String),
      ],
    }),
  };
}

/** Builds one of the C programs; its path, or null where that is impossible. */
function compile(name: string, directory: string): string | null {
  const binary = `${directory}/${name}`;
  const build = spawnSync(
    "cc",
    ["-O3", "-o", binary, pathOf(`./pollers/${name}.c`)],
    { stdio: "ignore", timeout: BUILD_TIMEOUT_MS },
  );
  return build.status === 0 ? binary : null;
}
