// Creates a context for others to attach to, and does nothing more: the test
// ends the thread when it likes.
import { parentPort } from "node:worker_threads";
import { Context } from "../../../mod.ts";

const context = new Context();
parentPort?.postMessage(context.handle);
parentPort?.on("message", () => {});
