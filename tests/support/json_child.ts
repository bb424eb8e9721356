// A child process that is spoken to in lines of JSON: one request
// {id, op, ...} per line in, one reply {id, value} or {id, error} per line out,
// in any order. Used for libzmq in Node and for programs of our own.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { within } from "./wait.ts";

/** What a child reports instead of a value. */
export class ChildError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "ChildError";
    this.code = code;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Reply {
  id: number;
  value?: unknown;
  error?: { code: string; message: string };
}

/** A running child; every request is bounded in time. */
export class JsonChild {
  /** Settles with the exit code, or with the signal that ended the child. */
  readonly exited: Promise<number | string>;
  #process: ChildProcess;
  #waiting: Map<number, Waiting> = new Map();
  #nextId = 1;
  #errors = "";
  #stray: string[] = [];

  /** @param env Variables beside those of this process. */
  constructor(
    command: string,
    args: readonly string[],
    cwd?: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#process = spawn(command, [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.exited = new Promise((resolve) => {
      this.#process.on("error", (error) => this.#ended(error.message, resolve));
      // "close" comes after "exit", when the pipes are empty and closed.
      this.#process.on(
        "close",
        (code, signal) => this.#ended(signal ?? code ?? -1, resolve),
      );
    });
    this.#process.stdin?.on("error", () => {});
    this.#process.stderr?.on("data", (chunk) => {
      this.#errors += String(chunk);
    });
    const output = this.#process.stdout;
    if (output === null) throw new Error("The child has no standard output");
    createInterface({ input: output }).on("line", (line) => this.#line(line));
  }

  /** The process id, for signals. */
  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What the child has written to its standard error so far. */
  get errors(): string {
    return this.#errors;
  }

  /** Lines on standard output that were no replies. */
  get output(): readonly string[] {
    return this.#stray;
  }

  /** Sends a request and waits for its reply. */
  request<T>(
    op: string,
    args: Record<string, unknown> = {},
    timeoutMs = 30_000,
  ): Promise<T> {
    const id = this.#nextId++;
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#process.stdin?.write(JSON.stringify({ id, op, ...args }) + "\n");
    return within(
      reply,
      `reply to ${op} of child ${this.pid}`,
      timeoutMs,
    ) as Promise<T>;
  }

  /** Sends a signal. */
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT" | "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  /** Ends the child for good and waits until it is gone. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    this.#process.kill("SIGKILL");
    await within(this.exited, `end of child ${this.pid}`);
  }

  #line(line: string): void {
    let reply: Reply | undefined;
    if (line.startsWith("{")) reply = JSON.parse(line) as Reply;
    const waiting = reply && this.#waiting.get(reply.id);
    if (reply === undefined || waiting === undefined) {
      this.#stray.push(line);
      return;
    }
    this.#waiting.delete(reply.id);
    if (reply.error) {
      waiting.reject(new ChildError(reply.error.code, reply.error.message));
    } else {
      waiting.resolve(reply.value);
    }
  }

  #ended(
    how: number | string,
    resolve: (how: number | string) => void,
  ): void {
    for (const waiting of this.#waiting.values()) {
      waiting.reject(
        new ChildError("EXIT", `Child ended (${how}): ${this.#errors}`),
      );
    }
    this.#waiting.clear();
    resolve(how);
  }
}
