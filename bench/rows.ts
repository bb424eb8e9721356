// What `deno task bench` measures: one entry per row of its table.

import {
  BURST_FIGURES,
  CONNECTION_FIGURES,
  type Figure,
  LATENCY_FIGURES,
  MATCHING_FIGURES,
  THROUGHPUT_FIGURES,
} from "./figures.ts";
import type { Idiom } from "./perf_arguments.ts";

/** Who talks to whom: both ends alike, or one of them always libzmq. */
export type Pairing = "alike" | "to libzmq" | "from libzmq";

/** Whom a row compares this library with. */
export type Rival = "libzmq" | "npm";

/** One row: runs made by every contestant, and the figures that they give. */
export interface Row {
  readonly name: string;
  /** What it is, for people. */
  readonly title: string;
  readonly rival: Rival;
  readonly figures: readonly Figure[];
  readonly transport: "tcp" | "ipc" | "inproc";
  /** The program at the binding end, or of both ends where it has threads. */
  readonly local: string;
  /** The program at the connecting end; null where the first has both. */
  readonly remote: string | null;
  /** What goes between the endpoint and the flags, for this library. */
  readonly args: readonly string[];
  /** The same for the rival, where it has to differ. */
  readonly rivalArgs?: readonly string[];
  readonly idiom: Idiom;
  readonly pairing: Pairing;
  /** Connections that each process must have descriptors for. */
  readonly connections: number;
  /** The connecting end goes on until it is ended. */
  readonly remoteHolds: boolean;
  /** Where the row stands in a plot. */
  readonly at: number;
}

/**
 * Messages per run, chosen so that a run lasts some seconds: in the first one
 * the runtimes still compile, which belongs to the start, a row of its own.
 */
const THROUGHPUT_COUNTS: Readonly<Record<number, number>> = {
  16: 12_000_000,
  64: 12_000_000,
  256: 6_000_000,
  1024: 3_000_000,
  4096: 1_000_000,
  65536: 200_000,
  1048576: 10_000,
};
const BY_REFERENCE_COUNT = 1_000_000;
const ROUND_TRIPS = 40_000;
