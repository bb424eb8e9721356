// How many connections one process may have here.

import { spawnSync } from "node:child_process";
import type { Command } from "../harness.ts";

/** Descriptors of a process that are no connections: a runtime's own and ours. */
const OTHER_DESCRIPTORS = 64;

/** The hard limit of RLIMIT_NOFILE, which children may raise theirs to. */
export function hardDescriptorLimit(): number {
  const shell = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" });
  return parseLimit(shell.stdout ?? "");
}

/** What `ulimit` prints. */
export function parseLimit(text: string): number {
  const word = text.trim();
  if (word === "unlimited") return Infinity;
  const limit = Number(word);
  if (word === "" || !Number.isSafeInteger(limit)) {
    throw new TypeError(`Cannot read the limit of descriptors: "${word}"`);
  }
  return limit;
}

/**
 * The sizes that fit, ascending and each once: what does not becomes the
 * largest that does.
 */
export function sizesThatFit(
  sizes: readonly number[],
  descriptorLimit: number,
): number[] {
  const largest = Math.max(1, descriptorLimit - OTHER_DESCRIPTORS);
  const fitting = new Set(sizes.map((size) => Math.min(size, largest)));
  return [...fitting].sort((a, b) => a - b);
}

/** The command with a soft limit that so many connections need. */
export function withDescriptors(
  command: Command,
  connections: number,
): Command {
  const script = 'ulimit -Sn "$0" && exec "$@"';
  const limit = String(connections + OTHER_DESCRIPTORS);
  return {
    file: "sh",
    args: ["-c", script, limit, command.file, ...command.args],
  };
}
