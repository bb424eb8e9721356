// Binds or connects inproc sockets in a Worker, as told, as fast as it can:
// the race of test_inproc_connect between threads.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle, Pull, Push } from "../../../mod.ts";

interface Task {
  handle: ContextHandle;
  gate: SharedArrayBuffer;
  rounds: number;
  role: "bind" | "connect";
}

const task = workerData as Task;
const context = Context.attach(task.handle);
const gate = new Int32Array(task.gate);

for (let round = 1; round <= task.rounds; round += 1) {
  // Both threads start a round at the same moment.
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < 2 * round) { /* a few microseconds */ }
  const name = `inproc://race-${round}`;
  if (task.role === "bind") {
    const pull = new Pull({ context, receiveTimeout: 10_000 });
    await pull.bind(name);
    const [body] = await pull.receive();
    if (body[0] !== (round & 0xff)) throw new Error(`Round ${round}`);
    pull.close();
  } else {
    const push = new Push({ context, linger: 10_000 });
    push.connect(name);
    await push.send(Uint8Array.of(round & 0xff));
    push.close();
  }
}
parentPort?.postMessage("done");
