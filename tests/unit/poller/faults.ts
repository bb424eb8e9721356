// Faults at the seam to C: the functions that ffi calls are replaced one by
// one. Every call of ffi looks its function up in the same object, so that
// what stands there at that moment is what is called.
import assert from "node:assert/strict";
import {
  errnoNumber,
  fileStatus,
  KQUEUE_LAYOUTS,
  openLibc,
} from "../../../ffi/mod.ts";
import { kqueueSource } from "../../../ffi/kqueue.ts";
import type { Backend } from "./contract.ts";

/** A C function as ffi calls it. */
// deno-lint-ignore no-explicit-any -- each function has its own parameters
export type CCall = (...args: any[]) => number;

/** What a poller calls to wait, to change and to be woken. */
const NAMES = [
  "epoll_create1",
  "epoll_ctl",
  "epoll_wait",
  "eventfd",
  "fstat",
  "kevent",
  "kqueue",
  "pipe",
  "pipe2",
  "poll",
  "read",
  "select",
  "write",
] as const;

/** Replaces C functions until {@link restore}. */
export class Faults {
  readonly #tables: Record<string, CCall>[];
  readonly #originals: [Record<string, CCall>, string, CCall][] = [];

  constructor(backend: Pick<Backend, "library">) {
    // fstat is looked up when it is first needed.
    fileStatus(0);
    const libc = openLibc().call as unknown as Record<string, CCall>;
    this.#tables = [libc];
    if (backend.library !== null) {
      const { calls } = kqueueSource(backend.library);
      this.#tables.unshift(calls as unknown as Record<string, CCall>);
    }
  }

  /** The names that there are here. */
  get names(): string[] {
    return NAMES.filter((name) =>
      this.#tables.some((table) => table[name] !== undefined)
    );
  }

  /** Puts another function in the place of the one with that name. */
  replace(name: string, make: (real: CCall) => CCall): void {
    const table = this.#tables.find((each) => each[name] !== undefined);
    assert.ok(table !== undefined, `no function ${name}`);
    const original = table[name] as CCall;
    this.#originals.push([table, name, original]);
    table[name] = make((...args) => original.apply(table, args));
  }

  /** Has calls number `first` and on fail, so many of them. */
  fail(name: string, errno: string, first = 0, count: number = Infinity): void {
    let calls = 0;
    this.replace(name, (real) => (...args) => {
      const number = calls++;
      if (number < first || number >= first + count) return real(...args);
      // A signal ends the waiting, before which the changes are made.
      if (errno === "EINTR" && name === "kevent") makeChanges(real, args);
      return failWith(errno);
    });
  }

  /** Counts the calls of functions: those of a poller, when absent. */
  count(names: readonly string[] = this.names): Map<string, number> {
    const counts = new Map<string, number>();
    for (const name of names) {
      this.replace(name, (real) => (...args) => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        return real(...args);
      });
    }
    return counts;
  }

  /** Puts everything back. */
  restore(): void {
    for (const [table, name, original] of this.#originals.reverse()) {
      table[name] = original;
    }
    this.#originals.length = 0;
  }
}

const EV_RECEIPT = 0x40;

/** What a call of kevent does before it waits; with receipts it never does. */
function makeChanges(real: CCall, args: readonly unknown[]): void {
  const [queue, changes, count] = args;
  if (Number(count) === 0) return;
  const { flags } = KQUEUE_LAYOUTS.libkqueue;
  const bits = (changes as Uint8Array)[flags] as number;
  if ((bits & EV_RECEIPT) !== 0) return;
  real(queue, changes, count, null, openLibc().library.word(0), null);
}

/** What a C function does that fails. */
export function failWith(errno: string): number {
  openLibc().errno[0] = errnoNumber(errno);
  return -1;
}

/** The function in which a backend waits. */
export function waitCall(backend: Backend): string {
  const kind = backend.name.split(",")[0] as string;
  if (kind === "epoll") return "epoll_wait";
  return kind === "kqueue" ? "kevent" : kind;
}

/** The timeout that a waiting call was given, ms; -1 = for ever. */
export function timeoutOf(name: string, args: readonly unknown[]): number {
  if (name === "poll") return args[2] as number;
  if (name === "epoll_wait") return args[3] as number;
  const time = args[name === "select" ? 4 : 5] as Uint32Array | null;
  if (time === null) return -1;
  const perMs = name === "select" ? 1000 : 1_000_000;
  return (time[0] as number) * 1000 + (time[2] as number) / perMs;
}
