// Reads the records of a measurement; bench/shm/task.ts has its arguments.

import { ShmConsumer } from "../../src/shm_entry.ts";
import { Tally, taskOfArguments } from "./task.ts";

const task = taskOfArguments();
// The producer may begin as soon as it sees this consumer.
using consumer = ShmConsumer.open(task.address, { from: "oldest" });
const tally = new Tally(task);
if (task.inPlace) readInPlace();
else while (tally.take(consumer.readSync()));
tally.print();

function readInPlace(): void {
  for (;;) {
    const view = consumer.view();
    if (view === null) {
      consumer.waitSync();
      continue;
    }
    const more = tally.take(view.bytes);
    if (!view.release()) throw new Error("A record was overwritten");
    if (!more) return;
  }
}
