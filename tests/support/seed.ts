// Random tests that can be run again: the seed is printed (the runner shows it
// when the test fails) and PUREZMQ_SEED=<seed> replays it.
import process from "node:process";

/** A small repeatable generator (sfc32), good enough for tests. */
export class SeededRandom {
  /** What to put into PUREZMQ_SEED to see the same numbers. */
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#a = this.seed;
    this.#b = 0x9e3779b9;
    this.#c = 0x243f6a88;
    // The first outputs of close seeds resemble each other.
    for (let round = 0; round < 16; round += 1) this.next32();
  }

  /** The next whole number from 0 to 2³²−1. */
  next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `bound`−1. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1) {
      throw new RangeError(`below(${bound}): not a positive whole number`);
    }
    return Math.floor(this.fraction() * bound);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** A number from 0 up to, not including, 1. */
  fraction(): number {
    return this.next32() / 0x1_0000_0000;
  }

  /** True in `probability` of all calls. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Nothing to pick from");
    return choices[this.below(choices.length)] as T;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) {
      bytes[index] = this.next32() >>> 24;
    }
    return bytes;
  }
}

/**
 * A generator whose seed is new in each run, or PUREZMQ_SEED, and printed with
 * `what` it is used for.
 */
export function seededRandom(what: string): SeededRandom {
  const random = new SeededRandom(seedOfThisRun());
  process.stdout.write(`${what}: PUREZMQ_SEED=${random.seed}\n`);
  return random;
}

function seedOfThisRun(): number {
  const given = process.env["PUREZMQ_SEED"];
  if (given === undefined || given === "") {
    return crypto.getRandomValues(new Uint32Array(1))[0] as number;
  }
  const seed = Number(given);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    throw new RangeError(`PUREZMQ_SEED=${given} is not a 32-bit number`);
  }
  return seed;
}
