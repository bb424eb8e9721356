// Where the two runtimes are, so that tests, benches and the demo start the
// same ones. Everything else that is started is started by an absolute path.
import { spawnSync } from "node:child_process";
import process from "node:process";

/** The Bun release that the project is tested with. */
export const BUN_VERSION = "1.4.4";

/** The Deno release that the project is tested with. */
export const DENO_VERSION = "2.9.6";

/** An executable and its version. */
export interface Executable {
  /** A path, or a name that PATH resolves. */
  readonly path: string;
  /** As the executable itself says. */
  readonly version: string;
}

/** The runtime was not found; the message says what to do. */
export class MissingRuntimeError extends Error {
  override readonly name = "MissingRuntimeError";
}

/**
 * Deno: the one that runs this, else $PUREZMQ_DENO, else the one on PATH, else
 * `npx`'s. Throws MissingRuntimeError.
 */
export function findDeno(): Executable {
  const own = process.versions["deno"];
  if (own !== undefined) return { path: process.execPath, version: own };
  return find("deno", DENO_VERSION, "PUREZMQ_DENO", [
    "eval",
    "console.log(Deno.execPath())",
  ]);
}

/**
 * Bun: the one that runs this, else $PUREZMQ_BUN, else the one on PATH if it is
 * of BUN_VERSION, else `npx`'s. Throws MissingRuntimeError.
 */
export function findBun(): Executable {
  const own = process.versions["bun"];
  if (own !== undefined) return { path: process.execPath, version: own };
  return find("bun", BUN_VERSION, "PUREZMQ_BUN", [
    "-e",
    "console.log(process.execPath)",
  ]);
}

function find(
  name: string,
  version: string,
  variable: string,
  printPath: readonly string[],
): Executable {
  const chosen = process.env[variable];
  if (chosen !== undefined && chosen !== "") {
    const found = versionOf(chosen);
    if (found !== null) return { path: chosen, version: found };
    throw new MissingRuntimeError(`$${variable} (${chosen}) does not run`);
  }
  if (versionOf(name) === version) {
    return { path: resolved(name, printPath) ?? name, version };
  }
  // npx is asked once for the path: it stays in between otherwise, costs half a
  // second at each start, and does not hand on every signal.
  const path = resolved("npx", ["-y", `${name}@${version}`, ...printPath]);
  const found = path === null ? null : versionOf(path);
  if (path !== null && found !== null) return { path, version: found };
  throw new MissingRuntimeError(
    `${name} ${version} was not found. Install it, or Node.js for its npx, ` +
      `or set ${variable} to the path of a ${name} executable.`,
  );
}

function versionOf(path: string): string | null {
  const run = spawnSync(path, ["--version"], { encoding: "utf8" });
  const match = /(\d+\.\d+\.\d+\S*)/.exec(run.stdout ?? "");
  return run.status === 0 && match !== null ? match[1] ?? null : null;
}

function resolved(command: string, args: readonly string[]): string | null {
  const run = spawnSync(command, [...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = (run.stdout ?? "").trim().split("\n").at(-1) ?? "";
  return run.status === 0 && line !== "" ? line : null;
}
