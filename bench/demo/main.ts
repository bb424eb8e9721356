// `deno task demo [PATH]`: counts the words of the text files under PATH with
// processes that talk through purezmq, and checks the result against a plain
// count. protocol.ts has the picture.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntime, type Runtime, type RuntimeName } from "../runtimes.ts";
import { plainCount } from "./plain_count.ts";
import { formatBytes, formatCount, Progress } from "./progress.ts";
import { Programs } from "./programs.ts";
import { endpointArguments, type SinkStatus } from "./protocol.ts";
import { changedFiles, findTextFiles, type TextFiles } from "./text_files.ts";
import { type Handed, Ventilator } from "./ventilator.ts";
import {
  commonest,
  differingWords,
  mergeEncoded,
  totalWords,
  type WordCounts,
} from "./words.ts";

const COUNTERS: readonly RuntimeName[] = ["deno", "bun", "deno", "bun"];
const WORDS_SHOWN = 20;
const STOP_TIMEOUT_MS = 15_000;

/** What the processes have found, and how. */
interface Outcome {
  readonly counts: WordCounts;
  readonly handed: Handed;
  readonly status: SinkStatus;
  readonly elapsedMs: number;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Starts the processes, lets them count, and stops them. */
async function countTogether(
  found: TextFiles,
  runtimes: Readonly<Record<RuntimeName, Runtime>>,
  statusEndpoint: string,
): Promise<Outcome> {
  await using programs = new Programs();
  await using ventilator = new Ventilator(statusEndpoint);
  const { controlEndpoint: control, linesEndpoint: lines } = ventilator;
  const start = (name: string, runtime: RuntimeName, file: string): void => {
    const told = { name, status: statusEndpoint, control, lines };
    programs.start(name, runtimes[runtime], file, endpointArguments(told));
  };
  start("sink", "deno", "./sink.ts");
  COUNTERS.forEach((runtime, index) => {
    start(`counter ${index + 1}`, runtime, "./counter.ts");
  });

  const progress = new Progress();
  let status: SinkStatus | undefined;
  const work = async (): Promise<Outcome> => {
    await ventilator.gather(COUNTERS.length);
    const startMs = performance.now();
    await Promise.all([
      ventilator.handOut(found.files),
      ventilator.follow((now) => {
        status = now;
        progress.show(progressLine(found, ventilator.handed, now, startMs));
      }),
    ]);
    const elapsedMs = performance.now() - startMs;
    const counts: WordCounts = new Map();
    mergeEncoded(await ventilator.result(), counts);
    programs.dismiss();
    await ventilator.stop();
    await programs.ended(STOP_TIMEOUT_MS);
    if (status === undefined) throw new Error("The sink has said nothing");
    return { counts, handed: ventilator.handed, status, elapsedMs };
  };
  try {
    return await Promise.race([programs.failure, work()]);
  } finally {
    progress.clear();
  }
}

function progressLine(
  found: TextFiles,
  handed: Handed,
  status: SinkStatus,
  startMs: number,
): string {
  const share = found.sizeBytes === 0 ? 1 : handed.bytes / found.sizeBytes;
  const percent = Math.min(100, Math.round(100 * share));
  const seconds = Math.max(performance.now() - startMs, 1) / 1000;
  const messages = handed.batches + status.merged;
  return `${percent} % · ${formatBytes(handed.bytes)} handed out · ` +
    `${formatCount(status.merged)} of ${formatCount(handed.batches)} ` +
    `batches counted · ${formatCount(messages / seconds)} messages/s`;
}

function printOutcome({ counts, handed, status, elapsedMs }: Outcome): void {
  print(`The ${WORDS_SHOWN} commonest words`);
  commonest(counts, WORDS_SHOWN).forEach(([word, count], index) => {
    const rank = String(index + 1).padStart(4);
    print(`${rank}  ${word.padEnd(24)} ${formatCount(count).padStart(12)}`);
  });
  // Every batch is one message to a counter and one from there to the sink.
  const messages = handed.batches + status.merged;
  const bytes = handed.bytes + status.bytes;
  const seconds = Math.max(elapsedMs, 1) / 1000;
  print("");
  for (const [counter, batches] of Object.entries(status.byCounter).sort()) {
    print(`${counter.padEnd(12)} ${formatCount(batches)} batches`);
  }
  print(
    `messages     ${formatCount(messages)} ` +
      `(${formatCount(handed.batches)} of lines, ${
        formatCount(status.merged)
      } of counts)`,
  );
  print(
    `bytes        ${formatBytes(bytes)} ` +
      `(${formatBytes(handed.bytes)} of lines, ${
        formatBytes(status.bytes)
      } of counts)`,
  );
  print(
    `rate         ${formatCount(messages / seconds)} messages/s, ` +
      `${formatBytes(bytes / seconds)}/s, ${seconds.toFixed(2)} s`,
  );
}

/** Compares with the plain count; says what is wrong when they differ. */
async function check(found: TextFiles, counts: WordCounts): Promise<boolean> {
  const startMs = performance.now();
  const plain = await plainCount(found.files);
  const seconds = (performance.now() - startMs) / 1000;
  print(
    `plain count  ${formatCount(totalWords(plain))} words, ` +
      `${formatCount(plain.size)} different, ${seconds.toFixed(2)} s`,
  );
  const differing = differingWords(counts, plain);
  if (differing.length === 0) {
    print("The totals agree.");
    return true;
  }
  print(
    `The totals DIFFER: the processes counted ${
      formatCount(totalWords(counts))
    } words, and ${
      formatCount(differing.length)
    } counts are not the same, as of ` +
      differing.slice(0, 5).join(", "),
  );
  const changed = changedFiles(found.files);
  if (changed.length > 0) {
    print(
      `Files have changed meanwhile: ${
        changed.slice(0, 5).map((path) => JSON.stringify(path)).join(", ")
      }`,
    );
  }
  return false;
}

async function main(argv: readonly string[]): Promise<boolean> {
  if (argv.length > 1 || argv[0]?.startsWith("-")) {
    print("usage: deno task demo [PATH]");
    print("Counts the words of the text files under PATH (this repository).");
    return argv[0] === "--help" || argv[0] === "-h";
  }
  // A task runs in the folder of its configuration; INIT_CWD is the caller's.
  const path = argv[0] === undefined
    ? fileURLToPath(new URL("../..", import.meta.url))
    : resolve(process.env["INIT_CWD"] ?? ".", argv[0]);
  const found = findTextFiles(path);
  const runtimes = { deno: findRuntime("deno"), bun: findRuntime("bun") };
  print(
    `Counting the words of ${formatCount(found.files.length)} text files ` +
      `(${formatBytes(found.sizeBytes)}) with ${COUNTERS.length} processes ` +
      `in Deno ${runtimes.deno.version} and Bun ${runtimes.bun.version}`,
  );
  if (found.unreadable > 0) {
    print(`${formatCount(found.unreadable)} files could not be opened`);
  }
  const directory = mkdtempSync(join(tmpdir(), "purezmq-demo-"));
  try {
    const endpoint = `ipc://${join(directory, "status")}`;
    const outcome = await countTogether(found, runtimes, endpoint);
    printOutcome(outcome);
    return await check(found, outcome.counts);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  if (!await main(process.argv.slice(2))) process.exitCode = 1;
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo: ${reason}\n`);
  process.exitCode = 1;
}
