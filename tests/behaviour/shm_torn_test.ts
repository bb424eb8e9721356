// A producer at full speed and readers that stand still now and then: H3 of the
// plan. `deno task soak:shm` does the same for 10^9 records.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { host } from "../../ffi/mod.ts";
import {
  CRC_RECORD_BYTES,
  crcRecordNumber,
  fillCrcRecord,
} from "../support/crc_records.ts";
import { accounted, runCrc, type Runtime } from "../support/crc_run.ts";

const COUNT = 1_000_000;
const LIMIT_MS = 120_000;
const PAUSE_MS = 5;

const own: Runtime = host.runtime === "deno" ? "deno" : "bun";
const other: Runtime = own === "deno" ? "bun" : "deno";

describe("records of a producer at full speed", () => {
  for (const holdBack of [false, true]) {
    const what = holdBack
      ? "none is torn or lost when consumers hold it back"
      : "none is torn, and what is lost is counted exactly";
    test(`of ${COUNT} ${what}`, { timeout: 2 * LIMIT_MS }, async (t) => {
      const { written, tallies, seconds } = await runCrc({
        producer: other,
        consumers: [own, other],
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
