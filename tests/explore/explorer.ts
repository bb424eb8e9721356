// All executions of a scenario that differ in the order of accesses that do
// not commute: depth first, by running it again for each.
//
// The reduction is source sets with sleep sets (Abdulla, Aronis, Jonsson,
// Sagonas: Optimal Dynamic Partial Order Reduction, POPL 2014): after each
// step, the earlier steps that it races with are found by vector clocks over
// dependent accesses, and one thread that reverses the race is tried there.
import { Choice, DepthFirst, lowest, nextOf } from "./depth_first.ts";
import type { Execution } from "./execution.ts";
import type { Scenario } from "./scenario.ts";
import { type Clock, join, THREADS_MAX } from "./shadow.ts";

/** A choice, and what comes before the step that it led to. */
class Frame extends Choice {
  /** Which steps come before it, itself included. */
  readonly clock: Clock = new Int32Array(THREADS_MAX);
  /** Which of its thread's steps it is, from 1. */
  order = 0;
}

/** Who accessed a place last. */
interface Accesses {
  execution: number;
  /** Frame of the last write, -1 = none, and of reads since, by thread. */
  write: number;
  readonly reads: number[];
}

export class Explorer extends DepthFirst<Frame> {
  readonly #clocks: Clock[] = [];
  /** By thread: what comes before the promises of its that have resolved. */
  readonly #resolving: Clock[] = [];
  readonly #accesses: (Accesses | undefined)[] = [];
  #execution = 0;

  /** @param millisecondsMax After which it is cut off. */
  constructor(scenario: Scenario, millisecondsMax: number = Infinity) {
    super(scenario, millisecondsMax);
    for (let i = 0; i < THREADS_MAX; i++) {
      this.#clocks.push(new Int32Array(THREADS_MAX));
      this.#resolving.push(new Int32Array(THREADS_MAX));
    }
  }

  protected override make(): Frame {
    return new Frame();
  }

  protected override begins(): void {
    for (const clock of this.#clocks) clock.fill(0);
    for (const clock of this.#resolving) clock.fill(0);
    this.#execution++;
  }

  /** Without a bound one thread is enough, until another one is seen to race. */
  protected override plan(frame: Frame, before: Frame | undefined): number {
    const { enabled } = frame;
    const last = before?.thread ?? -1;
    if (this.bound === Infinity) {
      if (before !== undefined) frame.inherit(before);
      const thread = nextOf(enabled & ~frame.asleep, last);
      if (thread >= 0) frame.planned = 1 << thread;
      return thread;
    }
    const thread = nextOf(enabled, last);
    // Anybody may be next; whoever interrupts uses up a preemption.
    const spare = thread !== last || (before?.preemptions ?? 0) < this.bound;
    frame.planned = spare ? enabled : 1 << thread;
    return thread;
  }

  protected override stepped(
    frame: Frame,
    depth: number,
    execution: Execution,
  ): void {
    // Nothing is compared with anything else: all is tried.
    if (this.bound !== Infinity) return;
    if (execution.turned) {
      join(
        this.#clocks[frame.thread] as Clock,
        this.#resolving[frame.thread] as Clock,
      );
    }
    this.#findRaces(frame, depth);
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
      const other = this.choices[at] as Frame;
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
    const first = this.choices[at] as Frame;
    // What does not come after the first step, and the last one.
    const others: Frame[] = [];
    for (let i = at + 1; i < depth; i++) {
      const frame = this.choices[i] as Frame;
      if (!precedes(first, frame)) others.push(frame);
    }
    others.push(this.choices[depth] as Frame);
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
    if ((first.planned & initials) !== 0) return;
    const possible = initials & first.enabled;
    first.planned |= possible === 0 ? first.enabled : 1 << lowest(possible);
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
}

/** Whether a step comes before another in every order of the same meaning. */
function precedes(first: Frame, second: Frame): boolean {
  return first.order <= (second.clock[first.thread] as number);
}
