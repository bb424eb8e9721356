// Reads a queue of records with checksums to its end, and prints what it found
// in lines of JSON, about once a second and at the end: argv is a name, a
// directory and how long it stands still now and then at most, in ms.
import { writeSync } from "node:fs";
import process from "node:process";
import { ShmConsumer, ShmError } from "../../../src/shm_entry.ts";
import type { CrcTally } from "../crc_run.ts";
import { crcRecordNumber } from "../crc_records.ts";
import { seededRandom } from "../seed.ts";

/** Turns between looks at the clock. */
const LOOK_EVERY = 1 << 16;
/** Turns between two moments in which it stands still. */
const PAUSE_EVERY = 200_000;
const PROGRESS_MS = 1000;
const WAIT_MS = 60_000;

const [name = "", directory = "", pauseMs = "0"] = process.argv.slice(2);
using consumer = ShmConsumer.open(name, { directory });
const random = seededRandom("a reader that stands still");
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
const tally: CrcTally = { checked: 0, overtaken: 0, torn: 0, lost: 0 };

/** Before anything else of the child's: nothing of it may be left over. */
function tell(): void {
  tally.lost = consumer.lost;
  writeSync(1, `${JSON.stringify(tally)}\n`);
}

/** The number of the record that was read last: none was left out untold. */
function expected(): number {
  return tally.checked + tally.torn + tally.overtaken + consumer.lost;
}

/** Reads a copy; false when there is none yet. */
function copy(): boolean {
  const record = consumer.tryRead();
  if (record === null) return false;
  if (crcRecordNumber(record) === expected()) tally.checked += 1;
  else tally.torn += 1;
  return true;
}

/** Reads in place; false when there is none yet. */
function look(): boolean {
  const view = consumer.view();
  if (view === null) return false;
  const found = crcRecordNumber(view.bytes);
  const number = expected();
  // Only now it is certain that the bytes were the record's all the time.
  if (!view.release()) tally.overtaken += 1;
  else if (found === number) tally.checked += 1;
  else tally.torn += 1;
  return true;
}

function readOn(): never {
  let toldAt = performance.now();
  for (let turn = 0;; turn += 1) {
    if (turn % PAUSE_EVERY === 0 && pauseMs !== "0") {
      Atomics.wait(nobodyWakes, 0, 0, random.below(Number(pauseMs)));
    }
    if (turn % LOOK_EVERY === 0 && performance.now() - toldAt > PROGRESS_MS) {
      tell();
      toldAt = performance.now();
    }
    // Long runs of each: what is copied is copied several at a time.
    const isThere = (turn >> 12 & 1) === 0 ? copy() : look();
    if (!isThere && !consumer.waitSync(WAIT_MS)) {
      throw new Error("The producer stands still");
    }
  }
}

writeSync(1, "open\n");
try {
  readOn();
} catch (error) {
  if (!(error instanceof ShmError && error.code === "EPIPE")) throw error;
}
tell();
