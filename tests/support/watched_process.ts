// Runs one program to its end with a limit on its time, in a process group of
// its own, and leaves nothing of it running.
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { until } from "./wait.ts";

/**
 * Marks every process that descends from a watched one, with the marks of all
 * that watch it: a runner that is itself under a runner leaves nothing either.
 */
const MARK = "PUREZMQ_WATCHED";

/** How long a program's own children may take to follow it. */
const LEFTOVER_GRACE_MS = 3_000;

/** How much of the output is kept: the last part, which says what went wrong. */
const OUTPUT_LIMIT = 256 * 1024;

/** What to run and for how long. */
export interface WatchedOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** How it ended. */
export interface WatchedResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** Standard output and error as they came, at most the last part. */
  readonly output: string;
  /** Descendants that outlived it and were killed: "pid command line". */
  readonly leftovers: readonly string[];
  readonly elapsedMs: number;
}

/** What now runs, group and mark, so that an interrupted runner can end it. */
const running = new Map<number, string>();

/** Ends everything that is being watched; for a runner that was told to stop. */
export function killAllWatched(): void {
  for (const [group, mark] of running) killTree(group, mark);
}

/** Runs a program to its end, or to the end of its time. */
export async function runWatched(
  options: WatchedOptions,
): Promise<WatchedResult> {
  const started = performance.now();
  const mark = crypto.randomUUID();
  const child = new Deno.Command(options.command, {
    args: [...options.args],
    cwd: options.cwd,
    env: { ...options.env, [MARK]: `${process.env[MARK] ?? ""} ${mark}` },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  running.set(child.pid, mark);
  const output = new Tail();
  const streams = Promise.all([
    output.take(child.stdout),
    output.take(child.stderr),
  ]);
  let timedOut = false;
  const watchdog = setTimeout(() => {
    timedOut = true;
    killTree(child.pid, mark);
  }, options.timeoutMs);
  const status = await child.status;
  clearTimeout(watchdog);
  const leftovers = await endLeftovers(child.pid, mark, timedOut);
  // Only now: a leftover holds the other end of the pipes.
  await streams;
  running.delete(child.pid);
  return {
    code: status.signal === null ? status.code : null,
    signal: status.signal,
    timedOut,
    output: output.text(),
    leftovers,
    elapsedMs: performance.now() - started,
  };
}

async function endLeftovers(
  group: number,
  mark: string,
  atOnce: boolean,
): Promise<string[]> {
  try {
    await until(
      () => descendants(group, mark).length === 0,
      "the descendants' end",
      atOnce ? 0 : LEFTOVER_GRACE_MS,
    );
    return [];
  } catch {
    const left = descendants(group, mark);
    killTree(group, mark);
    return left.map(({ pid, commandLine }) => `${pid} ${commandLine}`);
  }
}

interface Descendant {
  readonly pid: number;
  readonly commandLine: string;
}

/**
 * The living processes that are in the group or carry the mark in their
 * environment (a child may have left the group). Needs Linux's /proc; elsewhere
 * only the group is killed and nothing is reported.
 */
function descendants(group: number, mark: string): Descendant[] {
  if (process.platform !== "linux") return [];
  const found: Descendant[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      // The fields behind the command, which may contain spaces and brackets.
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const [state, , processGroup] = fields;
      if (state === "Z" || state === "X") continue;
      const belongs = Number(processGroup) === group ||
        readFileSync(`/proc/${entry}/environ`, "utf8").includes(mark);
      if (!belongs) continue;
      const commandLine = readFileSync(`/proc/${entry}/cmdline`, "utf8")
        .replaceAll("\0", " ").trim();
      found.push({ pid: Number(entry), commandLine });
    } catch {
      // It ended while it was looked at, or belongs to someone else.
    }
  }
  return found;
}

/** Ends a group and what has left it; whoever starts more in between, too. */
function killTree(group: number, mark: string): void {
  kill(-group);
  for (let round = 0; round < 3; round += 1) {
    for (const { pid } of descendants(group, mark)) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Collects text and keeps its end. */
class Tail {
  #chunks: string[] = [];
  #length = 0;

  async take(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#add(decoder.decode(chunk, { stream: true }));
    }
  }

  text(): string {
    return this.#chunks.join("").slice(-OUTPUT_LIMIT);
  }

  #add(text: string): void {
    this.#chunks.push(text);
    this.#length += text.length;
    if (this.#length > 2 * OUTPUT_LIMIT) {
      this.#chunks = [this.text()];
      this.#length = OUTPUT_LIMIT;
    }
  }
}
