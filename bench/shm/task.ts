// What the measuring programs of the shared-memory queue are asked for, the
// records that they write and the lines that they print; bench/shm/task.h has
// the same for those in C.

import process from "node:process";
import { monotonicMs } from "../../ffi/mod.ts";
import { printLine } from "../perf_arguments.ts";
import { checkStamp, numberOf, stamp } from "../sequence.ts";

/** The number of the last record. */
export const END = 0x7fffffff;
/** Consumers that the ring has room for. */
export const RING_CONSUMERS = 16;
/** No ring for small records is larger, so that it stays in a core's cache. */
const RING_BYTES_MAX = 256 << 10;
/**
 * Slots of the ring: libzmq holds as many messages, by its high-water marks, at
 * both ends of each subscriber.
 */
const RING_SLOTS_MIN = 1024;
/** Between records whose latency is measured, and before them, ms. */
const INTERVAL_MS = 2;
const WARM_UP_INTERVAL_MS = 0.05;
/** The part of a run that comes before what is measured. */
const WARM_UP = 0.3;
/** Records between looks at the clock. */
const CLOCK_RECORDS = 256;
/** Where the time is in a record whose latency is measured, ms. */
const TIME_AT = 8;

/** What a program is asked to do. */
export interface Task {
  /** The queue's name. */
  readonly address: string;
  readonly measuresLatency: boolean;
  readonly size: number;
  readonly ms: number;
  readonly consumers: number;
  readonly inPlace: boolean;
  readonly waiting: "futex" | "record-lock";
}

/** Reads the arguments of this process, and leaves it when they are wrong. */
export function taskOfArguments(): Task {
  const [address, kind, size, ms, consumers, idiom, waiting] = process.argv
    .slice(2);
  const task: Task = {
    address: address ?? "",
    measuresLatency: kind === "latency",
    size: Number(size),
    ms: Number(ms),
    consumers: Number(consumers),
    inPlace: idiom === "in-place",
    waiting: waiting === "record-lock" ? waiting : "futex",
  };
  if (task.size >= TIME_AT + 8 && task.ms > 0 && task.consumers > 0) {
    return task;
  }
  printLine(
    "arguments: <name> rate|latency <size> <ms> <consumers> " +
      "in-place|copied [record-lock]",
  );
  process.exit(2);
}

/** Slots of a ring for records of this size, which take one each. */
export function ringSlots(size: number): number {
  let slots = RING_SLOTS_MIN;
  while (slots * 2 * size <= RING_BYTES_MAX) slots *= 2;
  return slots;
}

/** Sleeps without a turn of the event loop. */
export function pause(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

// One reading or writing of a time; bytes, since a record need not be aligned.
const time = new Float64Array(1);
const timeBytes = new Uint8Array(time.buffer);

/** When the producer writes what. */
export class Schedule {
  readonly #task: Task;
  readonly #warmMs: number;
  readonly #endMs: number;
  #next = 0;
  #isWarm = false;

  constructor(task: Task) {
    const startMs = monotonicMs();
    this.#task = task;
    this.#warmMs = startMs + task.ms * WARM_UP;
    this.#endMs = startMs + task.ms;
  }

  /** How many records there were, without the last one. */
  get count(): number {
    return this.#next;
  }

  /** The number of the next record; `END` as the last one. */
  next(): number {
    const slow = this.#task.measuresLatency;
    if (slow) pause(this.#isWarm ? INTERVAL_MS : WARM_UP_INTERVAL_MS);
    if (slow || this.#next % CLOCK_RECORDS === 0) {
      const now = monotonicMs();
      if (now >= this.#endMs) return END;
      this.#isWarm = now >= this.#warmMs;
    }
    return this.#next++;
  }

  /** Writes a record's content. */
  fill(bytes: Uint8Array, number: number): void {
    if (!this.#task.measuresLatency) return stamp(bytes, number);
    bytes[0] = number;
    bytes[1] = number >>> 8;
    bytes[2] = number >>> 16;
    bytes[3] = number >>> 24;
    bytes[bytes.length - 1] = number;
    time[0] = monotonicMs();
    bytes.set(timeBytes, TIME_AT);
  }
}

/** What a consumer counts. */
export class Tally {
  readonly #task: Task;
  readonly #samples: Float64Array;
  #sampled = 0;
  #received = 0;
  #firstMs = 0;
  #startMs = 0;
  #startAt = 0;

  constructor(task: Task) {
    this.#task = task;
    this.#samples = new Float64Array(Math.ceil(task.ms / INTERVAL_MS) + 1);
  }

  /** Checks a record and counts it; false when it was the last one. */
  take(bytes: Uint8Array): boolean {
    const { size, measuresLatency } = this.#task;
    if (bytes.length !== size) {
      throw new Error(`Expected ${size} bytes: received ${bytes.length}`);
    }
    if (numberOf(bytes) === END) return false;
    if (measuresLatency) this.#sample(bytes);
    else {
      checkStamp(bytes, this.#received);
      const looks = this.#received % CLOCK_RECORDS === 0;
      if (looks && this.#startMs === 0) this.#look();
    }
    this.#received++;
    return true;
  }

  #sample(bytes: Uint8Array): void {
    const number = this.#received;
    const now = monotonicMs();
    for (let at = 0; at < timeBytes.length; at++) {
      timeBytes[at] = bytes[TIME_AT + at] as number;
    }
    const sentMs = time[0] as number;
    if (number === 0) this.#firstMs = sentMs;
    else if (sentMs - this.#firstMs > this.#task.ms * WARM_UP) {
      this.#samples[this.#sampled++] = now - sentMs;
    }
    const last = bytes[bytes.length - 1];
    if (numberOf(bytes) !== number || last !== (number & 0xff)) {
      throw new Error(`Expected record ${number}: got ${numberOf(bytes)}`);
    }
  }

  #look(): void {
    const now = monotonicMs();
    if (this.#received === 0) this.#firstMs = now;
    else if (now - this.#firstMs > this.#task.ms * WARM_UP) {
      this.#startMs = now;
      this.#startAt = this.#received;
    }
  }

  /** Prints what was measured. */
  print(): void {
    const endMs = monotonicMs();
    const count = this.#received;
    printLine(`received: ${count} [records]`);
    if (!this.#task.measuresLatency) {
      const rate = (count - this.#startAt) / (endMs - this.#startMs) * 1000;
      printLine(`rate: ${Math.round(rate)} [records/s]`);
      return;
    }
    const samples = this.#samples.slice(0, this.#sampled).sort();
    const at = (part: number): string =>
      ((samples[Math.trunc(samples.length * part)] ?? NaN) * 1000).toFixed(3);
    printLine(`latency p50: ${at(0.5)} [us]`);
    printLine(`latency p99: ${at(0.99)} [us]`);
  }
}
