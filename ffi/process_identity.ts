import { readSystemFile } from "./shared_file.ts";

/** What the system says of a process. */
export interface ProcessIdentity {
  /**
   * Clock ticks from the machine's start to the process's: with its number it
   * tells a process from a later one that was given the same number.
   */
  readonly startTicks: number;
  /** "stopped" by a signal; "dead" also when its parent has not noticed. */
  readonly state: "alive" | "stopped" | "dead";
}

/** A process of this machine as /proc has it; null without such a one. */
export function processIdentity(pid: number): ProcessIdentity | null {
  const stat = readSystemFile(`/proc/${pid}/stat`);
  return stat === null ? null : parseProcessStat(stat);
}

/** Takes a line of /proc/<pid>/stat apart; null for what is none. */
export function parseProcessStat(stat: string): ProcessIdentity | null {
  // The command may have spaces and brackets in it: the last one ends it.
  const end = stat.lastIndexOf(")");
  if (end < 0) return null;
  // Fields 3 (state) to 22 (starttime).
  const fields = stat.slice(end + 2).split(" ");
  const startTicks = Number(fields[19]);
  const state = fields[0] ?? "";
  if (!Number.isFinite(startTicks) || state === "") return null;
  const isDead = state === "Z" || state === "X" || state === "x";
  const isStopped = state === "T" || state === "t";
  return {
    startTicks,
    state: isDead ? "dead" : isStopped ? "stopped" : "alive",
  };
}
