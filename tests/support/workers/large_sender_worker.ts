// A Worker that fills more than the first payload segment with messages over
// inproc, says so, and stays until it is ended from outside.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle, Push } from "../../../mod.ts";

/** What the Worker is told. */
export interface LargeSenderData {
  handle: ContextHandle;
  address: string;
  count: number;
  sizeBytes: number;
}

const { handle, address, count, sizeBytes } = workerData as LargeSenderData;
const context = Context.attach(handle);
const push = new Push({ context, sendHighWaterMark: 0, linger: 0 });
push.connect(address);
for (let n = 0; n < count; n += 1) {
  push.sendSync(new Uint8Array(sizeBytes).fill(n + 1));
}
// Keeps the socket, and the Worker alive.
parentPort?.on("message", () => push.close());
parentPort?.postMessage("sent");
