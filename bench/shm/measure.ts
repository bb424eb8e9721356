// The runs of `deno task bench:shm`: one producer and its consumers each.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { queuePaths } from "../../src/shm/queue_names.ts";
import { parseLines } from "../figures.ts";
import { type Command, median, type Running, start } from "../harness.ts";
import type { Contender, Row, Run } from "./contenders.ts";

const RUN_TIMEOUT_MS = 60_000;
const SETTLE_MS = 1_500;

/** What one run gave: records/s of the slowest consumer, or µs. */
export interface Reading {
  /** rate; of latencies the median of the consumers' medians. */
  readonly value: number;
  /** The worst consumer's 99th percentile; 0 where a rate is measured. */
  readonly p99: number;
}

/** One run; it fails when a consumer has not got every record. */
export async function measureOnce(
  contender: Contender,
  row: Row,
  run: Run,
): Promise<Reading> {
  const all: Running[] = [];
  try {
    const producer = start(
      contender.command("produce", row, run),
      RUN_TIMEOUT_MS,
    );
    all.push(producer);
    await Promise.race([producer.ready, producer.done]);
    for (let each = 0; each < row.consumers; each++) {
      const command = contender.command("consume", row, run);
      all.push(start(command, RUN_TIMEOUT_MS));
    }
    const [sent = "", ...got] = await Promise.all(all.map(({ done }) => done));
    return readingOf(row, sent, got);
  } finally {
    for (const each of all) each.kill();
    await Promise.allSettled(all.map(({ done }) => done));
    removeQueue(run.name);
  }
}

/** Left by one that was killed. */
function removeQueue(name: string): void {
  const { data, lock, unfinished } = queuePaths(name, "/dev/shm");
  for (const path of [data, lock, unfinished]) rmSync(path, { force: true });
}

/** Reads what the programs of a run have printed. */
export function readingOf(
  row: Row,
  producer: string,
  consumers: readonly string[],
): Reading {
  const sent = parseLines(producer).get("sent [records]") ?? NaN;
  const lines = consumers.map(parseLines);
  for (const each of lines) {
    const received = each.get("received [records]");
    if (received !== sent) {
      throw new Error(`${row.name}: ${received} of ${sent} records arrived`);
    }
  }
  const values = (name: string): number[] =>
    lines.map((each) => each.get(name) ?? NaN);
  const reading = row.kind === "rate"
    ? { value: Math.min(...values("rate [records/s]")), p99: 0 }
    : {
      value: median(values("latency p50 [us]")),
      p99: Math.max(...values("latency p99 [us]")),
    };
  if (!(reading.value > 0)) throw new Error(`${row.name}: a run was too short`);
  return reading;
}

/** CPU time that consumers of a silent producer use. */
export interface Idleness {
  /** Share of a core of each consumer, by the scheduler's own count. */
  readonly shares: readonly number[];
  /** Ticks of 10 ms in /proc/<pid>/stat, of all consumers. */
  readonly ticks: number;
  readonly seconds: number;
}

/** Lets `row.consumers` consumers wait for a producer that writes nothing. */
export async function measureIdle(
  contender: Contender,
  row: Row,
  run: Run,
  seconds: number,
): Promise<Idleness> {
  const children: ChildProcess[] = [];
  const launch = ({ file, args }: Command): ChildProcess => {
    const child = spawn(file, args, { stdio: "ignore" });
    children.push(child);
    return child;
  };
  // It waits for one consumer more than there will be.
  const more: Row = { ...row, consumers: row.consumers + 1 };
  const producer = start(contender.command("produce", more, run), 60_000);
  try {
    await producer.ready;
    for (let each = 0; each < row.consumers; each++) {
      launch(contender.command("consume", row, run));
    }
    await delay(SETTLE_MS);
    const before = children.map(cpuOf);
    await delay(seconds * 1000);
    const after = children.map(cpuOf);
    const difference = (part: "ns" | "ticks"): number[] =>
      after.map((each, at) => each[part] - (before[at]?.[part] ?? NaN));
    return {
      shares: difference("ns").map((ns) => ns / 1e9 / seconds),
      ticks: difference("ticks").reduce((sum, ticks) => sum + ticks, 0),
      seconds,
    };
  } finally {
    producer.kill();
    await Promise.allSettled([producer.done]);
    for (const child of children) child.kill("SIGKILL");
    removeQueue(run.name);
  }
}

/** Throws when the process is no more. */
function cpuOf({ pid }: ChildProcess): { ns: number; ticks: number } {
  const folder = `/proc/${pid}/task`;
  let ns = 0;
  for (const thread of readdirSync(folder)) {
    const text = readFileSync(`${folder}/${thread}/schedstat`, "utf8");
    ns += Number(text.split(" ", 1)[0]);
  }
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { ns, ticks: Number(fields[11]) + Number(fields[12]) };
}
