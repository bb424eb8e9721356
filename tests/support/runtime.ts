// How to start another program of ours under the runtime that runs the test.
import process from "node:process";

/** The name of the runtime these tests run in. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** The command line that runs `modulePath` with `args` in this runtime. */
export function commandFor(
  modulePath: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const flags: readonly string[] = runtime === "deno"
    ? ["run", "-A", "--no-check", "--quiet"]
    : runtime === "bun"
    ? ["run"]
    : process.execArgv;
  return { command: process.execPath, args: [...flags, modulePath, ...args] };
}
