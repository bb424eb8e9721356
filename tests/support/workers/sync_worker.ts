// A Worker that uses nothing but blocking calls: answers what it is asked
// until it is told to stop.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle, Reply } from "../../../mod.ts";

const { handle, endpoint } = workerData as {
  handle: ContextHandle;
  endpoint: string;
};
const context = Context.attach(handle);
const reply = new Reply({ context });
reply.connect(endpoint);
try {
  for (;;) {
    const parts = reply.receiveSync();
    reply.sendSync([...parts, "!"]);
    if (new TextDecoder().decode(Uint8Array.from(parts[0])) === "stop") break;
  }
} catch (error) {
  parentPort?.postMessage((error as { code?: string }).code ?? String(error));
}
reply.linger = 10_000;
reply.close();
parentPort?.postMessage("done");
