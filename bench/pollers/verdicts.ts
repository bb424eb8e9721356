// What the readings of `deno task bench:pollers` amount to.

import { ratios, type Spread, spread } from "../harness.ts";
import type { LeftOut } from "./contenders.ts";
import type { Job, Round } from "./measure.ts";
import type { PairReading } from "./readings.ts";

/** Cost per event with the most descriptors, at most so many times with 10. */
export const FLATNESS_MAX = 1.3;
/** Time to accept and echo, at most so many times that of the C program. */
export const ECHO_MAX = 2;
/** Share of a core that idle connections may take. */
export const IDLE_MAX = 0.02;
/** What the cost with the most descriptors is divided by: this many. */
export const FLATNESS_BASE = 10;

/** All that was measured. */
export interface Study {
  /** One round per number of watched descriptors, ascending. */
  readonly cost: readonly Round[];
  /** The largest number again, with as few active ones as the base has. */
  readonly costFewActive: Round;
  readonly echo: Round;
  readonly idle: Round;
}

/** A figure of each repetition. */
export function valuesOf(
  job: Job,
  figure: (reading: PairReading) => number,
): number[] {
  return job.readings.map(figure);
}

export const cpuPerEvent = ({ server }: PairReading): number =>
  server.cpuUs / server.events;
export const wallPerEvent = ({ server }: PairReading): number =>
  server.wallUs / server.events;
export const eventsPerTurn = ({ server }: PairReading): number =>
  server.events / server.turns;
export const openedMs = ({ peer }: PairReading): number => peer.openedUs / 1000;
export const setupCpuMs = ({ server }: PairReading): number =>
  server.setupCpuUs / 1000;
export const coreShare = ({ server }: PairReading): number =>
  server.cpuUs / server.wallUs;

/** The job of the same contender in another round. */
export function counterpart(job: Job, round: Round): Job | undefined {
  return round.find((other) => other.contender === job.contender);
}

/** Repetition by repetition, `job` by `base`; null where one is missing. */
export function ratioOf(
  job: Job | undefined,
  base: Job | undefined,
  figure: (reading: PairReading) => number,
): Spread | null {
  if (job === undefined || base === undefined) return null;
  if (job.readings.length === 0) return null;
  if (base.readings.length !== job.readings.length) return null;
  return spread(ratios(valuesOf(job, figure), valuesOf(base, figure)));
}

/** The ratio that tells whether a contender is flat; null when not measured. */
export function flatness(
  study: Study,
  job: Job,
  largest: Round,
): Spread | null {
  const base = study.cost.find((round) => round[0]?.asked === FLATNESS_BASE);
  if (base === undefined || base === study.cost.at(-1)) return null;
  return ratioOf(
    counterpart(job, largest),
    counterpart(job, base),
    cpuPerEvent,
  );
}

/** The C program's job of a round. */
export function peerOf(round: Round): Job | undefined {
  return round.find(({ contender }) => contender.isPeer);
}

/** One bound and how it was kept. */
export interface Verdict {
  readonly what: string;
  /** The worst median, and whose; null when nothing was measured. */
  readonly worst: { readonly value: number; readonly name: string } | null;
  /** Who took part in the round, but has no figure. */
  readonly missing: readonly string[];
  readonly bound: number;
}

/** The bounds of the study, its flat pollers' except where all are judged. */
export function judge(study: Study): Verdict[] {
  const largest = study.cost.at(-1) ?? [];
  const most = (round: Round): string =>
    round[0]?.asked.toLocaleString("en-US") ?? "the most";
  const flat = (round: Round): Job[] =>
    round.filter(({ contender }) => contender.flat && !contender.isPeer);
  return [
    {
      what: `flatness (${most(largest)} watched / ${FLATNESS_BASE})`,
      ...worstOf(
        flat(largest),
        (job) => flatness(study, job, largest)?.median,
      ),
      bound: FLATNESS_MAX,
    },
    {
      what: `flatness with ${FLATNESS_BASE} active in both`,
      ...worstOf(
        flat(study.costFewActive),
        (job) => flatness(study, job, study.costFewActive)?.median,
      ),
      bound: FLATNESS_MAX,
    },
    {
      what: `accepting and echoing ${most(study.echo)} / C`,
      ...worstOf(
        flat(study.echo),
        (job) => ratioOf(job, peerOf(study.echo), openedMs)?.median,
      ),
      bound: ECHO_MAX,
    },
    {
      what: `idle with ${most(study.idle)}, share of a core`,
      ...worstOf(
        study.idle.filter(({ contender }) => !contender.isPeer),
        (job) =>
          job.readings.length === 0
            ? undefined
            : spread(valuesOf(job, coreShare)).median,
      ),
      bound: IDLE_MAX,
    },
  ];
}

function worstOf(
  jobs: readonly Job[],
  figure: (job: Job) => number | undefined,
): Pick<Verdict, "worst" | "missing"> {
  let worst: Verdict["worst"] = null;
  const missing: string[] = [];
  for (const job of jobs) {
    const value = figure(job);
    if (value === undefined) {
      missing.push(job.contender.name);
      continue;
    }
    // A figure that is no number is worse than any.
    if (
      worst === null || !Number.isNaN(worst.value) && !(value <= worst.value)
    ) {
      worst = { value, name: job.contender.name };
    }
  }
  return { worst, missing };
}

/**
 * The last line: PASS, or what was missed or not measured; and who is not
 * among those that it speaks of.
 */
export function verdictLine(
  verdicts: readonly Verdict[],
  leftOut: readonly LeftOut[] = [],
): string {
  const missed = verdicts.some(({ worst, bound }) =>
    worst !== null && !(worst.value <= bound)
  );
  const complete = verdicts.every(({ worst }) => worst !== null);
  const word = missed ? "MISSED" : complete ? "PASS" : "INCOMPLETE";
  const absent = leftOut.map(({ names, reason }) =>
    // What else there is on the system is no part of the reason.
    `without ${names.join(", ")}: ${reason.split(/[:;]/, 1)[0]}`
  );
  const without = absent.length === 0 ? "" : ` (${absent.join("; ")})`;
  const parts = verdicts.map(({ what, worst, missing, bound }) => {
    if (worst === null) return `${what}: not measured (≤ ${bound})`;
    const kept = worst.value <= bound ? "≤" : ">";
    const digits = bound < 1 ? 5 : 2;
    const value = worst.value.toFixed(digits);
    const gaps = missing.length === 0 ? "" : `; without ${missing.join(", ")}`;
    return `${what}: ${value} ${kept} ${bound} (${worst.name}${gaps})`;
  });
  return `pollers: ${word}${without} | ${parts.join(" | ")}`;
}
