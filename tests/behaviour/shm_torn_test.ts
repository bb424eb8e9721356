// A producer at full speed and a reader that stands still now and then: H3 of
// the plan. PUREZMQ_SHM_RECORDS=1000000000 writes that many.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../ffi/mod.ts";
import { ShmConsumer, ShmError } from "../../src/shm_entry.ts";
import { crcRecordNumber } from "../support/crc_records.ts";
import { findBun, findDeno } from "../support/executables.ts";
import { seededRandom } from "../support/seed.ts";
import { until, within } from "../support/wait.ts";

const COUNT = Number(process.env["PUREZMQ_SHM_RECORDS"] ?? "1000000");
const LIMIT_MS = 60_000 + COUNT / 100;
const STREAM = fileURLToPath(
  new URL("../support/children/shm_stream.ts", import.meta.url),
);
/** Records between two moments in which the reader stands still. */
const PAUSE_EVERY = 200_000;
const PAUSE_MS_MAX = 5;

interface Tally {
  read: number;
  torn: number;
  overtaken: number;
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

/** Reads to the end of the queue, copied and in place by turns. */
function readAll(consumer: ShmConsumer): Tally {
  const tally: Tally = { read: 0, torn: 0, overtaken: 0 };
  try {
    readOn(consumer, tally);
  } catch (error) {
    const isEnd = error instanceof ShmError && error.code === "EPIPE";
    if (!isEnd) throw error;
  }
  return tally;
}

/** The same, until the end is thrown. */
function readOn(consumer: ShmConsumer, tally: Tally): never {
  const random = seededRandom("a reader that stands still");
  for (let turn = 0;; turn += 1) {
    if (turn % PAUSE_EVERY === 0) {
      Atomics.wait(nobodyWakes, 0, 0, random.below(PAUSE_MS_MAX));
    }
    // Long runs of each: what is copied is copied several at a time.
    if ((turn >> 12 & 1) === 0) {
      const record = consumer.readSync(10_000);
      tally.read += 1;
      const found = crcRecordNumber(record);
      if (found !== Number(consumer.sequence)) tally.torn += 1;
    } else {
      const view = consumer.view();
      if (view === null) {
        consumer.waitSync(10_000);
        continue;
      }
      tally.read += 1;
      const found = crcRecordNumber(view.bytes);
      const sequence = Number(view.sequence);
      if (!view.release()) tally.overtaken += 1;
      else if (found !== sequence) tally.torn += 1;
    }
  }
}

describe("records of a producer at full speed", () => {
  test(
    `of ${COUNT} none is torn, and what is lost is counted exactly`,
    { timeout: LIMIT_MS },
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), "purezmq-torn-"));
      const name = "torn";
      const [command, flags] = host.runtime === "deno"
        ? [findBun().path, ["run"]]
        : [findDeno().path, ["run", "-A", "--no-check", "--quiet"]];
      const args = [...flags, STREAM, name, directory, String(COUNT)];
      const child = spawn(command, args, {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      try {
        let said = "";
        child.stdout.on("data", (chunk) => said += String(chunk));
        await until(() => said.includes("created"), "the queue");
        using consumer = ShmConsumer.open(name, { directory });
        // Seen by the child whatever this thread is busy with.
        writeFileSync(join(directory, "go"), "");
        const start = performance.now();
        const tally = readAll(consumer);
        const seconds = (performance.now() - start) / 1000;
        await within(ended, "the producer's end");
        const { lost } = consumer;
        const { read, torn, overtaken } = tally;
        assert.equal(torn, 0);
        assert.equal(read + lost, COUNT);
        assert.ok(read > 0);
        t.diagnostic?.(
          `${COUNT} written, ${read} read and checked, ${lost} lost, ` +
            `${overtaken} views overtaken, 0 torn, in ${seconds.toFixed(1)} s`,
        );
      } finally {
        child.kill("SIGKILL");
        rmSync(directory, { recursive: true });
      }
    },
  );
});
