// Loaded by the runner before each test file under Deno. Deno 2.9.6 reports a
// file of node:test tests as passed although it threw at its top level, and
// loses errors and rejections that nobody catches (Bun reports them all). They
// are noted in a file, and the runner counts the test file as failed.
import { appendFileSync } from "node:fs";
import process from "node:process";

const notes = process.env["PUREZMQ_UNCAUGHT"];

function note(what: string, reason: unknown): void {
  if (notes === undefined) return;
  const text = reason instanceof Error
    ? reason.stack ?? reason.message
    : String(reason);
  appendFileSync(notes, `${what}: ${text}\n`);
}

globalThis.addEventListener("unhandledrejection", (event) => {
  note("Unhandled rejection", event.reason);
});
globalThis.addEventListener("error", (event) => {
  note("Uncaught error", event.error ?? event.message);
});
