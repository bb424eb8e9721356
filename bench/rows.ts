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
 * Messages per run, here and below, chosen so that a run lasts some seconds: in
 * the first of them the runtimes still compile, which belongs to the start, a
 * row of its own.
 */
const THROUGHPUT_COUNTS: Readonly<Record<number, number>> = {
  16: 24_000_000,
  64: 24_000_000,
  256: 12_000_000,
  1024: 6_000_000,
  4096: 2_000_000,
  65536: 200_000,
  1048576: 10_000,
};
const BY_REFERENCE_COUNT = 4_000_000;
const ROUND_TRIPS = 60_000;
const FANOUT_COUNT = 2_000_000;
const SUBSCRIBERS = 10;
const SUBSCRIPTIONS = 100_000;
const MATCHING_COUNTS = { miss: 10_000_000, hit: 3_000_000 };
const LANES = 8;
const LANE_SIZE = 1024;
const LANE_COUNT = 5_000_000;
const MIB = 1 << 20;
const BURST_MESSAGES = 1024;
/** Room for peers that come at once, below the usual limit of systems. */
const BACKLOG = 4096;

const TINY_MESSAGES = 2_000;
const TINY_BYTES = 4 * MIB;
const TINY_ROUND_TRIPS = 200;
const TINY_SUBSCRIPTIONS = 500;
const TINY_CONNECTIONS = 20;

/** Messages that the npm package passes in a time that compares. */
const NPM_COUNT = 1_500_000;
/** Round trips that it makes before it is taken to hang, however slow it is. */
const NPM_ROUND_TRIPS = 20_000;

/** All rows, in the order of the table. */
export function allRows(tiny: boolean): Row[] {
  const make = new RowMaker(tiny);
  return [
    ...[16, 64, 256, 1024, 4096, 65536, MIB].map((size) =>
      make.throughput("tcp", size)
    ),
    make.throughput("tcp", 16, { idiom: "promise" }),
    make.throughput("tcp", 64, { idiom: "promise" }),
    make.throughput("tcp", 1024, { idiom: "view" }),
    make.throughput("tcp", 65536, { idiom: "message" }),
    make.throughput("tcp", MIB, { idiom: "message" }),
    make.throughput("tcp", 64, { pairing: "to libzmq" }),
    make.throughput("tcp", 64, { pairing: "from libzmq" }),
    make.throughput("tcp", 1024, { pairing: "to libzmq" }),
    make.throughput("tcp", 1024, { pairing: "from libzmq" }),
    make.throughput("ipc", 64),
    make.throughput("inproc", 64),
    make.throughput("inproc", 1024),
    make.throughput("inproc", MIB, { idiom: "message" }),
    make.latency("tcp"),
    make.latency("tcp", { idiom: "promise" }),
    make.latency("tcp", { pairing: "to libzmq" }),
    make.latency("tcp", { pairing: "from libzmq" }),
    make.latency("ipc"),
    make.latency("inproc"),
    make.fanout(),
    make.matching("miss"),
    make.matching("hit"),
    ...[1, 2, 4].map((workers) => make.lanes(workers)),
    ...[100, 1_000, 4_000, 10_000].map((count) => make.connections(count)),
    make.burst(),
    make.throughput("tcp", 64, { rival: "npm" }),
    make.throughput("tcp", 64, { rival: "npm", idiom: "promise" }),
    make.latency("tcp", { rival: "npm", idiom: "promise" }),
  ];
}

type Variant = Partial<Pick<Row, "idiom" | "pairing" | "rival">>;

const PLAIN = {
  transport: "tcp",
  rival: "libzmq",
  idiom: "sync",
  pairing: "alike",
  connections: 0,
  remoteHolds: false,
  at: 0,
} as const;

class RowMaker {
  readonly #tiny: boolean;

  constructor(tiny: boolean) {
    this.#tiny = tiny;
  }

