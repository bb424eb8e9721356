// Writes so many records with checksums, as fast as it can, once there is a file
// "go" in its directory: argv is a name, that directory and how many.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ShmProducer } from "../../../src/shm_entry.ts";
import { CRC_RECORD_BYTES, fillCrcRecord } from "../crc_records.ts";

const [name = "", directory = "", count = "0"] = process.argv.slice(2);
const producer = ShmProducer.create(name, {
  directory,
  slots: 4096,
  slotSize: CRC_RECORD_BYTES,
});
process.stdout.write("created\n");
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
while (!existsSync(join(directory, "go"))) Atomics.wait(nobodyWakes, 0, 0, 1);
for (let n = 0; n < Number(count); n += 1) {
  // Both ways of writing.
  if ((n & 1) === 0) {
    fillCrcRecord(producer.claim(CRC_RECORD_BYTES), n);
    producer.commit();
  } else {
    const record = new Uint8Array(CRC_RECORD_BYTES);
    fillCrcRecord(record, n);
    producer.write(record);
  }
}
producer.close();
process.exit(0);
