// What `deno task bench` measures: one entry per row of its table.

import type { Idiom } from "./perf_arguments.ts";

/** Who talks to whom: both ends alike, or one of them always libzmq. */
export type Pairing = "alike" | "to libzmq" | "from libzmq";

/** One row: a measurement made by every contestant. */
export interface Row {
  readonly name: string;
  readonly kind: "throughput" | "latency";
  readonly transport: "tcp" | "ipc" | "inproc";
  readonly size: number;
  readonly count: number;
  readonly idiom: Idiom;
  readonly pairing: Pairing;
}

/**
 * Messages per run, chosen so that a run lasts some seconds: in the first one
 * the runtimes still compile, which belongs to the start, a row of its own.
 */
const THROUGHPUT_COUNTS: Readonly<Record<number, number>> = {
  16: 16_000_000,
  64: 16_000_000,
  1024: 3_000_000,
  4096: 1_000_000,
  65536: 30_000,
};
const ROUND_TRIPS = 20_000;

const TINY_MESSAGES = 2_000;
const TINY_ROUND_TRIPS = 200;

/** All rows, in the order of the table. */
export function allRows(tiny: boolean): Row[] {
  return [
    ...[16, 64, 1024, 4096, 65536].map((size) => throughput("tcp", size)),
    throughput("tcp", 16, "promise"),
    throughput("tcp", 64, "promise"),
    throughput("tcp", 1024, "view"),
    throughput("tcp", 64, "sync", "to libzmq"),
    throughput("tcp", 64, "sync", "from libzmq"),
    throughput("tcp", 1024, "sync", "to libzmq"),
    throughput("tcp", 1024, "sync", "from libzmq"),
    throughput("ipc", 64),
    throughput("inproc", 64),
    throughput("inproc", 1024),
    latency("tcp", 1),
    latency("tcp", 1, "promise"),
    latency("tcp", 1, "sync", "to libzmq"),
    latency("tcp", 1, "sync", "from libzmq"),
    latency("ipc", 1),
    latency("inproc", 1),
  ].map((row) => tiny ? shrink(row) : row);
}

function throughput(
  transport: Row["transport"],
  size: number,
  idiom: Idiom = "sync",
  pairing: Pairing = "alike",
): Row {
  const name = rowName(`${transport}_thr_${size}`, idiom, pairing);
  const count = THROUGHPUT_COUNTS[size] ?? TINY_MESSAGES;
  return { name, kind: "throughput", transport, size, count, idiom, pairing };
}

function latency(
  transport: Row["transport"],
  size: number,
  idiom: Idiom = "sync",
  pairing: Pairing = "alike",
): Row {
  const name = rowName(`${transport}_lat_${size}`, idiom, pairing);
  const count = ROUND_TRIPS;
  return { name, kind: "latency", transport, size, count, idiom, pairing };
}

function rowName(base: string, idiom: Idiom, pairing: Pairing): string {
  const words = [base];
  if (idiom !== "sync") words.push(idiom);
  if (pairing !== "alike") words.push(pairing.replace(" ", "_"));
  return words.join("_");
}

function shrink(row: Row): Row {
  const limit = row.kind === "latency" ? TINY_ROUND_TRIPS : TINY_MESSAGES;
  return { ...row, count: Math.min(row.count, limit) };
}
