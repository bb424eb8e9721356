// All executions of a scenario that differ in the order of accesses that do
// not commute: depth first, by running it again for each.
//
// The reduction is source sets with sleep sets (Abdulla, Aronis, Jonsson,
// Sagonas: Optimal Dynamic Partial Order Reduction, POPL 2014): after each
// step, the earlier steps that it races with are found by vector clocks over
// dependent accesses, and one thread that reverses the race is tried there.
import { type Clock, join, THREADS_MAX } from "./shadow.ts";
import { Execution, type Observer } from "./execution.ts";
import { formatPath, type PathStep } from "./path.ts";
import type { Scenario } from "./scenario.ts";

/** What a search found. */
export interface Result {
  /** Executions that were run to their end. */
  executions: number;
  /** Those that were left since they would only repeat others. */
  left: number;
  /** Different states that were met, where these are looked at. */
  states?: number;
  /** Accesses made in all of them. */
  steps: number;
  milliseconds: number;
  /** The time was over before the search was. */
  cut: boolean;
  /** What went wrong, and the path to it; null when nothing did. */
  failure: { message: string; path: string } | null;
}

/** A choice of an execution and what came of it. */
class Frame {
  enabled = 0;
  /** Threads to be tried here, and those that were. */
  backtrack = 0;
  tried = 0;
  /** Threads that need not go on here, by what they would access. */
  readonly sleeping: (readonly number[] | null)[] = new Array(THREADS_MAX)
    .fill(null);
  thread = -1;
  /** Other choices inside of the step: what was picked, of how many. */
  picks: number[] = [];
  sizes: number[] = [];
  footprint: readonly number[] = [];
  /** What all outcomes of the thread's step access. */
  accessed: number[] = [];
  /** The outcome to come was not seen before. */
  fresh = true;
  /** Which steps come before it, itself included. */
  readonly clock: Clock = new Int32Array(THREADS_MAX);
  /** Which of its thread's steps it is, from 1. */
  order = 0;
  /** In a bounded search: preemptions so far. */
  preemptions = 0;

  get asleep(): number {
    let mask = 0;
    for (let i = 0; i < THREADS_MAX; i++) {
      if (this.sleeping[i] !== null) mask |= 1 << i;
    }
    return mask;
  }
}

/** Who accessed a place last. */
interface Accesses {
  execution: number;
  /** Frame of the last write, -1 = none, and of reads since, by thread. */
  write: number;
  readonly reads: number[];
}

