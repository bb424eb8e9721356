// Running measuring programs as child processes and what to do with their
// figures: start, bounded wait, read the result, median and spread.

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

/** A program and its arguments, ready to be started. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** A started program: both promises fail when it fails or takes too long. */
export interface Running {
  /** It said "ready" on stderr. */
  readonly ready: Promise<void>;
  /** It ended with status 0; gives what it wrote to stdout. */
  readonly done: Promise<string>;
  /** What it has written to stdout so far. */
  written(): string;
  kill(): void;
}

/** A run that failed: how, and what its programs had written by then. */
export class RunFailure extends Error {
  override name = "RunFailure";
  /** What all programs of the run had written to stdout. */
  written: string;
  /** It had not ended when its time was over. */
  readonly hung: boolean;

  constructor(message: string, written: string, hung: boolean = false) {
    super(message);
    this.written = written;
    this.hung = hung;
  }
}

/** Starts a program that must end by itself within `timeoutMs`. */
export function start(command: Command, timeoutMs: number): Running {
  const child = spawn(command.file, command.args, {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (bytes: Uint8Array) => {
      output.stderr += new TextDecoder().decode(bytes);
      if (/^ready$/m.test(output.stderr)) resolve();
    });
    child.once("close", () => {
      reject(new Error(`${describe(command)} ended before it was ready`));
    });
  });
  child.stdout.on("data", (bytes: Uint8Array) => {
    output.stdout += new TextDecoder().decode(bytes);
  });
  const done = finished(child, command, output, timeoutMs);
  // Whoever waits for one of them learns of the failure; the other one must
  // not end the harness as an unhandled rejection.
  ready.catch(() => {});
  done.catch(() => {});
  return {
    ready,
    done,
    written: () => output.stdout,
    kill: () => void child.kill("SIGKILL"),
  };
}

function finished(
  child: ChildProcess,
  command: Command,
  output: { stdout: string; stderr: string },
  timeoutMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(
        new RunFailure(
          `Cannot start ${describe(command)}: ${error.message}`,
          "",
        ),
      );
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(output.stdout);
      const how = late
        ? `took longer than ${timeoutMs} ms`
        : `ended with ${code ?? signal}`;
      reject(
        new RunFailure(
          `${describe(command)} ${how}\n${output.stderr}`.trim(),
          output.stdout,
          late,
        ),
      );
    });
  });
}

function describe(command: Command): string {
  const file = command.file.split("/").at(-1) ?? command.file;
  const args = command.args.map((word) => word.split("/bench/").at(-1));
  return `"${[file, ...args].join(" ")}"`;
}

/** Runs one program alone and gives its stdout. */
export function runAlone(command: Command, timeoutMs: number): Promise<string> {
  return start(command, timeoutMs).done;
}

/**
 * Runs the binding program, then, once it is ready, the connecting one, and
 * gives the stdout of both. If one fails the other is ended. One that holds its
 * connections is ended when the binding program is done.
 */
export async function runPair(
  local: Command,
  remote: Command,
  timeoutMs: number,
  remoteHolds: boolean = false,
): Promise<string> {
  const first = start(local, timeoutMs);
  let second: Running | undefined;
  try {
    await first.ready;
    second = start(remote, timeoutMs);
    if (remoteHolds) {
      await Promise.race([first.done, second.done]);
      second.kill();
      await Promise.allSettled([second.done]);
      await first.done;
    } else await Promise.all([first.done, second.done]);
    return first.written() + second.written();
  } catch (error) {
    // The reason why the pair failed is the one that counts, not that the
    // other half was then killed.
    first.kill();
    second?.kill();
    await Promise.allSettled([first.done, second?.done]);
    const cause = await first.done.catch((reason) => reason);
    const told = second === undefined && cause instanceof Error ? cause : error;
    if (told instanceof RunFailure) {
      told.written = first.written() + (second?.written() ?? "");
    }
    throw told;
  }
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1
    ? upper
    : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Median and extremes of a list of values. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Summarizes the values of one cell. */
export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/** The ratios of two lists measured pair by pair. */
export function ratios(
  values: readonly number[],
  base: readonly number[],
): number[] {
  return values.map((value, index) => value / (base[index] ?? NaN));
}

/** A tcp port of the loopback interface that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? address?.port ?? 0 : 0;
      server.close(() => resolve(port));
    });
  });
}
