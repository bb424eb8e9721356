// What the searches have in common: they run a scenario again and again, each
// time up to the last choice that has another side, and then on.
import { Execution } from "./execution.ts";
import type { Key } from "./fingerprint.ts";
import { formatPath } from "./path.ts";
import type { Scenario } from "./scenario.ts";
import { THREADS_MAX } from "./shadow.ts";

/** What a search found. */
export interface Result {
  /** Executions that were run. */
  executions: number;
  /** Those of them that were left since they would only repeat others. */
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

/** Nothing was run yet. */
export function noResult(): Result {
  return {
    executions: 0,
    left: 0,
    steps: 0,
    milliseconds: 0,
    cut: false,
    failure: null,
  };
}

/** Whose turn it is at a place of an execution, and what came of it. */
export class Choice {
  /** Threads that can go on. */
  enabled = 0;
  /** Threads to be tried here, and those that were or are. */
  planned = 0;
  #tried = 0;
  /** Threads that need not go on here, and what each would access. */
  asleep = 0;
  readonly #accesses: (readonly number[])[] = new Array(THREADS_MAX).fill(NONE);
  /** Preemptions so far, this one included. */
  preemptions = 0;
  thread = -1;
  /** Other choices inside of the step: what was picked, of how many. */
  picks: number[] = [];
  sizes: number[] = [];
  /** What the step accessed, and what its other outcomes did. */
  footprint: readonly number[] = NONE;
  #others: readonly number[] = NONE;
  /** What the thread goes on with after the step, where that is known. */
  readonly settled: Key[] = [];

  /** A choice that another one was before. */
  reset(enabled: number): void {
    this.enabled = enabled;
    this.planned = this.#tried = this.asleep = 0;
    this.thread = -1;
  }

  /** Threads that are still to be tried. */
  get left(): number {
    return this.planned & ~this.#tried & ~this.asleep;
  }

  /** Whether a thread that was at work could go on and does not. */
  #interrupts(before: Choice | undefined): boolean {
    const last = before?.thread ?? -1;
    return last >= 0 && last !== this.thread &&
      (this.enabled & (1 << last)) !== 0;
  }

