// All states that a scenario comes to: depth first, by running it again for
// each way on, and no further than to a state that was met before.
//
// Without a bound, sleep sets leave out ways that only lead to states that
// another one leads to (Godefroid: Partial-Order Methods for the Verification
// of Concurrent Systems, 1996, chapter 5 for the two together).
import { Execution } from "./execution.ts";
import { fingerprint, type Key, StateTable } from "./fingerprint.ts";
import {
  EXECUTIONS_MAX,
  independent,
  lowest,
  nextPick,
  type Result,
  STEPS_MAX,
} from "./explorer.ts";
import { formatPath } from "./path.ts";
import type { Scenario } from "./scenario.ts";

/** A state on the way, and the ways on from it. */
class Choice {
  readonly enabled: number;
  /** Threads that are still to be tried. */
  left = 0;
  /** By thread: what it would access, where it need not go on here. */
  readonly sleeping: Map<number, readonly number[]> = new Map();
  /** Preemptions so far. */
  preemptions = 0;
  thread = -1;
  picks: number[] = [];
  sizes: number[] = [];
  /** What all outcomes of the step access, and the last of them. */
  accessed: number[] = [];
  footprint: readonly number[] = [];
  /** What the thread goes on with after the step, where that is known. */
  settled: Key[] = [];

  constructor(enabled: number) {
    this.enabled = enabled;
  }
}

export class StateSearch {
  readonly #scenario: Scenario;
  readonly #millisecondsMax: number;
  readonly #bound: number;
  readonly #choices: Choice[] = [];
  readonly #states: StateTable = new StateTable();
  readonly #key: Key = { low: 0, high: 0 };
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
  }

  run(): Result {
    const started = performance.now();
    const limit = this.#scenario.search?.limit ?? EXECUTIONS_MAX;
    const result = this.#result;
    fingerprint.on = true;
    this.#scenario.begin?.();
    try {
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
      if (result.failure === null && !result.cut) this.#scenario.finish?.();
    } catch (error) {
      result.failure = { message: String(error), path: "" };
    } finally {
      fingerprint.on = false;
    }
    result.milliseconds = performance.now() - started;
    return { ...result, states: this.#states.size };
  }

  #runOnce(): void {
    let depth = 0;
    const result = this.#result;
    result.executions++;
    try {
      const execution = new Execution(this.#scenario);
      for (;;) {
        const { enabled } = execution;
        if (enabled === 0) {
          if (execution.end()) continue;
          return;
        }
        if (depth === this.#choices.length && !this.#open(execution)) {
          result.left++;
          return;
        }
        const choice = this.#choices[depth] as Choice;
        if (++depth > STEPS_MAX) throw new Error("it does not come to an end");
        this.#step(execution, choice);
      }
    } catch (error) {
      result.failure = {
        message: error instanceof Error
          ? `${error.name}: ${error.message}`
          : String(error),
        path: formatPath(this.#choices.slice(0, depth)),
      };
    }
  }

  /** A further state. False when there is nothing new to be tried from it. */
  #open(execution: Execution): boolean {
    const choice = new Choice(execution.enabled);
    const before = this.#choices.at(-1);
    const last = before?.thread ?? -1;
    const mayGoOn = last >= 0 && (choice.enabled & (1 << last)) !== 0;
    const bounded = this.#bound !== Infinity;
    execution.state(bounded ? last : -1, this.#key);
    if (bounded) {
      choice.preemptions = before?.preemptions ?? 0;
      const spare = this.#bound - choice.preemptions;
      if (this.#states.get(this.#key) >= spare) return false;
      this.#states.set(this.#key, spare);
      choice.left = mayGoOn && spare === 0 ? 1 << last : choice.enabled;
    } else {
      if (before !== undefined) inherit(choice, before);
      this.#meet(choice);
    }
    if (choice.left === 0) return false;
    this.#choices.push(choice);
    this.#turnTo(
      choice,
      (choice.left & (1 << last)) !== 0 ? last : lowest(choice.left),
    );
    return true;
  }

  /** What is left to try in a state, by who slept when it was met before. */
  #meet(choice: Choice): void {
    const asleep = maskOf(choice);
    const known = this.#states.get(this.#key);
    if (known < 0) {
      choice.left = choice.enabled & ~asleep;
      this.#states.set(this.#key, asleep);
      return;
    }
    choice.left = known & ~asleep;
    for (const thread of choice.sleeping.keys()) {
      if ((known & (1 << thread)) === 0) choice.sleeping.delete(thread);
    }
    this.#states.set(this.#key, known & asleep);
  }

  #step(execution: Execution, choice: Choice): void {
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
  }

  #backtrack(): boolean {
    for (;;) {
      const choice = this.#choices.at(-1);
      if (choice === undefined) return false;
      choice.accessed.push(...choice.footprint);
      choice.settled = [];
      if (nextPick(choice)) return true;
      if (this.#bound === Infinity) {
        choice.sleeping.set(choice.thread, choice.accessed);
      }
      if (choice.left !== 0) {
        this.#turnTo(choice, lowest(choice.left));
        return true;
      }
      this.#choices.pop();
    }
  }

  #turnTo(choice: Choice, thread: number): void {
    choice.left &= ~(1 << thread);
    choice.thread = thread;
    choice.picks = [];
    choice.sizes = [];
    choice.accessed = [];
    const before = this.#choices.at(-2);
    const last = before?.thread ?? -1;
    const interrupts = last >= 0 && last !== thread &&
      (choice.enabled & (1 << last)) !== 0;
    choice.preemptions = (before?.preemptions ?? 0) + (interrupts ? 1 : 0);
  }
}

/** Who slept before still does unless the step before is dependent on it. */
function inherit(choice: Choice, before: Choice): void {
  for (const [thread, accessed] of before.sleeping) {
    if (thread === before.thread) continue;
    if (independent(accessed, before.footprint)) {
      choice.sleeping.set(thread, accessed);
    }
  }
}

function maskOf(choice: Choice): number {
  let mask = 0;
  for (const thread of choice.sleeping.keys()) mask |= 1 << thread;
  return mask;
}
