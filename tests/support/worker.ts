// A user's Worker that attaches to the test's context: started from a module
// of tests/support/workers, spoken to by messages, always ended.
import { Worker } from "node:worker_threads";
import { within } from "./wait.ts";

/** A Worker of the test, and what it says. */
export class TestWorker {
  #worker: Worker;
  #said: unknown[] = [];
  #listener: ((value: unknown) => void) | undefined;
  #exited: Promise<void>;
  #error: Error | undefined;

  /** Starts `workers/<name>`; `data` is its workerData. */
  constructor(name: string, data: unknown) {
    const url = new URL(`./workers/${name}`, import.meta.url);
    this.#worker = new Worker(url, { workerData: data });
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", () => resolve());
    });
    this.#worker.on("error", (error) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#listener?.(undefined);
    });
    this.#worker.on("message", (value: unknown) => {
      this.#said.push(value);
      this.#listener?.(value);
    });
  }

  /** The next thing that the worker says. */
  async said<T>(what: string, timeoutMs?: number): Promise<T> {
    const heard = new Promise<void>((resolve) => {
      if (this.#said.length > 0 || this.#error !== undefined) resolve();
      else this.#listener = () => resolve();
    });
    await within(heard, `the worker to say ${what}`, timeoutMs);
    this.#listener = undefined;
    if (this.#error !== undefined) throw this.#error;
    return this.#said.shift() as T;
  }

  /** Says something to the worker. */
  say(value: unknown): void {
    this.#worker.postMessage(value);
  }

  /** Waits until the worker has ended by itself. */
  ended(timeoutMs?: number): Promise<void> {
    return within(this.#exited, "the worker to end", timeoutMs);
  }

  /** Ends the worker whatever it does. */
  async stop(): Promise<void> {
    await within(this.#worker.terminate(), "the worker to be terminated");
  }
}
