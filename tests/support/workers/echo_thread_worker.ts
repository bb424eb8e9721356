// The other thread of a kernel: answers each command with one of its own,
// sleeping in the ways that it is told to.
import { parentPort, workerData } from "node:worker_threads";
import type { ContextHandle } from "../../../src/core/context_handle.ts";
import { nextTurn } from "../wait.ts";
import { Kernel } from "../kernel.ts";

interface Task {
  handle: ContextHandle;
  /** Nodes of this thread and of the test's. */
  mine: number;
  theirs: number;
  rounds: number;
  /** Blocks only, or lets its event loop wake it now and then. */
  blocks: boolean;
}

const { handle, mine, theirs, rounds, blocks } = workerData as Task;
const kernel = new Kernel({}, {}, handle);
const thread = kernel.thread(1);
let answered = 0;
thread.register(mine, {
  processCommands: () => {
    answered += 1;
    kernel.control.post(theirs, 1);
  },
});
parentPort?.postMessage("ready");
if (!blocks) thread.retain();
while (answered < rounds) {
  if (blocks || answered % 100 < 50) thread.waitSync(Infinity);
  else await nextTurn();
}
if (!blocks) thread.release();
parentPort?.postMessage("done");
