// Files of queues that somebody cuts at any moment, while they are read and
// written: nobody ends. PUREZMQ_SHM_CUTS=10 cuts ten times as many.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../ffi/mod.ts";
import { findBun, findDeno } from "../support/executables.ts";
import { seededRandom } from "../support/seed.ts";
import { until, within } from "../support/wait.ts";

const TIMES = Number(process.env["PUREZMQ_SHM_CUTS"] ?? "1");
const LIMIT_MS = 120_000 * TIMES;
/** From a cut to the error; a busy machine may be late now and then. */
const TOLD_MS = 100;

const RUNTIMES = {
  deno: () => [findDeno().path, "run", "-A", "--no-check", "--quiet"],
  bun: () => [findBun().path, "run"],
} as const;

interface Child {
  readonly ended: Promise<{ how: number | string; output: string }>;
  output(): string;
  kill(): void;
}

function start(
  runtime: keyof typeof RUNTIMES,
  script: string,
  args: readonly string[],
): Child {
  const [command = "", ...prefix] = RUNTIMES[runtime]();
  const url = new URL(`../support/children/${script}`, import.meta.url);
  const child = spawn(command, [...prefix, fileURLToPath(url), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => output += String(chunk));
  }
  const ended = new Promise<{ how: number | string; output: string }>(
    (resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        resolve({ how: signal ?? code ?? -1, output });
      });
    },
  );
  return { ended, output: () => output, kill: () => child.kill("SIGKILL") };
}

/** What a child has met in so many lives with files that are cut. */
async function live(work: string, count: number, leftMs: number): Promise<{
  codes: Record<string, number>;
  lives: number;
  tookMs: number[];
}> {
  const isTransport = work === "transport";
  const directory = isTransport
    ? "/dev/shm"
    : mkdtempSync(join(tmpdir(), "purezmq-cut-"));
  const name = `${isTransport ? "zmq." : ""}cut-${crypto.randomUUID()}`;
  const path = join(directory, `purezmq.${name}.queue`);
  const seed = String(seededRandom(`cuts while it ${work}s`).below(2 ** 32));
  const own = host.runtime === "deno" ? "deno" : "bun";
  const other = own === "deno" ? "bun" : "deno";
  const cutter = start(other, "shm_cutter.ts", [
    path,
    seed,
    String(leftMs),
  ]);
  try {
    await until(() => cutter.output().includes("ready"), "the cutter");
    const args = [name, directory, work, String(count * TIMES)];
    const child = start(own, "shm_cut.ts", args);
    try {
      const { how, output } = await within(child.ended, "all lives", LIMIT_MS);
      assert.equal(how, 0, output);
      return JSON.parse(output);
    } finally {
      child.kill();
    }
  } finally {
    cutter.kill();
    await within(cutter.ended, "the cutter's end");
    if (!isTransport) rmSync(directory, { recursive: true });
  }
}

describe("a queue whose file is cut at any moment", () => {
  const works = [
    // The last three start threads, which takes its time.
    ["pump", 400, 3, "writes and reads as fast as it can"],
    ["look", 400, 3, "has a view open"],
    ["sleep", 10, 3, "sleeps on a futex"],
    ["lock", 10, 3, "sleeps on a record lock"],
    ["lock-on", 10, 800, "sleeps on a record lock without a limit"],
    ["buffer", 12, 800, "reads ahead in a thread"],
    ["transport", 12, 1200, "is under sockets"],
  ] as const;
  for (const [work, count, leftMs, what] of works) {
    test(`ends nobody who ${what}`, { timeout: LIMIT_MS }, async (t) => {
      const { codes, lives, tookMs } = await live(work, count, leftMs);
      // Cut before it was opened, too: its file is none of a queue then.
      const { EIO = 0, EPROTO = 0, ...others } = codes;
      assert.deepEqual(others, {});
      if (work === "transport") assert.equal(lives, count * TIMES);
      else assert.equal(EIO + EPROTO, count * TIMES);
      assert.ok(tookMs.length > 0, "no cut was after the start");
      const [median, most] = [0.5, 1].map((share) => {
        const at = Math.ceil(share * tookMs.length) - 1;
        return [...tookMs].sort((a, b) => a - b)[at] as number;
      }) as [number, number];
      assert.ok(median <= TOLD_MS, `told after ${median} ms`);
      const times = `told after ${median.toFixed(0)} ms, at most ` +
        `${most.toFixed(0)}`;
      t.diagnostic?.(`${tookMs.length} cuts, ${times}`);
    });
  }
});
