// The command line of `deno task bench`.

import type { RuntimeName } from "./runtimes.ts";

/** How the benches are run. */
export interface Options {
  /** Each row once, at a size that only shows that it works. */
  readonly tiny: boolean;
  /** Only rows whose name contains one of these; all, if there are none. */
  readonly rows: readonly string[];
  readonly runtimes: readonly RuntimeName[];
  /** How often each row is measured. */
  readonly pairs: number;
  /** Where the results go; null where a run is not to write any. */
  readonly output: string | null;
  readonly help: boolean;
}

export const USAGE = `deno task bench [options]
  --tiny             one short pair of each row, nothing kept
  --rows=<a,b>       only the rows of these names; what is no row's name stands
                     for all whose name contains it
  --runtimes=<a,b>   only these of deno,bun
  --pairs=<n>        how often each row is measured (5)
  --output=<folder>  where tables, samples and plots go; without it into
                     bench/results, if all rows ran in both runtimes`;

const DEFAULT_PAIRS = 5;

/** Parses the arguments. Throws RangeError for what is none. */
export function parseOptions(
  argv: readonly string[],
  results: string,
): Options {
  let tiny = false;
  let help = false;
  let rows: string[] = [];
  let runtimes: RuntimeName[] = ["deno", "bun"];
  let pairs = 0;
  let output: string | undefined;
  for (const word of argv) {
    const [flag, value = ""] = word.split("=", 2);
    if (word === "--tiny") tiny = true;
    else if (word === "--help") help = true;
    else if (flag === "--rows" && value !== "") rows = value.split(",");
    else if (flag === "--runtimes") {
      runtimes = value.split(",").map(runtimeName);
    } else if (flag === "--pairs" && Number(value) >= 1) {
      pairs = Math.trunc(Number(value));
    } else if (flag === "--output" && value !== "") output = value;
    else throw new RangeError(`Unknown option: "${word}"\n${USAGE}`);
  }
  const whole = !tiny && rows.length === 0 && runtimes.length === 2;
  return {
    tiny,
    rows,
    runtimes,
    pairs: pairs || (tiny ? 1 : DEFAULT_PAIRS),
    output: output ?? (whole ? results : null),
    help,
  };
}

function runtimeName(word: string): RuntimeName {
  if (word === "deno" || word === "bun") return word;
  throw new RangeError(`Unknown runtime: "${word}"`);
}
