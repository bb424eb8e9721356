// libzmq: none · runs on: any · RFC: –

import {
  FILE_BYTES_MAX,
  geometryOf,
  ROWS_MAX,
  SLOTS_MAX,
  Waiting,
} from "./layout.ts";
import { fromBigInt, POSITION_MAX } from "./position.ts";
import type { QueuePlan } from "./queue_file.ts";
import { ShmError } from "./shm_error.ts";

/** How consumers of a queue sleep. */
export type WaitingKind = "futex" | "record-lock";

/** That consumers may hold the producer back, and for how long. */
export interface HoldBackOptions {
  /**
   * How long a write waits for the slowest consumer before that one is let go,
   * in milliseconds from 0 to 2^31 − 1; 1000 unless given.
   */
  readonly limitMs?: number;
  /** How many consumers there can be, from 1 to 1024; 64 unless given. */
  readonly consumers?: number;
}

/** What {@linkcode ShmProducer.create} may be told. */
export interface ShmProducerOptions {
  /** Slots in the ring: a power of two up to 2^22; 1024 unless given. */
  readonly slots?: number;
  /**
   * Bytes of a slot, from 1 on, rounded up to a multiple of 8; 1024 unless
   * given. Larger records take several slots, and all slots together must stay
   * below 2 GiB.
   */
  readonly slotSize?: number;
  /** Where the queue's files are; "/dev/shm" unless given. */
  readonly directory?: string;
  /**
   * How consumers sleep: by futexes, or by record locks on a file, which are
   * slower for the producer. "futex" unless given.
   *
   * Waiting for record locks takes a signal to end a wait early: in a consumer
   * that waits, the first of the signals 62, 61, 60 and 59 (SIGRTMAX − 2 and
   * before) that the program neither handles nor ignores is given a handler
   * that does nothing. It shows in SigCgt of /proc/PID/status, and debuggers
   * stop at it; where all four are taken, waiting fails with EBUSY.
   */
  readonly waiting?: WaitingKind;
  /**
   * Makes `write` wait for consumers instead of overwriting what they have not
   * read. Without it, slow consumers lose the oldest records.
   */
  readonly holdBack?: HoldBackOptions | boolean;
  /** The first record's number, below 2^56; 0 unless given. */
  readonly firstSequence?: bigint;
}

const DEFAULT_LIMIT_MS = 1000;
const DEFAULT_CONSUMERS = 64;
const LIMIT_MS_MAX = 2 ** 31 - 1;

/** What a producer's options come to. */
export function planOf(name: string, options: ShmProducerOptions): QueuePlan {
  const { slots = 1024, slotSize = 1024, waiting = "futex" } = options;
  const isPower = Number.isInteger(slots) && slots >= 1 &&
    slots <= SLOTS_MAX && (slots & (slots - 1)) === 0;
  if (!isPower) {
    const range = `a power of two from 1 to ${SLOTS_MAX}`;
    throw new ShmError("EINVAL", name, `slots must be ${range}, not ${slots}`);
  }
  if (!Number.isInteger(slotSize) || slotSize < 1) {
    const what = `slotSize must be a whole number of bytes from 1 on`;
    throw new ShmError("EINVAL", name, `${what}, not ${slotSize}`);
  }
  if (waiting !== "futex" && waiting !== "record-lock") {
    throw new ShmError("EINVAL", name, `no such way of waiting: ${waiting}`);
  }
  const { limitMs, consumers } = holdBackOf(name, options.holdBack);
  const first = options.firstSequence ?? 0n;
  if (typeof first !== "bigint" || first < 0n || first > POSITION_MAX) {
    throw new ShmError("EINVAL", name, "firstSequence is not below 2^56");
  }
  const geometry = geometryOf(slots, slotSize, consumers);
  if (geometry.fileBytes > FILE_BYTES_MAX) {
    throw new ShmError(
      "EINVAL",
      name,
      `${slots} slots of ${slotSize} bytes are more than 2 GiB`,
    );
  }
  return {
    geometry,
    waiting: waiting === "futex" ? Waiting.FUTEX : Waiting.RECORD_LOCK,
    holdBackMs: limitMs,
    first: fromBigInt(first),
  };
}

function holdBackOf(
  name: string,
  option: HoldBackOptions | boolean | undefined,
): { limitMs: number; consumers: number } {
  if (option === undefined || option === false) {
    return { limitMs: -1, consumers: 0 };
  }
  const { limitMs = DEFAULT_LIMIT_MS, consumers = DEFAULT_CONSUMERS } =
    option === true ? {} : option;
  const isLimit = Number.isInteger(limitMs) && limitMs >= 0 &&
    limitMs <= LIMIT_MS_MAX;
  if (!isLimit) {
    throw new ShmError("EINVAL", name, `no time limit in ms: ${limitMs}`);
  }
  const isCount = Number.isInteger(consumers) && consumers >= 1 &&
    consumers <= ROWS_MAX;
  if (!isCount) {
    const range = `a whole number from 1 to ${ROWS_MAX}`;
    throw new ShmError("EINVAL", name, `consumers must be ${range}`);
  }
  return { limitMs, consumers };
}
