// Does with sockets what its parent says, one thing after the other: takes them
// over, uses them, gives them back. Parts are spoken of as texts.
import { parentPort, workerData } from "node:worker_threads";
import { Context, type ContextHandle } from "../../../mod.ts";
import { type Order, Seat } from "../seat.ts";

const seat = new Seat(Context.attach(workerData as ContextHandle));

async function obey(order: Order): Promise<void> {
  // Without a listener nothing keeps this thread.
  if (order.verb === "end") parentPort?.off("message", obey);
  try {
    parentPort?.postMessage({ value: await seat.obey(order) });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    parentPort?.postMessage({ error: message, code });
  }
}

parentPort?.on("message", obey);
