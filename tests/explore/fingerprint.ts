// What tells the states of an execution apart: what is in memory, and what
// each thread has seen of it so far. A thread's own variables follow from that,
// since it does nothing by chance.
import { THREADS_MAX } from "./shadow.ts";

/** What a search came to, for a comparison with another one. */
export class Reached {
  /** What tells the good ends apart. */
  readonly ends: Set<string> = new Set();
  /** What each thread's objects held between two turns of its loop. */
  readonly objects: Set<string> = new Set();
}

/** 64 bits for each of them, in two halves. */
export class Fingerprint {
  /** Whether anybody asks; keeping count costs a search time. */
  on = false;
  /** What all executions come to, where somebody asks for that, too. */
  reached: Reached | null = null;
  /** The sum over all words that are not zero. */
  #low = 0;
  #high = 0;
  /** What each thread has seen, in order. */
  readonly #lows: Int32Array = new Int32Array(THREADS_MAX);
  readonly #highs: Int32Array = new Int32Array(THREADS_MAX);

  /** Another execution begins, with all memory zero. */
  renew(): void {
    this.#low = this.#high = 0;
    this.#lows.fill(0);
    this.#highs.fill(0);
  }

  /** A word of shared memory changes. */
  wrote(place: number, before: number, after: number): void {
    if (before === after) return;
    this.leave(place, before);
    this.enter(place, after);
  }

  /** A word that held this is about to be written. */
  leave(place: number, value: number): void {
    if (value === 0) return;
    this.#low = (this.#low - mix(place, value, LOW)) | 0;
    this.#high = (this.#high - mix(place, value, HIGH)) | 0;
  }

  /** A word holds this from now on. */
  enter(place: number, value: number): void {
    if (value === 0) return;
    this.#low = (this.#low + mix(place, value, LOW)) | 0;
    this.#high = (this.#high + mix(place, value, HIGH)) | 0;
  }

  /** A thread gets to know something. */
  saw(thread: number, value: number): void {
    this.#lows[thread] = mix(this.#lows[thread] as number, value, LOW);
    this.#highs[thread] = mix(this.#highs[thread] as number, value, HIGH);
  }

  /** All that a thread goes on with from here. */
  setThread(thread: number, { low, high }: Key): void {
    this.#lows[thread] = low;
    this.#highs[thread] = high;
  }

  /** The state as it is, with some numbers that belong to it, too. */
  take(rest: readonly number[], into: Key): void {
    let low = this.#low;
    let high = this.#high;
    for (let i = 0; i < THREADS_MAX; i++) {
      low = mix(low, this.#lows[i] as number, LOW);
      high = mix(high, this.#highs[i] as number, HIGH);
    }
    for (const value of rest) {
      low = mix(low, value, LOW);
      high = mix(high, value, HIGH);
    }
    into.low = low;
    into.high = high;
  }
}

/** A state's 64 bits. */
export interface Key {
  low: number;
  high: number;
}

export function textOfKey({ low, high }: Key): string {
  return `${low},${high}`;
}

/** The one of the execution under way. */
export const fingerprint: Fingerprint = new Fingerprint();

const LOW = 0x2c1b3c6d;
const HIGH = 0x297a2d39;

function mix(a: number, b: number, salt: number): number {
  let x = Math.imul(a ^ salt, 0x9e3779b1) ^ Math.imul(b + salt, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** Adds to what a key stands for. */
export function mix64(key: Key, value: number): void {
  key.low = mix(key.low, value, LOW);
  key.high = mix(key.high, value, HIGH);
}

/** States by their keys, each with a small number that is not negative. */
export class StateTable {
  size = 0;
  #lows: Int32Array = new Int32Array(1 << 12);
  #highs: Int32Array = new Int32Array(1 << 12);
  /** The number plus one; 0 = nothing is here. */
  #values: Uint8Array = new Uint8Array(1 << 12);

  /** -1 for a state that is not there. */
  get({ low, high }: Key): number {
    return (this.#values[this.#slot(low, high)] as number) - 1;
  }

  set({ low, high }: Key, value: number): void {
    const slot = this.#slot(low, high);
    if (this.#values[slot] === 0) this.size++;
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#values[slot] = value + 1;
    if (this.size * 2 > this.#values.length) this.#grow();
  }

  #slot(low: number, high: number): number {
    const last = this.#values.length - 1;
    let slot = (low ^ high) & last;
    while (
      this.#values[slot] !== 0 &&
      (this.#lows[slot] !== low || this.#highs[slot] !== high)
    ) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [lows, highs, values] = [this.#lows, this.#highs, this.#values];
    this.#lows = new Int32Array(2 * lows.length);
    this.#highs = new Int32Array(2 * lows.length);
    this.#values = new Uint8Array(2 * lows.length);
    values.forEach((value, at) => {
      if (value === 0) return;
      const slot = this.#slot(lows[at] as number, highs[at] as number);
      this.#lows[slot] = lows[at] as number;
      this.#highs[slot] = highs[at] as number;
      this.#values[slot] = value;
    });
  }
}
