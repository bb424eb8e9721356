// The demo's producer: writes records at a steady rate until its standard input
// ends, or it is killed.
//
//   producer <queue> <records per second>

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ShmProducer } from "../../src/shm_entry.ts";
import { RING, STATUS_INTERVAL_MS, statusLine } from "./protocol.ts";
import { fillRecord, RECORD_BYTES_MAX, RecordKind } from "./record.ts";

const STEP_MS = 5;

const [name = "", rate = ""] = process.argv.slice(2);
using producer = ShmProducer.create(name, RING);
const room = new Uint8Array(RECORD_BYTES_MAX);
let ending = false;
process.stdin.once("end", () => ending = true).resume();

const startMs = performance.now();
let written = 0;
let saidMs = 0;
while (!ending) {
  const due = (performance.now() - startMs) * Number(rate) / 1000;
  for (; written < due; written++) {
    producer.write(fillRecord(room, written, RecordKind.DATA));
  }
  if (performance.now() - saidMs > STATUS_INTERVAL_MS) {
    saidMs = performance.now();
    process.stdout.write(statusLine({ written, ended: false }));
  }
  await sleep(STEP_MS);
}
producer.write(fillRecord(room, written++, RecordKind.LAST));
process.stdout.write(statusLine({ written, ended: true }));
