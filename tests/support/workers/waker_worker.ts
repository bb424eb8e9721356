// A Worker that wakes each loop it is given the handle of, until that is closed,
// and says how often it did.
import { parentPort } from "node:worker_threads";
import { EventLoop, type WakeHandle } from "../../../src/event_loop/mod.ts";

function wakeAll(handle: WakeHandle | null): void {
  if (handle === null) {
    // Without listeners the Worker ends.
    parentPort?.off("message", wakeAll);
    return;
  }
  let wakes = 0;
  while (EventLoop.wake(handle)) wakes++;
  parentPort?.postMessage(wakes);
}

parentPort?.on("message", wakeAll);
