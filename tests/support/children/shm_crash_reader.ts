// A consumer that is killed at its k-th access of the shared memory, or that
// counts its accesses up to the end of the queue: argv is a name, a directory,
// and k.
import process from "node:process";
import { ShmConsumer, ShmError } from "../../../src/shm_entry.ts";
import { accessCount, signalAtAccess } from "../shared_accesses.ts";
import { checkRecord } from "../shm_records.ts";

const WAIT_MS = 20_000;

const [name = "", directory = "", at = "0"] = process.argv.slice(2);
signalAtAccess(Number(at), "SIGKILL");

const consumer = ShmConsumer.open(name, { directory });
process.stdout.write("open\n");
try {
  for (let turn = 0;; turn += 1) {
    if (turn % 2 === 0) {
      checkRecord(consumer.readSync(WAIT_MS));
      continue;
    }
    const view = consumer.view();
    if (view === null) consumer.waitSync(WAIT_MS);
    else {
      checkRecord(view.bytes);
      view.release();
    }
  }
} catch (error) {
  if (!(error instanceof ShmError && error.code === "EPIPE")) throw error;
}
process.stdout.write(`${accessCount()}\n`);
consumer.close();
