// A process that ends or stops at its k-th access of a queue, in the runtime
// that is not this one: each gets both roles.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findBun, findDeno } from "./executables.ts";
import { OTHER_RUNTIME } from "./shm_stage.ts";
import { within } from "./wait.ts";

export class CrashChild {
  /** How it has ended: its exit code or a signal. */
  readonly ended: Promise<number | string>;
  over = false;
  output = "";
  readonly #process: ChildProcess;

  constructor(script: string, args: readonly (string | number)[]) {
    const url = new URL(`./children/${script}`, import.meta.url);
    const [command, prefix] = OTHER_RUNTIME === "bun"
      ? [findBun().path, ["run"]]
      : [findDeno().path, ["run", "-A", "--no-check", "--quiet"]];
    const child = spawn(
      command,
      [...prefix, fileURLToPath(url), ...args.map(String)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#process = child;
    child.stdout.on("data", (chunk) => this.output += String(chunk));
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        this.over = true;
        resolve(signal ?? code ?? -1);
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What it has counted: the last line of a whole run. */
  get accesses(): number {
    return Number(this.output.trim().split("\n").at(-1));
  }

  /** Whether the end was the one at its access. */
  static isKilled(how: number | string): boolean {
    return how === "SIGKILL" || how === 137;
  }

  async end(): Promise<void> {
    if (!this.over) this.#process.kill("SIGKILL");
    await within(this.ended, "the end of the child");
  }
}
