// A process of the demo, and what it has said last.

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Runtime } from "../runtimes.ts";

const REPORT_LENGTH_MAX = 2_000;

/** A process that says how far it is, in lines of JSON of type `S`. */
export class Member<S> {
  readonly title: string;
  /** What it said last. */
  status: S | null = null;
  /** Fulfilled at its end with its exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  #child: ChildProcess;
  #report = "";

  /** Starts a program of this folder. */
  constructor(
    title: string,
    runtime: Runtime,
    file: string,
    args: readonly string[],
  ) {
    this.title = `${title} (${runtime.name})`;
    const path = fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(runtime.path, [
      ...runtime.runArguments,
      path,
      ...args,
    ], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stdin?.on("error", () => {});
    let line = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      const last = lines.at(-1);
      if (last !== undefined) this.status = JSON.parse(last) as S;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#report = (this.#report + text).slice(-REPORT_LENGTH_MAX);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", () => resolve(-1));
      child.once("close", (code) => resolve(code));
    });
  }

  /** What it complained of. */
  get report(): string {
    return this.#report.trim();
  }

  /** Asks it to end. */
  finish(): void {
    this.#child.stdin?.end();
  }

  /**
   * Ends it as a crash would. Not by the child's own `kill`: Deno's ends the
   * standard input first, which asks the producer for its last record.
   */
  kill(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    process.kill(pid, "SIGKILL");
  }
}
