// Writes records with checksums, as fast as it can, from when there is a file
// "go" in its directory until there are enough, or a file "stop": argv is a
// name, that directory, how many at most and how many consumers may hold it
// back, 0 for a producer that nobody does. It prints how many it has written.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ShmProducer } from "../../../src/shm_entry.ts";
import { CRC_RECORD_BYTES, fillCrcRecord } from "../crc_records.ts";

/** Records between looks at the directory. */
const LOOK_EVERY = 1 << 16;
/** Nobody is let go: a consumer that is too slow would be lost to the run. */
const LIMIT_MS = 60_000;

const [name = "", directory = "", most = "0", held = "0"] = process.argv
  .slice(2);
const consumers = Number(held);
const producer = ShmProducer.create(name, {
  directory,
  slots: 4096,
  slotSize: CRC_RECORD_BYTES,
  holdBack: consumers > 0 ? { limitMs: LIMIT_MS, consumers } : false,
});
process.stdout.write("created\n");
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
while (!existsSync(join(directory, "go"))) Atomics.wait(nobodyWakes, 0, 0, 1);

/** Both ways of writing. */
function write(number: number, record: Uint8Array): void {
  if ((number & 1) === 0) {
    fillCrcRecord(producer.claim(CRC_RECORD_BYTES), number);
    producer.commit();
  } else {
    fillCrcRecord(record, number);
    producer.write(record);
  }
}

const stop = join(directory, "stop");
const record = new Uint8Array(CRC_RECORD_BYTES);
let written = 0;
while (written < Number(most)) {
  const end = Math.min(written + LOOK_EVERY, Number(most));
  while (written < end) write(written++, record);
  if (existsSync(stop)) break;
}
producer.close();
process.stdout.write(`${written}\n`);
process.exit(0);
