// The command line shared by the six measuring programs. Positions and meaning
// are those of libzmq's perf tools; what is ours comes as flags, so that a
// script written for the originals runs these unchanged.

import process from "node:process";
import { writeSync } from "node:fs";

/**
 * How a program receives and sends: blocking; awaited; blocking, but what comes
 * is looked at where it lies; or blocking with messages that both ends hand over
 * by reference.
 */
export type Idiom = "sync" | "promise" | "view" | "message";

/** What a measuring program was asked to do. */
export interface PerfArguments {
  /** Where to bind or connect; empty for the inproc programs. */
  readonly endpoint: string;
  readonly size: number;
  readonly count: number;
  readonly idiom: Idiom;
  /** Say "ready" on stderr as soon as the endpoint is bound. */
  readonly ready: boolean;
}

const IDIOM_FLAGS: readonly Idiom[] = ["promise", "view", "message"];

/**
 * Parses `[<endpoint>] <message-size> <count>` and the flags. Returns null when
 * they make no sense.
 */
export function parsePerfArguments(
  argv: readonly string[],
  withEndpoint: boolean,
): PerfArguments | null {
  const flags = argv.filter((word) => word.startsWith("--"));
  const words = argv.filter((word) => !word.startsWith("--"));
  if (words.length !== (withEndpoint ? 3 : 2)) return null;
  const endpoint = withEndpoint ? words[0] ?? "" : "";
  const size = Number(words.at(-2));
  const count = Number(words.at(-1));
  if (!Number.isSafeInteger(size) || size < 0) return null;
  if (!Number.isSafeInteger(count) || count < 1) return null;
  let idiom: Idiom = "sync";
  let ready = false;
  for (const flag of flags) {
    const chosen = IDIOM_FLAGS.find((name) => flag === `--${name}`);
    if (chosen !== undefined) idiom = chosen;
    else if (flag === "--ready") ready = true;
    else return null;
  }
  return { endpoint, size, count, idiom, ready };
}

/**
 * The arguments of this process, or null after having printed the usage line
 * and set the exit status, as the original tools do.
 */
export function perfArguments(usage: string): PerfArguments | null {
  const withEndpoint = usage.includes("<bind-to>") ||
    usage.includes("<connect-to>");
  const parsed = parsePerfArguments(process.argv.slice(2), withEndpoint);
  if (parsed === null) {
    printLine(`usage: ${usage} [--promise | --view | --message] [--ready]`);
    process.exitCode = 1;
  }
  return parsed;
}

/** Tells a harness that the endpoint is bound; the other side may start. */
export function announceReady(args: PerfArguments): void {
  // Written with the blocking call: the next thing this thread does is to
  // block, and a buffered line would never leave.
  if (args.ready) writeSync(2, "ready\n");
}

/** One line on stdout, out before the call returns. */
export function printLine(line: string): void {
  writeSync(1, `${line}\n`);
}
