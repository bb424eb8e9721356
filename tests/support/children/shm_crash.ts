// A producer that is killed or stopped at its k-th access of the shared memory,
// or that counts its accesses: argv is a name, a directory, a way of waiting, k
// and the signal.
import process from "node:process";
import { ShmProducer, type WaitingKind } from "../../../src/shm_entry.ts";
import { accessCount, signalAtAccess } from "../shared_accesses.ts";
import { makeRecord } from "../shm_records.ts";

/** The ring goes round, with paddings and records of several slots. */
const RECORDS = 12;

const [name = "", directory = "", waiting = "", at = "0", signal] = process.argv
  .slice(2);
signalAtAccess(Number(at), signal === "SIGSTOP" ? signal : "SIGKILL");

const producer = ShmProducer.create(name, {
  directory,
  slots: 8,
  slotSize: 256,
  waiting: waiting as WaitingKind,
});
process.stdout.write("created\n");
for (let n = 0; n < RECORDS; n += 1) {
  const record = makeRecord(n);
  if (n % 3 === 0) {
    producer.claim(record.length).set(record);
    producer.commit();
  } else producer.write(record);
}
producer.close();
process.stdout.write(`${accessCount()}\n`);
