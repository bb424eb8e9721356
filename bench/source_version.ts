// Which state of this library's source a bench measured.

import { spawnSync } from "node:child_process";
import { pathOf } from "./contestants.ts";

/**
 * `["source at 1a2b3c4"]`, with what was not committed said; empty where there
 * is no git, or the source did not come from it.
 */
export function sourceVersion(): string[] {
  const git = (...args: string[]): string | null => {
    const run = spawnSync("git", args, {
      cwd: pathOf(".."),
      encoding: "utf8",
    });
    return run.status === 0 ? run.stdout.trim() : null;
  };
  const commit = git("rev-parse", "--short", "HEAD");
  if (commit === null) return [];
  const changes = git("status", "--porcelain", "--", "src", "ffi", "bench");
  return [`source at ${commit}${changes === "" ? "" : ", changed"}`];
}
