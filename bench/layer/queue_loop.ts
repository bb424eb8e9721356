// Writes messages into a queue of frames and reads them, from the sources in a
// folder; prints nanoseconds for each message.
//
//   queue_loop <folder> <message-size> <message-count>

import process from "node:process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { printLine } from "../perf_arguments.ts";

/** Messages that are in the queue together. */
const BATCH = 500;
const WARM_UP_SHARE = 4;

const [folder = "", size = "", count = ""] = process.argv.slice(2);

function load<T>(path: string): Promise<T> {
  return import(pathToFileURL(join(folder, path)).href) as Promise<T>;
}

const { makeQueue, viewMemory } = await load<
  typeof import("../../tests/support/memory_fixture.ts")
>("tests/support/memory_fixture.ts");
const { QueueWriter } = await load<
  typeof import("../../src/memory/queue_writer.ts")
>("src/memory/queue_writer.ts");
const { QueueReader } = await load<
  typeof import("../../src/memory/queue_reader.ts")
>("src/memory/queue_reader.ts");

const view = viewMemory();
const queue = makeQueue(view);
const writer = new QueueWriter(view.memory, queue);
const reader = new QueueReader(view.memory, queue);
const body = new Uint8Array(Number(size));

function pass(messages: number): void {
  for (let done = 0; done < messages; done += BATCH) {
    for (let n = 0; n < BATCH; n++) {
      body[0] = n;
      if (!writer.hasCredit() || !writer.writeMessage(body)) {
        writer.beginMessage();
        if (!writer.writeFrame(0, body)) throw new Error("no room");
        writer.completeMessages(1);
      }
      // As a socket does, for each message.
      writer.flush();
    }
    for (let n = 0; n < BATCH; n++) {
      if (!reader.available()) throw new Error("a message is missing");
      reader.decode();
      const first = reader.bytes[reader.bodyStart];
      if (reader.bodyLength !== body.length || first !== (n & 0xff)) {
        throw new Error("another message");
      }
      reader.advance();
      reader.countRead(1);
    }
  }
}

pass(Number(count) / WARM_UP_SHARE);
const start = performance.now();
pass(Number(count));
const elapsedMs = performance.now() - start;
printLine(`${(elapsedMs * 1e6 / Number(count)).toFixed(2)} [ns/message]`);
