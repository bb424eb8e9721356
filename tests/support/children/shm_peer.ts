// A producer or consumer of a queue in shared memory, told what to do in lines
// of JSON.
import process from "node:process";
import { createInterface } from "node:readline";
import { ShmConsumer, ShmProducer } from "../../../src/shm_entry.ts";
import { checkRecord, makeRecord } from "../shm_records.ts";

interface Request {
  id: number;
  op: "create" | "write" | "open" | "read" | "close";
  name: string;
  options: Record<string, unknown>;
  from: number;
  count: number;
}

let producer: ShmProducer | null = null;
let consumer: ShmConsumer | null = null;

function write(from: number, count: number): number {
  for (let n = from; n < from + count; n += 1) producer?.write(makeRecord(n));
  return count;
}

/** Reads so many records that follow each other; sequence of the last one. */
function read(from: number, count: number): number {
  for (let n = from; n < from + count; n += 1) {
    const found = checkRecord((consumer as ShmConsumer).readSync(10_000));
    if (found !== n) throw new Error(`Record ${found} instead of ${n}`);
  }
  return from + count - 1;
}

function answer(request: Request): unknown {
  switch (request.op) {
    case "create":
      producer = ShmProducer.create(request.name, request.options);
      return producer.epoch;
    case "write":
      return write(request.from, request.count);
    case "open":
      consumer = ShmConsumer.open(request.name, request.options);
      return consumer.epoch;
    case "read":
      return read(request.from, request.count);
    case "close":
      producer?.close();
      consumer?.close();
      return null;
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line) as Request;
  const { id } = request;
  let reply: object;
  try {
    reply = { id, value: answer(request) };
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    reply = { id, error: { code, message } };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
});
