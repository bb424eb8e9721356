// All states that a scenario comes to: depth first, by running it again for
// each way on, and no further than to a state that was met before.
//
// Without a bound, sleep sets leave out ways that only lead to states that
// another one leads to (Godefroid: Partial-Order Methods for the Verification
// of Concurrent Systems, 1996, chapter 5 for the two together).
import { Choice, DepthFirst, nextOf, type Result } from "./depth_first.ts";
import type { Execution } from "./execution.ts";
import { fingerprint, type Key, StateTable } from "./fingerprint.ts";

export class StateSearch extends DepthFirst<Choice> {
  readonly #states: StateTable = new StateTable();
  readonly #key: Key = { low: 0, high: 0 };

  override run(): Result {
    fingerprint.on = true;
    try {
      return { ...super.run(), states: this.#states.size };
    } finally {
      fingerprint.on = false;
    }
  }

  protected override make(): Choice {
    return new Choice();
  }

  protected override begins(): void {}

  protected override plan(
    choice: Choice,
    before: Choice | undefined,
    execution: Execution,
  ): number {
    const last = before?.thread ?? -1;
    if (this.bound === Infinity) {
      execution.state(-1, this.#key);
      if (before !== undefined) choice.inherit(before);
      this.#meet(choice);
    } else {
      execution.state(last, this.#key);
      this.#meetWithin(choice, before);
    }
    return nextOf(choice.left, last);
  }

  protected override stepped(): void {}

  /** What is left to try in a state, by who slept when it was met before. */
  #meet(choice: Choice): void {
    const { enabled, asleep } = choice;
    const known = this.#states.get(this.#key);
    if (known < 0) {
      choice.planned = enabled & ~asleep;
      this.#states.set(this.#key, asleep);
      return;
    }
    choice.planned = known & ~asleep;
    choice.asleep = known & asleep;
    this.#states.set(this.#key, choice.asleep);
  }

  /** The same by the preemptions that were left then. */
  #meetWithin(choice: Choice, before: Choice | undefined): void {
    const spare = this.bound - (before?.preemptions ?? 0);
    if (this.#states.get(this.#key) >= spare) return;
    this.#states.set(this.#key, spare);
    const last = before === undefined ? 0 : 1 << before.thread;
    const goesOn = choice.enabled & last;
    choice.planned = goesOn !== 0 && spare === 0 ? goesOn : choice.enabled;
  }
}
