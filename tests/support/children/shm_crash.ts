// A producer that is killed at its k-th access of the shared memory, or that
// counts its accesses: argv is a name, a directory, a way of waiting and k.
import process from "node:process";
import { ShmProducer, type WaitingKind } from "../../../src/shm_entry.ts";
import { RingMemory } from "../../../src/shm/ring_memory.ts";
import { makeRecord } from "../shm_records.ts";

/** The ring goes round, with paddings and records of several slots. */
const RECORDS = 12;

const [name = "", directory = "", waiting = "", at = "0"] = process.argv
  .slice(2);
const dieAt = Number(at);
const methods = [
  "load",
  "store",
  "exchange",
  "add",
  "compareExchange",
  "get",
  "put",
  "copyIn",
  "copyOut",
  "fenceAfterStore",
] as const;

let accesses = 0;
const prototype = RingMemory.prototype as unknown as Record<
  string,
  (...args: never[]) => unknown
>;
for (const method of methods) {
  const access = prototype[method] as (...args: never[]) => unknown;
  prototype[method] = function (...args: never[]): unknown {
    accesses += 1;
    if (accesses === dieAt) {
      if (method === "copyIn") {
        // In the middle of the bytes.
        const [at, source] = args as unknown as [number, Uint8Array];
        const half = source.subarray(0, source.length >> 1);
        access.apply(this, [at, half] as unknown as never[]);
      }
      process.kill(process.pid, "SIGKILL");
    }
    return access.apply(this, args);
  };
}

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
process.stdout.write(`${accesses}\n`);