  /** It is a thread's turn. */
  turnTo(thread: number, before: Choice | undefined): void {
    this.thread = thread;
    this.#tried |= 1 << thread;
    this.picks = [];
    this.sizes = [];
    this.#others = NONE;
    this.settled.length = 0;
    this.preemptions = (before?.preemptions ?? 0) +
      (this.#interrupts(before) ? 1 : 0);
  }

  /** Moves on to the next outcome of the step. */
  nextOutcome(): boolean {
    this.#others = this.#others.length === 0
      ? this.footprint
      : [...this.#others, ...this.footprint];
    this.settled.length = 0;
    const { picks, sizes } = this;
    for (let i = picks.length - 1; i >= 0; i--) {
      const pick = picks[i] as number;
      if (pick + 1 < (sizes[i] as number)) {
        picks.length = i;
        sizes.length = i + 1;
        picks.push(pick + 1);
        return true;
      }
    }
    return false;
  }

  /** All that its thread can do here was tried. */
  putToSleep(): void {
    this.asleep |= 1 << this.thread;
    this.#accesses[this.thread] = this.#others;
  }

  /** What slept before still does unless the step before is dependent on it. */
  inherit(before: Choice): void {
    for (let thread = 0; thread < THREADS_MAX; thread++) {
      if ((before.asleep & (1 << thread)) === 0) continue;
      const accessed = before.#accesses[thread] as readonly number[];
      if (thread === before.thread) continue;
      if (!independent(accessed, before.footprint)) continue;
      this.asleep |= 1 << thread;
      this.#accesses[thread] = accessed;
    }
  }
}

const NONE: readonly number[] = [];

/** A search of a scenario to its end, or to the first failure. */
export abstract class DepthFirst<Place extends Choice> {
  protected readonly scenario: Scenario;
  /** Preemptions at the most. */
  protected readonly bound: number;
  protected readonly choices: Place[] = [];
  /** Choices that are behind, to be used again. */
  readonly #spare: Place[] = [];
  readonly #millisecondsMax: number;
  readonly #result: Result = noResult();

  /** @param millisecondsMax After which it is cut off. */
  constructor(scenario: Scenario, millisecondsMax: number = Infinity) {
    this.scenario = scenario;
    this.#millisecondsMax = millisecondsMax;
    this.bound = scenario.search?.preemptions ?? Infinity;
  }

  run(): Result {
    const started = performance.now();
    const limit = this.scenario.search?.limit ?? EXECUTIONS_MAX;
    const result = this.#result;
    this.scenario.begin?.();
    do {
      this.#runOnce();
      if (result.executions > limit) {
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

  /** An empty choice. */
  protected abstract make(): Place;

  /** An execution begins. */
  protected abstract begins(): void;

  /**
   * Plans a further choice.
   *
   * @param before The one before it.
   * @returns the thread to begin with, -1 when all would only repeat.
   */
  protected abstract plan(
    choice: Place,
    before: Place | undefined,
    execution: Execution,
  ): number;

  /** A step of the execution was made. */
  protected abstract stepped(
    choice: Place,
    depth: number,
    execution: Execution,
  ): void;

  #finish(): void {
    try {
      this.scenario.finish?.();
    } catch (error) {
      this.#result.failure = { message: String(error), path: "" };
    }
  }

  #runOnce(): void {
    const { choices } = this;
    const result = this.#result;
    let depth = 0;
    result.executions++;
    try {
      const execution = new Execution(this.scenario);
      this.begins();
      for (;;) {
        if (execution.enabled === 0) {
          if (execution.end()) continue;
          return;
        }
        if (depth === choices.length && !this.#open(execution)) {
          result.left++;
          return;
        }
        const choice = choices[depth] as Place;
        if (++depth > STEPS_MAX) throw new Error("it does not come to an end");
        this.#step(execution, choice, depth - 1);
      }
    } catch (error) {
      result.failure = {
        message: error instanceof Error
          ? `${error.name}: ${error.message}`
          : String(error),
        path: formatPath(choices.slice(0, depth)),
      };
    }
  }

  #open(execution: Execution): boolean {
    const choice = this.#spare.pop() ?? this.make();
    choice.reset(execution.enabled);
    const before = this.choices.at(-1);
    const thread = this.plan(choice, before, execution);
    if (thread < 0) {
      this.#spare.push(choice);
      return false;
    }
    choice.turnTo(thread, before);
    this.choices.push(choice);
    return true;
  }

  #step(execution: Execution, choice: Place, depth: number): void {
    let n = 0;
    execution.step(choice.thread, (alternatives) => {
      const at = n++;
      if (at === choice.picks.length) {
        choice.picks.push(0);
        choice.sizes.push(alternatives);
      }
      return choice.picks[at] as number;
    }, choice.settled);
    this.#result.steps++;
    choice.footprint = execution.footprint;
    this.stepped(choice, depth, execution);
  }

  /** Goes back to the last choice that has another side. */
  #backtrack(): boolean {
    const { choices } = this;
    for (;;) {
      const choice = choices.at(-1);
      if (choice === undefined) return false;
      if (choice.nextOutcome()) return true;
      if (this.bound === Infinity) choice.putToSleep();
      const { left } = choice;
      if (left !== 0) {
        choice.turnTo(lowest(left), choices.at(-2));
        return true;
      }
      choices.pop();
      this.#spare.push(choice);
    }
  }
}

/** Whether steps commute: no place in common that one of them writes. */
function independent(a: readonly number[], b: readonly number[]): boolean {
  for (const x of a) {
    for (const y of b) {
      if (x >>> 1 === y >>> 1 && ((x | y) & 1) !== 0) return false;
    }
  }
  return true;
}

/** The thread to go on with: the last one if it is among these. */
export function nextOf(threads: number, last: number): number {
  if (threads === 0) return -1;
  return last >= 0 && (threads & (1 << last)) !== 0 ? last : lowest(threads);
}

export function lowest(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** Executions after which a search has got out of hand. */
const EXECUTIONS_MAX = 20_000_000;

/** Steps after which an execution has. */
export const STEPS_MAX = 5_000;
