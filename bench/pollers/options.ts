// The command line of `deno task bench:pollers`.

import type { RuntimeName } from "../runtimes.ts";
import { POLLER_CHOICES } from "./contenders.ts";

/** What can be measured. */
export const PHASES = ["cost", "echo", "idle"] as const;
export type Phase = typeof PHASES[number];

export interface Options {
  readonly help: boolean;
  readonly kinds: readonly string[];
  readonly runtimes: readonly RuntimeName[];
  /** Numbers of watched descriptors, ascending. */
  readonly sizes: readonly number[];
  readonly pairs: number;
  readonly phases: readonly Phase[];
  readonly warmUpEvents: number;
  readonly measuredMs: number;
  readonly idleMs: number;
  /** Nothing was left out: the results are worth keeping. */
  readonly complete: boolean;
}

export const USAGE: string = `deno task bench:pollers [options]
  --small             one tiny run of each, nothing written
  --kinds=<a,b>       of ${POLLER_CHOICES.map(({ name }) => name).join(",")}
  --runtimes=<a,b>    of deno,bun
  --sizes=<a,b>       numbers of watched descriptors (1,10,100,1000,10000)
  --pairs=<n>         how often each is measured (5)
  --only=<a,b>        of ${PHASES.join(",")}
Results are written to bench/results only when nothing is left out.`;

const RUNTIMES: readonly RuntimeName[] = ["deno", "bun"];
const SIZES = [1, 10, 100, 1_000, 10_000];
const PAIRS = 5;

/** Throws a RangeError that says which word is wrong. */
export function parseOptions(argv: readonly string[]): Options {
  const given = new Map<string, string>();
  for (const word of argv) {
    const [flag = "", value = ""] = word.split("=", 2);
    given.set(flag, value);
  }
  const small = given.delete("--small");
  const help = given.delete("--help");
  const take = <T extends string>(flag: string, all: readonly T[]): T[] => {
    const words = given.get(flag)?.split(",") ?? all;
    given.delete(flag);
    return words.map((word) => {
      const known = all.find((each) => each === word);
      if (known === undefined) {
        throw new RangeError(`Unknown word in ${flag}: "${word}"`);
      }
      return known;
    });
  };
  const numbers = (flag: string, otherwise: readonly number[]): number[] => {
    const all = given.get(flag)?.split(",").map(Number) ?? [...otherwise];
    given.delete(flag);
    if (all.every((value) => Number.isSafeInteger(value) && value >= 1)) {
      return all.sort((a, b) => a - b);
    }
    throw new RangeError(`No natural numbers in ${flag}`);
  };
  const narrowed = given.size > (given.has("--pairs") ? 1 : 0);
  const [pairs = PAIRS] = numbers("--pairs", [small ? 1 : PAIRS]);
  const options: Options = {
    help,
    kinds: take("--kinds", POLLER_CHOICES.map(({ name }) => name)),
    runtimes: take("--runtimes", RUNTIMES),
    sizes: numbers("--sizes", small ? [1, 10, 20] : SIZES),
    pairs,
    phases: take("--only", PHASES),
    warmUpEvents: small ? 200 : 20_000,
    measuredMs: small ? 50 : 1_000,
    idleMs: small ? 50 : 5_000,
    complete: !small && !narrowed && pairs >= PAIRS,
  };
  const [unknown] = given.keys();
  if (unknown !== undefined) {
    throw new RangeError(`Unknown option: "${unknown}"`);
  }
  return options;
}
