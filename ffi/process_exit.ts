import process from "node:process";
import { host } from "./host.ts";

// One listener per JS thread for all callbacks: node's emitters warn about
// more than ten.
const callbacks = new Set<() => void>();
let listening = false;

function runAll(): void {
  let failure: unknown = null;
  let failed = false;
  for (const callback of [...callbacks]) {
    // Deleted first, because Deno may announce one end by both events.
    callbacks.delete(callback);
    try {
      callback();
    } catch (error) {
      if (!failed) failure = error;
      failed = true;
    }
  }
  if (failed) throw failure;
}

/**
 * Calls `callback` once when this JS thread ends in an orderly way; it may
 * block, but nothing asynchronous happens after it. Not called when a signal
 * or, in Deno, an uncaught error ends the process.
 *
 * @returns A function that takes the callback back.
 */
export function onProcessExit(callback: () => void): () => void {
  // A wrapper, so that one function registered twice is called twice.
  const entry = (): void => callback();
  callbacks.add(entry);
  if (!listening) {
    listening = true;
    // Bun: "exit" always. Deno: "unload" on a natural end and on Deno.exit,
    // "exit" on process.exit.
    process.on("exit", runAll);
    if (host.runtime === "deno") {
      globalThis.addEventListener("unload", runAll);
    }
  }
  return (): void => {
    callbacks.delete(entry);
  };
}
