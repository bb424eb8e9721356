// deno-lint-ignore-file no-console -- this program's output is its purpose.
/**
 * `deno task soak:shm`: a producer at full speed, and consumers that check each
 * record of a queue in shared memory, until all of them together have checked
 * as many as are wanted.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import {
  accounted,
  type CrcResult,
  type CrcTally,
  runCrc,
} from "./support/crc_run.ts";
import type { Runtime } from "./support/shm_stage.ts";

const RECORDS = 1_000_000_000;
const MINUTES = 30;
const PAUSE_MS = 5;
/** Between two lines of progress, s. */
const PROGRESS_S = 5;

const USAGE = `deno task soak:shm [options]

  --records N          end when the consumers have checked so many together
                       (default ${RECORDS})
  --minutes N          end after that time in any case (default ${MINUTES})
  --producer RUNTIME   deno (default) or bun
  --consumers A,B,…    their runtimes (default deno,bun)
  --hold-back          nobody is overtaken: the producer waits for consumers,
                       which do not stand still now and then
`;

interface Options {
  readonly records: number;
  readonly minutes: number;
  readonly producer: Runtime;
  readonly consumers: readonly Runtime[];
  readonly holdBack: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      records: { type: "string", default: String(RECORDS) },
      minutes: { type: "string", default: String(MINUTES) },
      producer: { type: "string", default: "deno" },
      consumers: { type: "string", default: "deno,bun" },
      "hold-back": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const records = Number(values.records);
  const minutes = Number(values.minutes);
  if (values.help || !(records > 0) || !(minutes > 0)) usage(values.help);
  return {
    records,
    minutes,
    producer: runtimeOf(values.producer),
    consumers: values.consumers.split(",").map(runtimeOf),
    holdBack: values["hold-back"],
  };
}

function usage(isWanted: boolean): never {
  console.log(USAGE);
  process.exit(isWanted ? 0 : 2);
}

function runtimeOf(text: string): Runtime {
  return text === "deno" || text === "bun" ? text : usage(false);
}

function sumOf(
  tallies: readonly CrcTally[],
  what: keyof CrcTally,
): number {
  return tallies.reduce((sum, tally) => sum + tally[what], 0);
}

function inMillions(count: number): string {
  return `${(count / 1e6).toFixed(1)} M`;
}

function showProgress(options: Options): (all: readonly CrcTally[]) => void {
  const begun = performance.now();
  let told = 0;
  return (tallies) => {
    const seconds = (performance.now() - begun) / 1000;
    if (seconds - told < PROGRESS_S) return;
    told = seconds;
    const checked = sumOf(tallies, "checked");
    const left = (options.records - checked) / (checked / seconds);
    const each = tallies.map((tally) => inMillions(tally.checked)).join(" + ");
    console.log(
      `${seconds.toFixed(0)} s: ${inMillions(checked)} checked (${each}), ` +
        `${inMillions(sumOf(tallies, "lost"))} lost, ` +
        `${sumOf(tallies, "torn")} torn; ${left.toFixed(0)} s to go`,
    );
  };
}

/** Prints what came of it; whether it is as it must be. */
function report(options: Options, result: CrcResult): boolean {
  const { written, tallies, seconds } = result;
  console.log(
    `\n${written} records written by ${options.producer} in ` +
      `${seconds.toFixed(1)} s, ` +
      (options.holdBack ? "held back by" : "not held back by") +
      ` ${tallies.length} consumers`,
  );
  let isExact = true;
  for (const [index, tally] of tallies.entries()) {
    const { checked, overtaken, torn, lost } = tally;
    const missing = written - accounted(tally);
    isExact &&= missing === 0;
    console.log(
      `${options.consumers[index]}: ${checked} checked, ${overtaken} ` +
        `overtaken in place and told so, ${lost} lost and told so, ` +
        `${torn} torn, ${missing} unaccounted for`,
    );
  }
  const checked = sumOf(tallies, "checked");
  const torn = sumOf(tallies, "torn");
  const isEnough = checked >= options.records;
  const hasLost = options.holdBack &&
    sumOf(tallies, "lost") + sumOf(tallies, "overtaken") > 0;
  console.log(
    `${checked} of ${options.records} checked together, ${torn} torn`,
  );
  if (!isEnough) console.log("The time was over first.");
  if (hasLost) console.log("Some were lost, which were to be waited for.");
  return isExact && isEnough && torn === 0 && !hasLost;
}

const options = readOptions();
const result = await runCrc({
  producer: options.producer,
  consumers: options.consumers,
  holdBack: options.holdBack,
  records: Number.MAX_SAFE_INTEGER,
  reads: options.records,
  pauseMs: options.holdBack ? 0 : PAUSE_MS,
  limitMs: options.minutes * 60_000,
  onProgress: showProgress(options),
});
process.exit(report(options, result) ? 0 : 1);
