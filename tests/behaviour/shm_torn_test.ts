// A producer at full speed and readers that stand still now and then: H3 of the
// plan. `deno task soak:shm` does the same for 10^9 records.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CRC_RECORD_BYTES,
  crcRecordNumber,
  fillCrcRecord,
} from "../support/crc_records.ts";
import { accounted, runCrc } from "../support/crc_run.ts";
import { findDeno } from "../support/executables.ts";
import { OTHER_RUNTIME, OWN_RUNTIME } from "../support/shm_stage.ts";

const SOAK = fileURLToPath(new URL("../shm_soak.ts", import.meta.url));
const COUNT = 1_000_000;
const LIMIT_MS = 120_000;
const PAUSE_MS = 5;

describe("records of a producer at full speed", () => {
  for (const holdBack of [false, true]) {
    const what = holdBack
      ? "none is torn or lost when consumers hold it back"
      : "none is torn, and what is lost is counted exactly";
    test(`of ${COUNT} ${what}`, { timeout: 2 * LIMIT_MS }, async (t) => {
      const { written, tallies, seconds } = await runCrc({
        producer: OTHER_RUNTIME,
        consumers: [OWN_RUNTIME, OTHER_RUNTIME],
        holdBack,
        records: COUNT,
        reads: Infinity,
        pauseMs: PAUSE_MS,
        limitMs: LIMIT_MS,
      });
      assert.equal(written, COUNT);
      for (const tally of tallies) {
        t.diagnostic?.(`${seconds.toFixed(1)} s: ${JSON.stringify(tally)}`);
        assert.equal(tally.torn, 0);
        assert.equal(accounted(tally), COUNT);
        assert.ok(tally.checked > 0);
        if (holdBack) assert.equal(tally.checked, COUNT);
      }
    });
  }
});

describe("the soak", () => {
  const soak = (...options: string[]): { status: number; said: string } => {
    const args = ["run", "-A", "--no-check", "--quiet", SOAK, ...options];
    const run = spawnSync(findDeno().path, args, {
      encoding: "utf8",
      timeout: LIMIT_MS,
    });
    return { status: run.status ?? -1, said: run.stdout + run.stderr };
  };

  test("tells what each of its consumers has counted", () => {
    const wanted = ["--records", "300000"];
    const { status, said } = soak(...wanted, "--consumers", "bun,deno,bun");
    assert.equal(status, 0, said);
    assert.match(said, /written by deno in .* s, not held back by 3 consumers/);
    const lines = said.split("\n").filter((line) => line.includes("overtaken"));
    const runtimes = lines.map((line) => line.split(":")[0]);
    assert.deepEqual(runtimes, ["bun", "deno", "bun"]);
    for (const line of lines) {
      assert.match(line, /^\w+: \d+ checked, .* 0 torn, 0 unaccounted for$/);
    }
    assert.match(said, /^\d+ of 300000 checked together, 0 torn$/m);
  });

  test("fails when there were not as many as were wanted", () => {
    const { status, said } = soak("--minutes", "0.01", "--hold-back");
    assert.equal(status, 1, said);
    assert.match(said, /written by deno in .* s, held back by 2 consumers/);
    assert.match(said, /The time was over first\./);
  });
});

test("a record with any bit changed is found out", () => {
  const record = new Uint8Array(CRC_RECORD_BYTES);
  fillCrcRecord(record, 2 ** 40 + 7);
  assert.equal(crcRecordNumber(record), 2 ** 40 + 7);
  for (let bit = 0; bit < CRC_RECORD_BYTES * 8; bit += 1) {
    const at = bit >> 3;
    const before = record[at] as number;
    record[at] = before ^ 1 << (bit & 7);
    assert.equal(crcRecordNumber(record), -1, `bit ${bit}`);
    record[at] = before;
  }
});
