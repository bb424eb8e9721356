// The runs of a row: by every contestant, in turns.

import { join } from "node:path";
import { activityOf } from "./activity.ts";
import type { Contestant } from "./contestants.ts";
import { type Figure, parseLines } from "./figures.ts";
import {
  type Command,
  freePort,
  runAlone,
  RunFailure,
  runPair,
} from "./harness.ts";
import { withDescriptors } from "./pollers/limits.ts";
import type { Row } from "./rows.ts";

/** No single run may take longer; they are made to take some seconds. */
export const RUN_TIMEOUT_MS = 120_000;
/**
 * How many runs of a rival that hung are made again for one row of the table.
 * libzmq 4.3.4's PULL has been seen to wait for ever for the last messages over
 * ipc when the PUSH closed right behind them, in about 3 of 1,000 runs of 2,000.
 */
const REPEATS_MAX = 3;
/** Descriptors of a process with many connections that are none of these. */
const SPARE_DESCRIPTORS = 100;

/** Every figure of one row, by figure and contestant, and what went wrong. */
export interface RowSamples {
  readonly row: Row;
  readonly contestants: readonly string[];
  /** By the figure's name, then the contestant's; NaN where a run had none. */
  readonly values: Record<string, Record<string, number[]>>;
  /** What this library counted, by the contestant's name, then the count's. */
  readonly activity: Record<string, Record<string, number[]>>;
  /** By the contestant's name: how its runs failed. */
  readonly failures: Record<string, string[]>;
  /** By the contestant's name: how many of its runs hung and were repeated. */
  readonly repeats: Record<string, number>;
}

/** The field of a row and where it runs. */
export interface Setting {
  /** The first one is the rival that ratios are taken to. */
  readonly contestants: readonly Contestant[];
  readonly libzmq: Contestant;
  readonly pairs: number;
  /** No run of a contestant that must not fail takes longer. */
  readonly timeoutMs: number;
  /** That of a contestant that may fail: what has not ended by then hangs. */
  readonly doubtfulTimeoutMs: number;
  readonly directory: string;
  /** Told before each run. */
  readonly beforeRun: (contestant: Contestant, pair: number) => void;
}

/** All measurements of one row: each pair begins with another contestant. */
export async function measureRow(
  row: Row,
  setting: Setting,
): Promise<RowSamples> {
  const { contestants, pairs } = setting;
  const samples: RowSamples = {
    row,
    contestants: contestants.map(({ name }) => name),
    values: {},
    activity: {},
    failures: {},
    repeats: {},
  };
  for (const { name } of row.figures) {
    samples.values[name] = Object.fromEntries(
      contestants.map((contestant) => [contestant.name, []]),
    );
  }
  for (let pair = 0; pair < pairs; pair++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const own = contestants[(pair + turn) % contestants.length];
      if (own === undefined) continue;
      setting.beforeRun(own, pair);
      await measureOnce(samples, own, setting);
    }
  }
  return samples;
}

/** One run of a row with `own` in its place. */
async function measureOnce(
  samples: RowSamples,
  own: Contestant,
  setting: Setting,
): Promise<void> {
  const { row, values, failures } = samples;
  const add = (figure: Figure, value: number): void => {
    values[figure.name]?.[own.name]?.push(value);
  };
  try {
    const stdout = await runUntilEnded(samples, own, setting);
    const lines = parseLines(stdout ?? "");
    for (const figure of row.figures) {
      add(figure, stdout === null ? NaN : figure.read(lines));
    }
    for (const [name, value] of Object.entries(activityOf(lines))) {
      const counts = samples.activity[own.name] ??= {};
      (counts[name] ??= []).push(value);
    }
  } catch (error) {
    if (!own.mayFail || !(error instanceof RunFailure)) throw error;
    for (const figure of row.figures) add(figure, NaN);
    const list = failures[own.name] ?? [];
    failures[own.name] = [...list, describeFailure(error)];
  }
}

/** Runs it, and a rival that hangs again: its faults are not measured here. */
async function runUntilEnded(
  { row, repeats }: RowSamples,
  own: Contestant,
  setting: Setting,
): Promise<string | null> {
  for (;;) {
    try {
      return await run(row, own, setting);
    } catch (error) {
      const repeated = repeats[own.name] ?? 0;
      const isRivalsHang = error instanceof RunFailure && error.hung &&
        !own.isOwn && !own.mayFail;
      if (!isRivalsHang || repeated >= REPEATS_MAX) throw error;
      repeats[own.name] = repeated + 1;
    }
  }
}

/** How a run failed, and how far it had come. */
export function describeFailure(failure: RunFailure): string {
  const [how = "", ...said] = failure.message.split("\n");
  const ended = how.replace(/^".*" /, "");
  const reason = said.map((line) => line.trim()).find((line) =>
    /error|expected|panic|fatal/i.test(line)
  );
  const lines = parseLines(failure.written);
  const received = lines.get("received [messages]");
  const elapsedMs = lines.get("received in [ms]");
  const bound = received === undefined || elapsedMs === undefined
    ? "nothing was received until then"
    : `at least ${received} messages were received until then, ` +
      `${Math.round(received / Math.max(elapsedMs, 1) * 1000)} a second`;
  return `${ended}${reason === undefined ? "" : `: ${reason}`}; ${bound}`;
}

/** What the programs of one run print; null where it cannot be made. */
async function run(
  row: Row,
  own: Contestant,
  { libzmq, directory, timeoutMs: usualMs, doubtfulTimeoutMs }: Setting,
): Promise<string | null> {
  const localSide = row.pairing === "to libzmq" ? libzmq : own;
  // The remote program sends first in all measurements.
  const remoteSide = row.pairing === "from libzmq" ? libzmq : own;
  const size = Number(row.args[0]);
  if (!localSide.supports(row.local, size)) return null;
  const timeoutMs = own.mayFail ? doubtfulTimeoutMs : usualMs;
  const args = own.isOwn ? row.args : row.rivalArgs ?? row.args;
  const command = (
    side: Contestant,
    program: string,
    before: readonly string[],
  ): Command => {
    const plain = side.command(program, [...before, ...args], row.idiom);
    return row.connections > 0
      ? withDescriptors(plain, row.connections + SPARE_DESCRIPTORS)
      : plain;
  };
  if (row.remote === null) {
    return await runAlone(command(localSide, row.local, []), timeoutMs);
  }
  const endpoint = row.transport === "tcp"
    ? `tcp://127.0.0.1:${await freePort()}`
    : `ipc://${join(directory, "bench.ipc")}`;
  const local = command(localSide, row.local, [endpoint]);
  const asksReady = !row.local.includes(" ");
  return await runPair(
    asksReady ? { ...local, args: [...local.args, "--ready"] } : local,
    command(remoteSide, row.remote, [endpoint]),
    timeoutMs,
    row.remoteHolds,
  );
}
