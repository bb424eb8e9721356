// Takes over a socket that its parent detached, uses it and gives it back.
import { parentPort, workerData } from "node:worker_threads";
import {
  Context,
  type ContextHandle,
  Dealer,
  type SocketHandle,
} from "../../../mod.ts";

const { handle, socket } = workerData as {
  handle: ContextHandle;
  socket: SocketHandle;
};
const context = Context.attach(handle);
const dealer = context.adopt(socket, Dealer);
dealer.receiveTimeout = 10_000;
const parts = await dealer.receive();
await dealer.send(["from the worker", ...parts]);
parentPort?.postMessage(dealer.detach());
