// What the start of startup_message.ts is compared with: an empty program that
// starts one Worker and hears from it.

import { Worker } from "node:worker_threads";
import { printLine } from "./perf_arguments.ts";

const thread = new Worker(new URL("./startup_thread.ts", import.meta.url));
await new Promise<void>((resolve, reject) => {
  thread.once("message", () => resolve());
  thread.once("error", reject);
});
printLine(String(performance.timeOrigin + performance.now()));
