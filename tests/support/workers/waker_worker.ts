// A Worker that wakes each loop it is given the handle of, until that is closed,
// and says how often it did.
import { parentPort } from "node:worker_threads";
import { EventLoop, type WakeHandle } from "../../../src/event_loop/mod.ts";

parentPort?.on("message", (handle: WakeHandle | null) => {
  if (handle === null) {
    parentPort?.close();
    return;
  }
  let wakes = 0;
  while (EventLoop.wake(handle)) wakes++;
  parentPort?.postMessage(wakes);
});
