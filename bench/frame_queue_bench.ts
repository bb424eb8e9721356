// The queue of frames inside every pipe, both ends in one thread: what a
// message costs without system calls and wake-ups. `deno bench -A bench/`

import { QueueReader } from "../src/memory/queue_reader.ts";
import { QueueWriter } from "../src/memory/queue_writer.ts";
import { makeQueue, viewMemory } from "../tests/support/memory_fixture.ts";
import { BATCH, perBatch } from "./parts.ts";

for (const size of [16, 64, 1024, 4096]) {
  const view = viewMemory();
  const queue = makeQueue(view);
  const writer = new QueueWriter(view.memory, queue);
  const reader = new QueueReader(view.memory, queue);
  const body = new Uint8Array(size);
  perBatch("frame queue", `${size} B`, () => {
    for (let n = 0; n < BATCH; n++) {
      writer.beginMessage();
      if (!writer.hasCredit() || !writer.writeFrame(0, body)) {
        throw new Error("the queue refused a frame");
      }
      writer.completeMessages(1);
      writer.flush();
    }
    for (let n = 0; n < BATCH; n++) {
      if (!reader.available()) throw new Error("a frame is missing");
      reader.decode();
      if (reader.bodyLength !== size) throw new Error("another frame");
      reader.advance();
      reader.countRead(1);
    }
  });
}
