// The two runtimes that the benches and the demo start their programs in.

import { findBun, findDeno } from "../tests/support/executables.ts";

export type RuntimeName = "deno" | "bun";

/** One installed runtime. */
export interface Runtime {
  readonly name: RuntimeName;
  readonly version: string;
  readonly path: string;
  /** What goes before a script's path. */
  readonly runArguments: readonly string[];
}

/** The runtime of that name. Throws MissingRuntimeError. */
export function findRuntime(name: RuntimeName): Runtime {
  return name === "deno"
    ? { name, ...findDeno(), runArguments: ["run", "-A", "--quiet"] }
    : { name, ...findBun(), runArguments: ["run"] };
}
