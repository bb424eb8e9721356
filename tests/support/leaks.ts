// Asserts that a test leaves nothing behind: no open descriptor, no live
// worker, and nothing that a count of the caller's own still sees.
//
// Deno 2.9.6 has leak sanitizers, but they do not see node:test; and it loses
// what `afterEach`, and `after` outside of a `describe`, throw. So use this as
//
//   describe("…", () => {
//     const leaks = leakCheck();
//     before(leaks.before);
//     after(leaks.after);
//     …
//
// or per test as `test("…", leakFree(async () => { … }))`.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { createPoller } from "../../src/poller/create_poller.ts";
import { until } from "./wait.ts";

/** How long closing, which goes on in other threads, may take. */
const SETTLE_MS = 10_000;

/** Numbers that must not be higher after a test than before it. */
export type Counts = Record<string, number>;

/** A source of such numbers, for example a context's live blocks. */
export type CountSource = () => Counts;

/** A pair of hooks; see the head of this file. */
export interface LeakCheck {
  /** Notes what is there. */
  readonly before: () => Promise<void>;
  /** Waits for it to be so again, and fails naming what is more. */
  readonly after: () => Promise<void>;
}

/** Open descriptors with what they point to. Empty where there is no /proc. */
export function openDescriptors(): Map<number, string> {
  const found = new Map<number, string>();
  for (const entry of list("/proc/self/fd")) {
    try {
      found.set(Number(entry), readlinkSync(`/proc/self/fd/${entry}`));
    } catch {
      // The descriptor that read the folder is gone by now.
    }
  }
  return found;
}

/** The names of this process's threads. Empty where there is no /proc. */
export function threadNames(): string[] {
  const names: string[] = [];
  for (const entry of list("/proc/self/task")) {
    try {
      names.push(readFileSync(`/proc/self/task/${entry}/comm`, "utf8").trim());
    } catch {
      // It ended in the meantime.
    }
  }
  return names;
}

/** How many JavaScript workers live: Deno names them worker-1, Bun Worker. */
export function liveWorkers(): number {
  return threadNames().filter((name) => /^(worker-\d+|Worker)$/.test(name))
    .length;
}

/** A pair of hooks that compare what is open before and after. */
export function leakCheck(
  extra: CountSource = () => ({}),
  settleMs: number = SETTLE_MS,
): LeakCheck {
  let base: Counts | null = null;
  return {
    before: async (): Promise<void> => {
      await warmUp();
      base = countAll(extra);
    },
    after: async (): Promise<void> => {
      assert.ok(base !== null, "leakCheck: after() without before()");
      const start = base;
      let grown: string[] = [];
      try {
        await until(
          () => {
            grown = growth(start, countAll(extra));
            return grown.length === 0;
          },
          "nothing left behind",
          settleMs,
        );
      } catch {
        assert.fail(`Left behind: ${grown.join("; ")}. Now open: ${listed()}`);
      }
    },
  };
}

/** `body` between the two halves of a leak check. */
export function leakFree(
  body: () => void | Promise<void>,
  extra: CountSource = () => ({}),
  settleMs: number = SETTLE_MS,
): () => Promise<void> {
  return async () => {
    const leaks = leakCheck(extra, settleMs);
    await leaks.before();
    await body();
    await leaks.after();
  };
}

/**
 * What the runtimes keep for themselves. Deno 2.9.6 holds the event loop (an
 * epoll and an eventfd) of one ended worker for the next one, Bun 1.4.4 a
 * second descriptor of standard output from its first worker on. A leak per
 * context shows all the same where a test makes several.
 */
const RUNTIME_SLACK: Counts = "Deno" in globalThis
  ? { "descriptors (eventpoll)": 1, "descriptors (eventfd)": 1 }
  : { "descriptors (pipe)": 1 };

function growth(before: Counts, now: Counts): string[] {
  return Object.keys(now)
    .filter((what) =>
      (now[what] ?? 0) > (before[what] ?? 0) + (RUNTIME_SLACK[what] ?? 0)
    )
    .map((what) => `${what}: ${before[what] ?? 0} before, ${now[what]} after`);
}

function countAll(extra: CountSource): Counts {
  const counts: Counts = { "live workers": liveWorkers(), ...extra() };
  for (const target of openDescriptors().values()) {
    const kind = kindOf(target);
    if (kind !== null) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  const loops = threadNames().filter((name) => BUN_LOOPS.includes(name)).length;
  for (const kind of ["descriptors (eventpoll)", "descriptors (eventfd)"]) {
    if (loops > 0) counts[kind] = (counts[kind] ?? 0) - loops;
  }
  return counts;
}

/**
 * Bun's own threads that have an event loop each, an epoll and an eventfd. It
 * starts them when it first needs one, be it in the midst of a test.
 */
const BUN_LOOPS: readonly string[] = ["IO Watcher", "HTTP Client"];

/**
 * What a descriptor counts as. The runtimes keep files of their caches open as
 * they please, so only files where a test puts them count.
 */
function kindOf(target: string): string | null {
  const anonymous = /^(?:anon_inode:)?\[?([a-z_]+)\]?(?::\[\d+\])?$/.exec(
    target,
  );
  if (anonymous !== null) return `descriptors (${anonymous[1]})`;
  const isTestFile = target.startsWith(`${tmpdir()}/purezmq-`) ||
    target.startsWith("/dev/shm/") || target.startsWith("/memfd:");
  return isTestFile ? `descriptors (${target})` : null;
}

function listed(): string {
  const descriptors = [...openDescriptors()]
    .filter(([, target]) => kindOf(target) !== null)
    .map(([descriptor, target]) => `${descriptor}=${target}`);
  return `${descriptors.join(" ")}; threads: ${threadNames().join(", ")}`;
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Set once the runtime has opened what it opens once and keeps. */
let warm: Promise<void> | null = null;

/**
 * Makes the runtime open what it opens once and keeps (Bun an epoll and an
 * eventfd at the first spawnSync), and a library of kqueue's what watches its
 * threads, so that it does not count as a leak.
 */
function warmUp(): Promise<void> {
  warm ??= openWhatStaysOpen();
  return warm;
}

async function openWhatStaysOpen(): Promise<void> {
  if (process.env["PUREZMQ_KQUEUE_LIBRARY"]) {
    createPoller({ kind: "kqueue" }).close();
  }
  spawnSync(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, ["--version"], { stdio: "pipe" });
    child.stdout.resume();
    child.stderr.resume();
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  const workers = liveWorkers();
  await new Promise<void>((resolve, reject) => {
    const worker = new Worker("0", { eval: true });
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
  await until(() => liveWorkers() <= workers, "the warm-up worker's end");
}
