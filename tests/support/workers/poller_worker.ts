// A Worker that waits with a poller for a socket and a descriptor, and answers
// what comes, until it is told to stop or its wait fails.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle, Pair, Poller } from "../../../mod.ts";

interface Task {
  handle: ContextHandle;
  endpoint: string;
  /** A descriptor that is never ready, or null for the socket alone. */
  fd: number | null;
  blocks: boolean;
}

const { handle, endpoint, fd, blocks } = workerData as Task;
const context = Context.attach(handle);
const pair = new Pair({ context, linger: 10_000 });
pair.connect(endpoint);
const poller = new Poller();
poller.add(pair);
if (fd !== null) poller.add(fd);
parentPort?.postMessage("waiting");
try {
  for (let more = true; more;) {
    const events = blocks ? poller.waitAllSync() : await poller.wait();
    if (events.length !== 1) throw new Error(`${events.length} events`);
    const parts = pair.tryReceive();
    if (parts === undefined) throw new Error("ready without a message");
    pair.sendSync(parts);
    more = parts[0].toString() !== "stop";
  }
} catch (error) {
  parentPort?.postMessage((error as { code?: string }).code ?? String(error));
}
poller.close();
pair.close();
parentPort?.postMessage("done");
