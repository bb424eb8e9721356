import process from "node:process";
import { host } from "./host.ts";

/**
 * A variable of this process's environment, in any thread; null when it is
 * unset or empty. Deno is not asked for permission: without --allow-env, or
 * --allow-env for this variable, it is as if unset.
 */
export function readEnvironment(name: string): string | null {
  if (host.runtime === "deno") {
    const { state } = Deno.permissions.querySync({
      name: "env",
      variable: name,
    });
    if (state !== "granted") return null;
  }
  const value = process.env[name];
  return value === undefined || value === "" ? null : value;
}
