// Sends or receives numbered messages over inproc in a Worker of its own.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle, Pull, Push } from "../../../mod.ts";
import { numberedBody, numberOf } from "../content.ts";

interface Task {
  handle: ContextHandle;
  role: "send" | "receive";
  endpoint: string;
  count: number;
  size: number;
}

const task = workerData as Task;
const context = Context.attach(task.handle);

async function send(): Promise<void> {
  const push = new Push({ context, linger: 30_000 });
  push.connect(task.endpoint);
  for (let n = 0; n < task.count; n += 1) {
    await push.send(numberedBody(n, task.size));
  }
  push.close();
}

async function receive(): Promise<void> {
  const pull = new Pull({ context, receiveTimeout: 30_000 });
  pull.connect(task.endpoint);
  for (let n = 0; n < task.count; n += 1) {
    const [body] = await pull.receive();
    if (numberOf(body) !== n || body.length !== task.size) {
      throw new Error(`Message ${n} is ${numberOf(body)}`);
    }
  }
  pull.close();
}

await (task.role === "send" ? send() : receive());
parentPort?.postMessage("done");
