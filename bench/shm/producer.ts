// Writes the records of a measurement; bench/shm/task.ts has its arguments.

import { writeSync } from "node:fs";
import { ShmProducer } from "../../src/shm_entry.ts";
import { printLine } from "../perf_arguments.ts";
import {
  END,
  pause,
  RING_CONSUMERS,
  ringSlots,
  Schedule,
  taskOfArguments,
} from "./task.ts";

const task = taskOfArguments();
using producer = ShmProducer.create(task.address, {
  slots: ringSlots(task.size),
  slotSize: task.size,
  waiting: task.waiting,
  // Nothing gets lost, and nobody is let go who was late only to start.
  holdBack: { limitMs: 60_000, consumers: RING_CONSUMERS },
});
writeSync(2, "ready\n");
while (producer.statistics.consumers < task.consumers) pause(1);

const schedule = new Schedule(task);
if (task.inPlace) writeInPlace();
else writeCopies();
printLine(`sent: ${schedule.count} [records]`);

function writeInPlace(): void {
  for (;;) {
    const number = schedule.next();
    schedule.fill(producer.claim(task.size), number);
    producer.commit();
    if (number === END) return;
  }
}

function writeCopies(): void {
  const record = new Uint8Array(task.size);
  for (;;) {
    const number = schedule.next();
    schedule.fill(record, number);
    producer.write(record);
    if (number === END) return;
  }
}
