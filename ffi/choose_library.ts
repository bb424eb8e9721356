import { host } from "./host.ts";
import type { Library } from "./library.ts";

// The specifiers are literals so that publishing tools can follow them, and the
// branch not taken is never evaluated: Deno has no module "bun:ffi".
async function chooseLibrary(): Promise<Library | null> {
  switch (host.runtime) {
    case "deno":
      return (await import("./library_deno.ts")).library;
    case "bun":
      return (await import("./library_bun.ts")).library;
    default:
      return null;
  }
}

/** The foreign function interface of this runtime; null when there is none. */
export const library: Library | null = await chooseLibrary();
