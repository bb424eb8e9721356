// A producer at full speed and consumers that check each record: H3 of the plan.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findBun, findDeno } from "./executables.ts";
import type { Runtime } from "./shm_stage.ts";
import { until, within } from "./wait.ts";

/** What is run. */
export interface CrcRun {
  readonly producer: Runtime;
  /** Each reads the whole queue. */
  readonly consumers: readonly Runtime[];
  /** Whether they hold the producer back, so that nothing is lost. */
  readonly holdBack: boolean;
  /** Records that are written at most. */
  readonly records: number;
  /** The producer stops once all of them together have checked so many. */
  readonly reads: number;
  /** How long a consumer stands still now and then at most, ms. */
  readonly pauseMs: number;
  /** The producer stops after that time in any case. */
  readonly limitMs: number;
  /** Called about once a second. */
  readonly onProgress?: (tallies: readonly CrcTally[]) => void;
}

/** What a consumer has found; together that is what was written. */
export interface CrcTally {
  /** Whole, and with the number that is due. */
  checked: number;
  /** In place, and found to be overwritten when they were given back. */
  overtaken: number;
  /** Handed out as good, which they were not. */
  torn: number;
  /** Told as lost by the queue. */
  lost: number;
}

export interface CrcResult {
  readonly written: number;
  readonly tallies: readonly CrcTally[];
  readonly seconds: number;
}

/** How long the processes may take to start, and to end. */
const SETTLE_MS = 60_000;
const PROGRESS_MS = 1000;

/** A process, the lines that it has printed, and its end. */
class Child {
  readonly lines: string[] = [];
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;

  constructor(runtime: Runtime, script: string, args: readonly string[]) {
    const url = new URL(`./children/${script}`, import.meta.url);
    const [command, flags] = runtime === "deno"
      ? [findDeno().path, ["run", "-A", "--no-check", "--quiet"]]
      : [findBun().path, ["run"]];
    const child = spawn(command, [...flags, fileURLToPath(url), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    createInterface({ input: child.stdout })
      .on("line", (line) => this.lines.push(line));
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${script} in ${runtime}: ${signal ?? code}`));
      });
    });
    // Told by whoever awaits it, or when the first of them has failed.
    this.ended.catch(() => {});
  }

  get last(): string {
    return this.lines.at(-1) ?? "";
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** Runs it to its end. */
export async function runCrc(run: CrcRun): Promise<CrcResult> {
  const directory = mkdtempSync(join(tmpdir(), "purezmq-crc-"));
  const children: Child[] = [];
  const start = (
    runtime: Runtime,
    script: string,
    args: readonly (string | number)[],
  ): Child => {
    const child = new Child(
      runtime,
      script,
      ["crc", directory].concat(
        args.map(String),
      ),
    );
    children.push(child);
    return child;
  };
  try {
    const held = run.holdBack ? run.consumers.length : 0;
    const producer = start(run.producer, "shm_stream.ts", [run.records, held]);
    await until(() => producer.last !== "", "the queue", SETTLE_MS);
    const consumers = run.consumers.map((runtime) =>
      start(runtime, "shm_crc_reader.ts", [run.pauseMs])
    );
    const isOpen = ({ lines }: Child): boolean => lines.includes("open");
    await until(() => consumers.every(isOpen), "the consumers", SETTLE_MS);
    writeFileSync(join(directory, "go"), "");
    const begun = performance.now();
    await watch(run, directory, producer, consumers);
    const all = Promise.all(children.map(({ ended }) => ended));
    await within(all, "the end of all", SETTLE_MS);
    return {
      written: Number(producer.last),
      tallies: consumers.map(tallyOf),
      seconds: (performance.now() - begun) / 1000,
    };
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true });
  }
}

/** Until the producer has written all, or is told to stop. */
async function watch(
  run: CrcRun,
  directory: string,
  producer: Child,
  consumers: readonly Child[],
): Promise<void> {
  let isOver = false;
  const ends = [producer, ...consumers].map(({ ended }) =>
    ended.finally(() => isOver = true)
  );
  const deadline = performance.now() + run.limitMs;
  let toldAt = performance.now();
  const look = (): boolean => {
    const tallies = consumers.map(tallyOf);
    const checked = tallies.reduce((sum, { checked }) => sum + checked, 0);
    const now = performance.now();
    if (run.onProgress !== undefined && now - toldAt > PROGRESS_MS) {
      toldAt = now;
      run.onProgress(tallies);
    }
    return isOver || checked >= run.reads || now > deadline;
  };
  await until(look, "the records", run.limitMs + SETTLE_MS);
  writeFileSync(join(directory, "stop"), "");
  await within(Promise.all(ends), "the end of the queue", SETTLE_MS);
}

/** What a consumer said last. */
function tallyOf({ last }: Child): CrcTally {
  if (last.startsWith("{")) return JSON.parse(last) as CrcTally;
  return { checked: 0, overtaken: 0, torn: 0, lost: 0 };
}

/** All that a consumer has to account for. */
export function accounted(tally: CrcTally): number {
  return tally.checked + tally.overtaken + tally.torn + tally.lost;
}