/** Searches a scenario to its end, or to the first failure. */
export class Explorer {
  readonly #scenario: Scenario;
  readonly #millisecondsMax: number;
  readonly #bound: number;
  readonly #frames: Frame[] = [];
  readonly #clocks: Clock[] = [];
  /** By thread: what comes before the promises of its that have resolved. */
  readonly #resolving: Clock[] = [];
  readonly #accesses: (Accesses | undefined)[] = [];
  #execution = 0;
  readonly #result: Result = {
    executions: 0,
    left: 0,
    steps: 0,
    milliseconds: 0,
    cut: false,
    failure: null,
  };

  /** @param millisecondsMax After which it is cut off. */
  constructor(scenario: Scenario, millisecondsMax: number = Infinity) {
    this.#scenario = scenario;
    this.#millisecondsMax = millisecondsMax;
    this.#bound = scenario.search?.preemptions ?? Infinity;
    for (let i = 0; i < THREADS_MAX; i++) {
      this.#clocks.push(new Int32Array(THREADS_MAX));
      this.#resolving.push(new Int32Array(THREADS_MAX));
    }
  }

  run(): Result {
    const started = performance.now();
    const limit = this.#scenario.search?.limit ?? EXECUTIONS_MAX;
    const result = this.#result;
    this.#scenario.begin?.();
    do {
      this.#runOnce();
      if (result.executions + result.left > limit) {
        result.failure ??= {
          message: `more than ${limit} executions`,
          path: "",
        };
      }
      result.cut = performance.now() - started > this.#millisecondsMax;
    } while (result.failure === null && !result.cut && this.#backtrack());
    if (result.failure === null && !result.cut) this.#finish();
    result.milliseconds = performance.now() - started;
    return result;
  }

  #finish(): void {
    try {
      this.#scenario.finish?.();
    } catch (error) {
      this.#result.failure = { message: String(error), path: "" };
    }
  }

  #runOnce(): void {
    let depth = 0;
    try {
      const execution = new Execution(this.#scenario);
      for (const clock of this.#clocks) clock.fill(0);
      for (const clock of this.#resolving) clock.fill(0);
      this.#execution++;
      for (;;) {
        const { enabled } = execution;
        if (enabled === 0) {
          if (execution.end()) continue;
          break;
        }
        if (depth === this.#frames.length && !this.#open(depth, enabled)) {
          this.#result.left++;
          return;
        }
        const frame = this.#frames[depth] as Frame;
        if (++depth > STEPS_MAX) throw new Error("it does not come to an end");
        this.#step(execution, frame, depth - 1);
      }
      this.#result.executions++;
    } catch (error) {
      this.#result.executions++;
      this.#result.failure = {
        message: error instanceof Error
          ? `${error.name}: ${error.message}`
          : String(error),
        path: formatPath(this.#frames.slice(0, depth)),
      };
    }
  }

  /** A new choice: whose turn it is. False when all would only repeat. */
  #open(depth: number, enabled: number): boolean {
    const frame = new Frame();
    frame.enabled = enabled;
    const before = this.#frames[depth - 1];
    const bounded = this.#bound !== Infinity;
    if (before !== undefined && !bounded) inherit(frame, before);
    const candidates = enabled & ~frame.asleep;
    if (candidates === 0) return false;
    const last = before?.thread ?? -1;
    const goesOn = last >= 0 && (candidates & (1 << last)) !== 0;
    frame.thread = goesOn ? last : lowest(candidates);
    frame.backtrack = 1 << frame.thread;
    frame.preemptions = before?.preemptions ?? 0;
    // Anybody may be next; whoever interrupts uses up a preemption.
    if (
      bounded && (!goesOn || (before?.preemptions ?? 0) < this.#bound)
    ) frame.backtrack = enabled;
    this.#frames.push(frame);
    return true;
  }

  #step(execution: Execution, frame: Frame, depth: number): void {
    let choice = 0;
    execution.step(frame.thread, (alternatives) => {
      const at = choice++;
      if (at === frame.picks.length) {
        frame.picks.push(0);
        frame.sizes.push(alternatives);
      }
      return frame.picks[at] as number;
    });
    this.#result.steps++;
    frame.footprint = execution.footprint;
    if (frame.fresh) frame.accessed.push(...execution.footprint);
    frame.fresh = false;
    if (execution.turned) {
      join(
        this.#clocks[frame.thread] as Clock,
        this.#resolving[frame.thread] as Clock,
      );
    }
    if (this.#bound === Infinity) this.#findRaces(frame, depth);
    for (const thread of execution.resolved) {
      join(this.#resolving[thread] as Clock, frame.clock);
    }
    for (const thread of execution.woken) {
      join(this.#clocks[thread] as Clock, frame.clock);
    }
  }

  /** Finds earlier steps that this one races with, and has them reversed. */
  #findRaces(frame: Frame, depth: number): void {
    const { thread, clock } = frame;
    clock.set(this.#clocks[thread] as Clock);
    frame.order = (clock[thread] as number) + 1;
    const racing: number[] = [];
    for (const access of frame.footprint) {
      const seen = this.#accessesOf(access >>> 1);
      if (seen.write >= 0) racing.push(seen.write);
      if ((access & 1) === 0) continue;
      for (const read of seen.reads) racing.push(read);
    }
    if (racing.length > 1) racing.sort((a, b) => b - a);
    const reversed: number[] = [];
    for (const at of racing) {
      const other = this.#frames[at] as Frame;
      if (other.order <= (clock[other.thread] as number)) continue;
      reversed.push(at);
      join(clock, other.clock);
    }
    clock[thread] = frame.order;
    (this.#clocks[thread] as Clock).set(clock);
    for (const at of reversed) this.#reverse(at, depth);
    for (const access of frame.footprint) {
      const seen = this.#accessesOf(access >>> 1);
      if ((access & 1) === 0) seen.reads.push(depth);
      else {
        seen.write = depth;
        seen.reads.length = 0;
      }
    }
  }

  /** The step at `depth` is to come before the one at `at` as well. */
  #reverse(at: number, depth: number): void {
    const first = this.#frames[at] as Frame;
    // What does not come after the first step, and the last one.
    const others: Frame[] = [];
    for (let i = at + 1; i < depth; i++) {
      const frame = this.#frames[i] as Frame;
      if (!precedes(first, frame)) others.push(frame);
    }
    others.push(this.#frames[depth] as Frame);
    let seen = 0;
    let initials = 0;
    others.forEach((frame, i) => {
      const bit = 1 << frame.thread;
      if ((seen & bit) !== 0) return;
      seen |= bit;
      for (let j = 0; j < i; j++) {
        if (precedes(others[j] as Frame, frame)) return;
      }
      initials |= bit;
    });
    if ((first.backtrack & initials) !== 0) return;
    const possible = initials & first.enabled;
    first.backtrack |= possible === 0 ? first.enabled : 1 << lowest(possible);
  }

  #accessesOf(place: number): Accesses {
    let seen = this.#accesses[place];
    if (seen === undefined) {
      seen = { execution: 0, write: -1, reads: [] };
      this.#accesses[place] = seen;
    }
    if (seen.execution !== this.#execution) {
      seen.execution = this.#execution;
      seen.write = -1;
      seen.reads.length = 0;
    }
    return seen;
  }

  /** Goes back to the last choice that has another side. */
  #backtrack(): boolean {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return false;
      if (nextPick(frame)) {
        frame.fresh = true;
        return true;
      }
      frame.tried |= 1 << frame.thread;
      if (this.#bound === Infinity) {
        frame.sleeping[frame.thread] = frame.accessed;
      }
      const left = frame.backtrack & ~frame.tried & ~frame.asleep;
      if (left !== 0) {
        this.#turnTo(frame, lowest(left));
        return true;
      }
      this.#frames.pop();
    }
  }

  #turnTo(frame: Frame, thread: number): void {
    frame.thread = thread;
    frame.picks = [];
    frame.sizes = [];
    frame.accessed = [];
    frame.fresh = true;
    if (this.#bound === Infinity) return;
    const before = this.#frames.at(-2);
    const last = before?.thread ?? -1;
    const interrupts = last >= 0 && last !== thread &&
      (frame.enabled & (1 << last)) !== 0;
    frame.preemptions = (before?.preemptions ?? 0) + (interrupts ? 1 : 0);
  }
}

/** What slept before still does unless the step before is dependent on it. */
function inherit(frame: Frame, before: Frame): void {
  before.sleeping.forEach((accessed, thread) => {
    if (accessed === null || thread === before.thread) return;
    if (independent(accessed, before.footprint)) {
      frame.sleeping[thread] = accessed;
    }
  });
}

/** Whether steps commute: no place in common that one of them writes. */
export function independent(
  a: readonly number[],
  b: readonly number[],
): boolean {
  for (const x of a) {
    for (const y of b) {
      if (x >>> 1 === y >>> 1 && ((x | y) & 1) !== 0) return false;
    }
  }
  return true;
}

/** Whether a step comes before another in every order of the same meaning. */
function precedes(first: Frame, second: Frame): boolean {
  return first.order <= (second.clock[first.thread] as number);
}

/** Moves on to the next outcome of the choices inside of a step. */
export function nextPick(frame: Pick<Frame, "picks" | "sizes">): boolean {
  for (let i = frame.picks.length - 1; i >= 0; i--) {
    const pick = frame.picks[i] as number;
    if (pick + 1 < (frame.sizes[i] as number)) {
      frame.picks.length = i;
      frame.sizes.length = i + 1;
      frame.picks.push(pick + 1);
      return true;
    }
  }
  return false;
}

export function lowest(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** Executions after which a search has got out of hand. */
export const EXECUTIONS_MAX = 20_000_000;

/** Steps after which an execution has. */
export const STEPS_MAX = 5_000;

/** After so many steps on end a thread lets the others go first in a walk. */
const RUN_MAX = 1_000;

/**
 * Random executions: each gives its threads priorities, and takes the highest
 * one's away at a few steps (Burckhardt and others: A Randomized Scheduler with
 * Probabilistic Guarantees of Finding Bugs, ASPLOS 2010).
 */
export function walk(
  scenario: Scenario,
  walks: number,
  seed: number,
  millisecondsMax: number = Infinity,
): Result {
  const started = performance.now();
  const result: Result = {
    executions: 0,
    left: 0,
    steps: 0,
    milliseconds: 0,
    cut: false,
    failure: null,
  };
  const random = randomFrom(seed);
  scenario.begin?.();
  let length = 100;
  while (
    result.executions < walks && result.failure === null && !result.cut
  ) {
    result.cut = performance.now() - started > millisecondsMax;
    const path: { thread: number; picks: number[] }[] = [];
    const order = scenario.threads.map(() => random(2 ** 30));
    const changes = new Set([random(length), random(length), random(length)]);
    try {
      const execution = new Execution(scenario);
      for (let run = 0;;) {
        const { enabled } = execution;
        if (enabled === 0) {
          if (execution.end()) continue;
          break;
        }
        const thread = highest(enabled, order);
        const step = { thread, picks: [] as number[] };
        run = thread === path.at(-1)?.thread ? run + 1 : 0;
        if (run === RUN_MAX || changes.has(path.length)) {
          order[thread] = -path.length;
        }
        path.push(step);
        if (path.length > STEPS_MAX) throw new Error("it does not end");
        execution.step(thread, (alternatives) => {
          const pick = random(20) === 0 ? random(alternatives) : 0;
          step.picks.push(pick);
          return pick;
        });
      }
    } catch (error) {
      result.failure = {
        message: String(error),
        path: formatPath(path),
      };
    }
    length = path.length;
    result.executions++;
    result.steps += path.length;
  }
  result.milliseconds = performance.now() - started;
  return result;
}

/** The enabled thread with the highest priority. */
function highest(enabled: number, order: readonly number[]): number {
  let best = -1;
  order.forEach((priority, thread) => {
    if ((enabled & (1 << thread)) === 0) return;
    if (best < 0 || priority > (order[best] as number)) best = thread;
  });
  return best;
}

/** Numbers below a limit that follow from a seed. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % limit;
  };
}

/** Runs one execution again, step by step. */
export function replay(
  scenario: Scenario,
  path: readonly PathStep[],
  observer: Observer,
): void {
  const execution = new Execution(scenario, observer);
  for (const { thread, picks } of path) {
    while (execution.enabled === 0) if (!execution.end()) return;
    let choice = 0;
    execution.step(thread, () => picks[choice++] ?? 0);
  }
  // The path ends where it failed, if not with the last step then here.
  while (execution.enabled === 0) if (!execution.end()) return;
}
