// The processes that the demo starts, and what becomes of them.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Runtime } from "../runtimes.ts";

/** Reports are cut to so many characters. */
const REPORT_LENGTH_MAX = 2_000;

/** A set of processes none of which may end before its time. */
export class Programs {
  /** Fails when a process ends while it is still needed. */
  readonly failure: Promise<never>;
  #fail: (error: Error) => void = () => {};
  #children: ChildProcess[] = [];
  #endings: Promise<void>[] = [];
  #needed = true;

  constructor() {
    this.failure = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    // It may fail while nobody is looking; those who look get it all the same.
    this.failure.catch(() => {});
  }

  /** Starts a program of this folder. */
  start(
    name: string,
    runtime: Runtime,
    file: string,
    args: readonly string[],
  ): void {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(runtime.path, [
      ...runtime.runArguments,
      path,
      ...args,
    ], { stdio: ["ignore", "ignore", "pipe"] });
    this.#children.push(child);
    let report = "";
    child.stderr.on("data", (bytes: Uint8Array) => {
      report += new TextDecoder().decode(bytes);
      report = report.slice(-REPORT_LENGTH_MAX);
    });
    const ending = new Promise<void>((resolve, reject) => {
      const ended = (how: string, well: boolean): void => {
        if (well && !this.#needed) return resolve();
        const said = report.trim() === "" ? "" : `: ${report.trim()}`;
        const error = new Error(`The ${name} (${runtime.name}) ${how}${said}`);
        this.#fail(error);
        reject(error);
      };
      child.once("error", (error) => {
        ended(`could not be started (${error.message})`, false);
      });
      child.once("close", (code, signal) => {
        const how = code === null
          ? `was ended by ${signal}`
          : `ended with status ${code}`;
        ended(`${how}${this.#needed ? " before its time" : ""}`, code === 0);
      });
    });
    ending.catch(() => {});
    this.#endings.push(ending);
  }

  /** From now on the processes may end. */
  dismiss(): void {
    this.#needed = false;
  }

  /** Waits until all have ended well. */
  async ended(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error("A process did not end when it was told to stop"));
      }, timeoutMs);
    });
    try {
      await Promise.race([Promise.all(this.#endings), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends whoever is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null) child.kill("SIGKILL");
    }
    await Promise.allSettled(this.#endings);
  }
}