  #count(full: number, tiny: number = TINY_MESSAGES): number {
    return this.#tiny ? Math.min(full, tiny) : full;
  }

  throughput(
    transport: Row["transport"],
    size: number,
    variant: Variant = {},
  ): Row {
    const byReference = variant.idiom === "message" && transport === "inproc";
    const full = byReference
      ? BY_REFERENCE_COUNT
      : THROUGHPUT_COUNTS[size] ?? TINY_MESSAGES;
    const most = Math.min(TINY_MESSAGES, Math.max(8, TINY_BYTES / size));
    const args = (count: number): string[] => [
      String(size),
      String(this.#count(count, most)),
    ];
    const inproc = transport === "inproc";
    return {
      ...PLAIN,
      ...variant,
      name: rowName(`${transport}_thr_${size}`, variant),
      title: rowTitle(`${transport}, ${formatSize(size)}`, variant),
      figures: THROUGHPUT_FIGURES,
      transport,
      local: inproc ? "inproc_thr" : "local_thr",
      remote: inproc ? null : "remote_thr",
      args: args(full),
      rivalArgs: args(variant.rival === "npm" ? NPM_COUNT : full),
      at: size,
    };
  }

  latency(transport: Row["transport"], variant: Variant = {}): Row {
    const inproc = transport === "inproc";
    const full = variant.rival === "npm" ? NPM_ROUND_TRIPS : ROUND_TRIPS;
    return {
      ...PLAIN,
      ...variant,
      name: rowName(`${transport}_lat_1`, variant),
      title: rowTitle(`${transport}, 1 B, one way`, variant),
      figures: LATENCY_FIGURES,
      transport,
      local: inproc ? "inproc_lat" : "local_lat",
      remote: inproc ? null : "remote_lat",
      args: ["1", String(this.#count(full, TINY_ROUND_TRIPS))],
    };
  }

  fanout(): Row {
    const count = this.#count(FANOUT_COUNT);
    return {
      ...PLAIN,
      name: "pub_sub_10",
      title: `XPUB to ${SUBSCRIBERS} SUB, 64 B, all subscribed, deliveries`,
      figures: THROUGHPUT_FIGURES,
      local: "fanout bind",
      remote: "fanout connect",
      args: ["64", String(count), String(SUBSCRIBERS)],
    };
  }

  matching(which: "hit" | "miss"): Row {
    const subscriptions = this.#count(SUBSCRIPTIONS, TINY_SUBSCRIPTIONS);
    const count = this.#count(MATCHING_COUNTS[which]);
    const what = which === "miss"
      ? "a topic that nobody has: matching"
      : "a topic that one has: matching and delivery";
    return {
      ...PLAIN,
      name: `pub_match_${which}`,
      title: `XPUB, ${formatNumber(SUBSCRIPTIONS)} subscriptions, ${what}`,
      figures: MATCHING_FIGURES,
      local: "matching bind",
      remote: "matching connect",
      args: [String(subscriptions), String(count), which],
    };
  }

  lanes(workers: number): Row {
    const count = this.#count(LANE_COUNT);
    return {
      ...PLAIN,
      name: `tcp_workers_${workers}`,
      title: `tcp, ${formatSize(LANE_SIZE)}, ${LANES} connections, ` +
        `${workers} I/O worker${workers > 1 ? "s" : ""} at each end`,
      figures: THROUGHPUT_FIGURES,
      local: "lanes bind",
      remote: "lanes connect",
      args: [LANE_SIZE, count, LANES, workers].map(String),
      at: workers,
    };
  }

  connections(full: number): Row {
    const count = this.#count(full, TINY_CONNECTIONS);
    return {
      ...PLAIN,
      name: `connections_${full}`,
      title: `${formatNumber(full)} connections`,
      figures: CONNECTION_FIGURES,
      local: "connections bind",
      remote: "connections connect",
      args: [String(count), String(BACKLOG)],
      connections: count,
      remoteHolds: true,
      at: full,
    };
  }

  burst(): Row {
    const count = this.#count(BURST_MESSAGES, 8);
    return {
      ...PLAIN,
      name: "burst_1_gib",
      title: "burst of 1 GiB",
      figures: BURST_FIGURES,
      local: "burst bind",
      remote: "remote_thr",
      args: [String(MIB), String(count)],
    };
  }
}

function rowName(base: string, variant: Variant): string {
  const words = [base];
  const { idiom = "sync", pairing = "alike", rival = "libzmq" } = variant;
  if (idiom !== "sync") words.push(idiom);
  if (pairing !== "alike") words.push(pairing.replace(" ", "_"));
  if (rival === "npm") words.unshift("npm");
  return words.join("_");
}

const IDIOM_TITLES: Readonly<Record<Idiom, string>> = {
  sync: "",
  promise: ", `await send` and `for await`",
  view: ", received as `Message`",
  message: ", `Message` by reference",
};

function rowTitle(base: string, variant: Variant): string {
  const { idiom = "sync", pairing = "alike" } = variant;
  const whom = pairing === "alike" ? "" : `, ${pairing}`;
  return base + IDIOM_TITLES[idiom] + whom;
}

/** A size of messages. */
export function formatSize(bytes: number): string {
  if (bytes >= MIB) return `${bytes / MIB} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function formatNumber(value: number): string {
  return value.toLocaleString("en-US");
}
