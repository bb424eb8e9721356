// Runs the process pairs of `deno task bench:pollers`, the contenders in turns.

import { freePort, type Running, start } from "../harness.ts";
import type { Contender, OtherEnd } from "./contenders.ts";
import { withDescriptors } from "./limits.ts";
import {
  type PairReading,
  parsePeer,
  parseServer,
  type Refusal,
} from "./readings.ts";

/** No single run may take longer; they are made to take about two seconds. */
const RUN_TIMEOUT_MS = 120_000;

const ATTEMPTS_MAX = 3;
/** As our server says it, and the C program. */
const PORT_TAKEN = /EADDRINUSE|Address already in use/;

/** What one cell of a table asks for, and what was found. */
export interface Job {
  readonly contender: Contender;
  /** Of which so many have a byte on its way all the time. */
  readonly active: number;
  readonly warmUpEvents: number;
  readonly measuredMs: number;
  /** What the column says. */
  readonly asked: number;
  /** Fewer will do where the poller takes no more. */
  readonly shrinks: boolean;
  /** What was measured; 0 = nothing. */
  connections: number;
  refusal: Refusal | null;
  readonly readings: PairReading[];
}

/** Jobs that are compared with each other: one column of a table. */
export type Round = readonly Job[];

/**
 * Runs every job of every round `pairs` times. Each repetition of a round
 * begins with another contender.
 *
 * @param tell Hears of each run before it starts.
 */
export async function measureRounds(
  rounds: readonly Round[],
  pairs: number,
  otherEnd: OtherEnd,
  tell: (job: Job, pair: number) => void,
): Promise<void> {
  for (let pair = 0; pair < pairs; pair++) {
    for (const round of rounds) {
      for (let turn = 0; turn < round.length; turn++) {
        const job = round[(pair + turn) % round.length] as Job;
        if (job.connections === 0) continue;
        tell(job, pair);
        await runJob(job, rounds, otherEnd);
      }
    }
  }
}

async function runJob(
  job: Job,
  rounds: readonly Round[],
  otherEnd: OtherEnd,
): Promise<void> {
  let reading = await runProcesses(job, otherEnd);
  while ("refused" in reading) {
    job.refusal ??= reading;
    const taken = rounds.flat().filter((other) =>
      other.contender === job.contender && other !== job
    ).map(({ connections }) => connections);
    job.connections = job.shrinks ? smallerSize(reading.connections, taken) : 0;
    if (job.connections === 0) return;
    reading = await runProcesses(job, otherEnd);
  }
  job.readings.push(reading);
}

/**
 * A round number of connections where `fitting` are the most: it must stay so
 * in each repetition. 0 when it is no more than what is measured anyway.
 */
export function smallerSize(
  fitting: number,
  measured: readonly number[],
): number {
  // One less: the runtime may need a descriptor more the next time.
  const size = Math.floor((fitting - 1) / 100) * 100;
  const below = measured.filter((other) => other <= fitting);
  return size > Math.max(0, ...below) ? size : 0;
}

/** A port that was free may be taken by the time that the server wants it. */
async function runProcesses(
  job: Job,
  otherEnd: OtherEnd,
): Promise<PairReading | Refusal> {
  for (let attempt = 1;; attempt++) {
    try {
      return await runOnce(job, otherEnd);
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !PORT_TAKEN.test(String(error))) {
        throw error;
      }
    }
  }
}

async function runOnce(
  job: Job,
  otherEnd: OtherEnd,
): Promise<PairReading | Refusal> {
  const { connections, active, warmUpEvents, measuredMs } = job;
  const port = await freePort();
  const task = { port, connections, warmUpEvents, measuredMs };
  const server = start(
    withDescriptors(job.contender.server(task), connections),
    RUN_TIMEOUT_MS,
  );
  let peer: Running | undefined;
  try {
    await firstOf(server.ready, server.done);
    const command = otherEnd.command(port, connections, active);
    peer = start(withDescriptors(command, connections), RUN_TIMEOUT_MS);
    // The peer is lost when the server is, but its own failure ends the run.
    const stdout = await Promise.race([server.done, failureOf(peer, server)]);
    const reading = parseServer(stdout);
    if ("refused" in reading) return reading;
    return { server: reading, peer: parsePeer(await peer.done) };
  } finally {
    server.kill();
    peer?.kill();
    await Promise.allSettled([server.done, peer?.done]);
  }
}

/** Waits until a program is ready; if it fails before, says why. */
async function firstOf(
  ready: Promise<void>,
  done: Promise<string>,
): Promise<void> {
  try {
    await ready;
  } catch (error) {
    await done;
    throw error;
  }
}

/** Fails when the peer does while the server goes on; never fulfilled. */
function failureOf(peer: Running, server: Running): Promise<never> {
  return new Promise((_, reject) => {
    peer.done.catch((error) => {
      // A server that refuses a connection ends, and both fail: what it says
      // counts, and it says so at once.
      const pause = setTimeout(() => reject(error), 1000);
      server.done.finally(() => clearTimeout(pause)).catch(() => {});
    });
  });
}
