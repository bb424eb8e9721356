import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { host } from "../../../ffi/mod.ts";

/** What a child process left behind. */
export interface ScriptResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Long enough for a loaded machine; a script that hangs fails its test. */
const TIMEOUT_MS = 60_000;

/** Runs a fixture in a process of its own, under the runtime of this test. */
export function runScript(
  name: string,
  args: readonly string[] = [],
  permissions: readonly string[] = ["--allow-all"],
): ScriptResult {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  const prefix = host.runtime === "deno"
    ? ["run", "--no-prompt", ...permissions]
    : ["run"];
  // Through a shell and a variable, because Deno's node:child_process adds
  // --allow-all to every command line in which it finds Deno's own path.
  const command = [
    "-c",
    'exec "$RUNTIME" "$@"',
    "sh",
    ...prefix,
    file,
    ...args,
  ];
  const child = spawnSync("sh", command, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: { ...process.env, NO_COLOR: "1", RUNTIME: process.execPath },
  });
  return {
    code: child.status,
    signal: child.signal,
    stdout: child.stdout,
    stderr: child.stderr,
  };
}

/**
 * Compiles and runs a C program and gives back the numbers it printed as
 * "name value" lines; null when this machine has no C compiler.
 */
export function runC(source: string): Map<string, number> | null {
  if (spawnSync("cc", ["--version"]).status !== 0) return null;
  const directory = mkdtempSync(join(tmpdir(), "ffi-test-"));
  try {
    const program = join(directory, "program");
    writeFileSync(`${program}.c`, source);
    const compiled = spawnSync("cc", ["-o", program, `${program}.c`], {
      encoding: "utf8",
    });
    if (compiled.status !== 0) throw new Error(compiled.stderr);
    const { stdout } = spawnSync(program, [], { encoding: "utf8" });
    const lines = stdout.trim().split("\n").map((line) => line.split(" "));
    return new Map(lines.map(([name, value]) => [name ?? "", Number(value)]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
