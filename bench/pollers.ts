// `deno task bench:pollers`: what watching many descriptors costs with each
// poller in both runtimes, against a C program over epoll in the same run.
// `--help` lists the options; bench/pollers/ has the parts.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { arch, cpus, platform, release, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findDeno } from "../tests/support/executables.ts";
import { pathOf } from "./contestants.ts";
import { Progress } from "./demo/progress.ts";
import { printLine } from "./perf_arguments.ts";
import { type Contender, type Field, findField } from "./pollers/contenders.ts";
import { hardDescriptorLimit, sizesThatFit } from "./pollers/limits.ts";
import { type Job, measureRounds, type Round } from "./pollers/measure.ts";
import { type Options, parseOptions, USAGE } from "./pollers/options.ts";
import { costPlot } from "./pollers/plot.ts";
import {
  type Circumstances,
  formatCount,
  markdownReport,
} from "./pollers/tables.ts";
import {
  FLATNESS_BASE,
  judge,
  type Study,
  verdictLine,
} from "./pollers/verdicts.ts";

/** The most connections with a byte on its way. */
const ACTIVE_MAX = 100;

function roundOf(
  contenders: readonly Contender[],
  asked: number,
  task: Pick<Job, "active" | "warmUpEvents" | "measuredMs" | "shrinks">,
): Round {
  return contenders.map((contender) => ({
    contender,
    asked,
    connections: asked,
    refusal: null,
    readings: [],
    ...task,
  }));
}

/** All that will be measured. */
function planStudy(
  contenders: readonly Contender[],
  sizes: readonly number[],
  options: Options,
): Study {
  const { phases, warmUpEvents, measuredMs, idleMs } = options;
  const most = sizes.at(-1) ?? 1;
  const bouncing = { warmUpEvents, measuredMs };
  const silent = { active: 0, warmUpEvents: 0, shrinks: false };
  const flat = contenders.filter((contender) => contender.flat);
  const wantsCost = phases.includes("cost");
  return {
    cost: (wantsCost ? sizes : []).map((size) => {
      const active = Math.min(size, ACTIVE_MAX);
      return roundOf(contenders, size, { ...bouncing, active, shrinks: true });
    }),
    costFewActive: wantsCost && most > FLATNESS_BASE
      ? roundOf(flat, most, {
        ...bouncing,
        active: FLATNESS_BASE,
        shrinks: false,
      })
      : [],
    echo: phases.includes("echo")
      ? roundOf(contenders, most, { ...silent, measuredMs: 0 })
      : [],
    idle: phases.includes("idle")
      ? roundOf(contenders, most, { ...silent, measuredMs: idleMs })
      : [],
  };
}

async function runStudy(
  study: Study,
  field: Field,
  pairs: number,
): Promise<void> {
  const phases: readonly (readonly [string, readonly Round[]])[] = [
    ["cost per event", [...study.cost, study.costFewActive]],
    ["accept and echo", [study.echo]],
    ["idle", [study.idle]],
  ];
  const total = phases.reduce(
    (sum, [, rounds]) => sum + rounds.flat().length * pairs,
    0,
  );
  const progress = new Progress();
  let started = 0;
  for (const [name, rounds] of phases) {
    await measureRounds(rounds, pairs, field.otherEnd, (job, pair) => {
      started++;
      progress.show(
        `run ${started} of at most ${total}: ${name}, ${job.contender.name}, ` +
          `${formatCount(job.connections)} connections, ` +
          `repetition ${pair + 1} of ${pairs}`,
      );
    });
  }
  progress.clear();
}

/** What every poller refused, one line each. */
function refusalNotes(study: Study): string[] {
  const notes: string[] = [];
  const rounds = [...study.cost, study.costFewActive, study.echo, study.idle];
  for (const { contender, asked, refusal, connections } of rounds.flat()) {
    if (refusal === null) continue;
    const instead = connections > 0
      ? `measured with ${formatCount(connections)} instead`
      : "a gap";
    const note = `${contender.name} took ${formatCount(refusal.connections)} ` +
      `of ${formatCount(asked)} (${refusal.refused}): ${instead}`;
    if (!notes.includes(note)) notes.push(note);
  }
  return notes;
}

function machineText(): string {
  const processors = cpus();
  return `${processors.length} cores of ${
    processors[0]?.model ?? "unknown"
  }, ` +
    `${platform()} ${release()} ${arch()}`;
}

/** Writes the three files, formatted as the repository wants it. */
function writeResults(
  results: { study: Study; about: Circumstances; verdict: string },
  report: string,
  svg: string,
): void {
  const folder = pathOf("./results");
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  writeFileSync(file("pollers.json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(file("pollers.md"), report);
  writeFileSync(file("pollers.svg"), svg);
  const format = spawnSync(findDeno().path, [
    "fmt",
    "--quiet",
    file("pollers.md"),
    file("pollers.svg"),
  ]);
  if (format.status !== 0) throw new Error(`deno fmt: ${format.stderr}`);
  printLine("Written: bench/results/pollers.{md,svg,json}\n");
}

async function main(options: Options, directory: string): Promise<void> {
  const field = findField(options.kinds, options.runtimes, directory);
  const sizes = sizesThatFit(options.sizes, hardDescriptorLimit());
  const notes = [...field.notes];
  const asked = options.sizes.at(-1) ?? 0;
  const most = sizes.at(-1) ?? 0;
  if (most < asked) {
    notes.push(
      `${formatCount(most)} connections instead of ${formatCount(asked)}: ` +
        "RLIMIT_NOFILE allows no more here",
    );
  }
  for (const note of notes) printLine(note);
  const study = planStudy(field.contenders, sizes, options);
  await runStudy(study, field, options.pairs);

  const about: Circumstances = {
    machine: machineText(),
    date: new Date().toISOString(),
    versions: field.versions,
    otherEnd: field.otherEnd.name,
    pairs: options.pairs,
    idleSeconds: options.idleMs / 1000,
    notes: [...notes, ...refusalNotes(study)],
  };
  const verdict = verdictLine(judge(study), field.leftOut);
  const report = markdownReport(study, about, verdict);
  const svg = costPlot(study, about);
  printLine(report);
  if (options.complete) writeResults({ study, about, verdict }, report, svg);
  printLine(verdict);
}

const directory = mkdtempSync(join(tmpdir(), "purezmq-pollers-"));
try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) printLine(USAGE);
  else await main(options, directory);
} catch (error) {
  process.stderr.write(
    `pollers: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
