// The command lines of the programs with many peers, subscriptions or
// connections, the same as those of bench/libzmq/crowd.c.

import process from "node:process";
import { writeSync } from "node:fs";
import { printLine } from "../perf_arguments.ts";

/** What such a program was asked to do. */
export interface CrowdArguments {
  readonly binds: boolean;
  readonly endpoint: string;
  readonly numbers: readonly number[];
  /** A word after the numbers, or the empty one. */
  readonly word: string;
}

/** Parses `bind|connect <endpoint> <number>… [<word>]`; null if it is not. */
export function parseCrowdArguments(
  argv: readonly string[],
  numberCount: number,
): CrowdArguments | null {
  const [side, endpoint = "", ...rest] = argv;
  if (side !== "bind" && side !== "connect" || endpoint === "") return null;
  const numbers = rest.slice(0, numberCount).map(Number);
  const [word = "", ...more] = rest.slice(numberCount);
  const valid = numbers.length === numberCount && more.length === 0 &&
    numbers.every((number) => Number.isSafeInteger(number) && number > 0);
  return valid ? { binds: side === "bind", endpoint, numbers, word } : null;
}

/** The arguments of this process, or null after the usage line. */
export function crowdArguments(
  usage: string,
  numberCount: number,
): CrowdArguments | null {
  const parsed = parseCrowdArguments(process.argv.slice(2), numberCount);
  if (parsed === null) {
    printLine(`usage: ${usage}`);
    process.exitCode = 1;
  }
  return parsed;
}

/** Tells whoever started this program that the other end may start. */
export function sayReady(): void {
  writeSync(2, "ready\n");
}
