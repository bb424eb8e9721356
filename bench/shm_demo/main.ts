// `deno task demo:shm [SECONDS]`: one producer and four consumers of a queue in
// shared memory, in both runtimes. One consumer is slow, one joins late, and the
// producer is killed and replaced. At the end everybody's account is checked.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { formatCount } from "../demo/progress.ts";
import { findRuntime } from "../runtimes.ts";
import { Member } from "./member.ts";
import type { ConsumerStatus, ProducerStatus } from "./protocol.ts";
import { LiveTable } from "./table.ts";

const SECONDS = 12;
const RECORDS_PER_SECOND = 20_000;
/** The slow one does so long nothing after each record, ms. */
const SLOW_WORK_MS = 2;
const SHOW_INTERVAL_MS = 200;
/** Nobody takes longer to begin, or to end when told to. */
const PATIENCE_MS = 20_000;

type Producer = Member<ProducerStatus>;
type Consumer = Member<ConsumerStatus>;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

class Demo {
  readonly #name = `demo-${process.pid}`;
  readonly #runtimes = { deno: findRuntime("deno"), bun: findRuntime("bun") };
  readonly #table = new LiveTable();
  readonly #all: (Producer | Consumer)[] = [];
  readonly consumers: Consumer[] = [];
  producer: Producer;
  event = "";

  constructor() {
    this.producer = this.#produce("deno");
  }

  #produce(runtime: "deno" | "bun"): Producer {
    const producer: Producer = new Member(
      "producer",
      this.#runtimes[runtime],
      "./producer.ts",
      [this.#name, String(RECORDS_PER_SECOND)],
    );
    this.#all.push(producer);
    return producer;
  }

  replaceProducer(): void {
    this.producer = this.#produce("bun");
  }

  consume(title: string, runtime: "deno" | "bun", late = false, ms = 0): void {
    const consumer: Consumer = new Member(
      title,
      this.#runtimes[runtime],
      "./consumer.ts",
      [this.#name, late ? "newest" : "oldest", String(ms)],
    );
    this.consumers.push(consumer);
    this.#all.push(consumer);
  }

  /** Shows the table for so long. */
  async watch(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      this.show();
      await sleep(
        Math.min(SHOW_INTERVAL_MS, Math.max(1, endMs - performance.now())),
      );
    }
  }

  show(): void {
    this.#table.show(this.producer, this.consumers, this.event);
  }

  /** Shows the table until something holds. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > deadline) {
        throw new Error(`Not within ${PATIENCE_MS / 1000} s: ${what}`);
      }
      await this.watch(20);
    }
  }

  killAll(): void {
    for (const member of this.#all) member.kill();
  }
}

/** Runs the whole story; what the last producer wrote, and all consumers. */
async function run(demo: Demo, seconds: number): Promise<number> {
  const partMs = seconds * 1000 / 4;
  demo.consume("consumer 1", "deno");
  demo.consume("consumer 2", "bun");
  demo.consume("slow", "bun", false, SLOW_WORK_MS);
  demo.event = "one producer, three consumers, one of them slow";
  await demo.until(
    () => demo.consumers.every(({ status }) => status !== null),
    "all consumers have read something",
  );
  await demo.watch(partMs);
  demo.consume("late", "deno", true);
  demo.event = "another consumer joins late";
  await demo.until(
    () => demo.consumers.every(({ status }) => status !== null),
    "the late consumer has read something",
  );
  await demo.watch(partMs);
  demo.producer.kill();
  demo.event = "the producer was killed; consumers wait for the next one";
  await demo.producer.ended;
  await demo.watch(partMs / 2);
  demo.replaceProducer();
  demo.event = "another producer has taken its place";
  await demo.until(
    () => demo.consumers.every(({ status }) => status?.epochs.length === 2),
    "all consumers have followed to the next producer",
  );
  await demo.watch(partMs);
  demo.event = "the last record is written";
  demo.producer.finish();
  await demo.until(
    () => demo.consumers.every(({ status }) => status?.ended === true),
    "all consumers have read the last record",
  );
  demo.show();
  const codes = await Promise.all(
    [demo.producer, ...demo.consumers].map(({ ended }) => ended),
  );
  if (codes.some((code) => code !== 0)) throw new Error("a process has failed");
  return demo.producer.status?.written ?? 0;
}

/** What is wrong with the accounts; empty when all is well. */
function faults(consumers: readonly Consumer[], written: number): string[] {
  const found: string[] = [];
  const lasts = consumers.map(({ status }) => status?.epochs[0]?.last);
  if (new Set(lasts).size !== 1) {
    found.push(`the killed producer's last record was ${lasts.join(", ")}`);
  }
  for (const { title, status } of consumers) {
    const { read = 0, lost = 0, epochs = [] } = status ?? {};
    const there = epochs.reduce(
      (sum, { begin, last }) => sum + last - begin + 1,
      0,
    );
    if (read + lost !== there) {
      found.push(`${title}: ${read} read and ${lost} lost of ${there}`);
    }
    if (epochs.at(-1)?.last !== written - 1) {
      found.push(`${title} ended at ${epochs.at(-1)?.last} of ${written}`);
    }
    if (title.startsWith("slow") && lost === 0) {
      found.push(`${title} lost nothing, so nothing is shown of losses`);
    }
  }
  return found;
}

function printAccounts(consumers: readonly Consumer[], written: number): void {
  print("");
  for (const { title, status } of consumers) {
    const { read = 0, lost = 0, epochs = [] } = status ?? {};
    const from = epochs[0]?.begin ?? 0;
    print(
      `${title.padEnd(18)} from record ${formatCount(from)} on: ` +
        `${formatCount(read)} read and whole, ${formatCount(lost)} lost`,
    );
  }
  const last = consumers[0]?.status?.epochs[0]?.last ?? 0;
  print(
    `The first producer was killed after its record ${formatCount(last)}, ` +
      `the second one wrote ${formatCount(written)}.`,
  );
}

async function main(argv: readonly string[]): Promise<boolean> {
  const seconds = argv[0] === undefined ? SECONDS : Number(argv[0]);
  if (argv.length > 1 || !(seconds >= 1 && seconds <= 3600)) {
    print("usage: deno task demo:shm [SECONDS]   (1 to 3600; 12 if not given)");
    return argv[0] === "--help" || argv[0] === "-h";
  }
  const demo = new Demo();
  try {
    const written = await run(demo, seconds);
    printAccounts(demo.consumers, written);
    const wrong = faults(demo.consumers, written);
    for (const fault of wrong) print(`WRONG: ${fault}`);
    if (wrong.length === 0) print("Every record is accounted for.");
    return wrong.length === 0;
  } catch (error) {
    for (const { title, report } of [demo.producer, ...demo.consumers]) {
      if (report !== "") print(`${title}: ${report}`);
    }
    throw error;
  } finally {
    demo.killAll();
  }
}

try {
  if (!await main(process.argv.slice(2))) process.exitCode = 1;
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo:shm: ${reason}\n`);
  process.exitCode = 1;
}
