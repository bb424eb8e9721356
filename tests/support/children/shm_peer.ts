// A producer or consumer of a queue in shared memory, told what to do in lines
// of JSON.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { ShmConsumer, ShmProducer } from "../../../src/shm_entry.ts";
import { checkRecord, makeRecord } from "../shm_records.ts";

interface Request {
  id: number;
  op: "create" | "write" | "open" | "read" | "touch" | "spawn" | "close";
  name: string;
  options: Record<string, unknown>;
  from: number;
  count: number;
  /** A file that is opened and closed. */
  path: string;
}

let producer: ShmProducer | null = null;
const consumers: ShmConsumer[] = [];

function write(from: number, count: number): number {
  for (let n = from; n < from + count; n += 1) producer?.write(makeRecord(n));
  return count;
}

/**
 * Reads so many records that follow each other, with each consumer by turns;
 * sequence of the last one.
 */
function read(from: number, count: number): number {
  for (let n = from; n < from + count; n += 1) {
    for (const consumer of consumers) {
      const found = checkRecord(consumer.readSync(10_000));
      if (found !== n) throw new Error(`Record ${found} instead of ${n}`);
    }
  }
  return from + count - 1;
}

/** Opens a file and closes it, in both ways of opening. */
function touch(path: string): void {
  for (const flags of ["r", "r+"]) closeSync(openSync(path, flags));
}

/** A process that outlives this one; its number. */
function spawnSleeper(): number {
  const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  child.unref();
  return child.pid ?? -1;
}

function answer(request: Request): unknown {
  switch (request.op) {
    case "create":
      producer = ShmProducer.create(request.name, request.options);
      return producer.epoch;
    case "write":
      return write(request.from, request.count);
    case "open": {
      const consumer = ShmConsumer.open(request.name, request.options);
      consumers.push(consumer);
      return consumer.epoch;
    }
    case "read":
      return read(request.from, request.count);
    case "touch":
      touch(request.path);
      return null;
    case "spawn":
      return spawnSleeper();
    case "close":
      producer?.close();
      for (const consumer of consumers.splice(0)) consumer.close();
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
