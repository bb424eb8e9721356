// Binds, connects and closes inproc sockets as fast as it can, on names that
// other threads use at the same time.
import { parentPort, workerData } from "node:worker_threads";
import { SocketType } from "../../../src/base/socket_type.ts";
import { type ContextHandle, Ctx } from "../../../src/core/ctx.ts";
import { Received } from "../../../src/core/pattern.ts";
import { WIRING } from "../../../src/wiring.ts";
import { SeededRandom } from "../seed.ts";
import { nextTurn } from "../wait.ts";

interface Task {
  handle: ContextHandle;
  seed: number;
  rounds: number;
  names: number;
}

const { handle, seed, rounds, names } = workerData as Task;
const ctx = Ctx.attach(handle, WIRING);
const random = new SeededRandom(seed);
const body = Uint8Array.of(1, 2, 3);

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

for (let round = 0; round < rounds; round += 1) {
  const name = `inproc://${random.below(names)}`;
  let socket;
  try {
    socket = ctx.createSocket(SocketType.DEALER);
  } catch (error) {
    // The reaper is behind.
    if (codeOf(error) !== "EMFILE") throw error;
    await nextTurn();
    round -= 1;
    continue;
  }
  socket.setOption("linger", 0);
  try {
    if (random.chance(0.5)) socket.bind(name);
    else socket.connect(name);
    if (random.chance(0.5)) socket.trySend([body], 1);
    if (random.chance(0.5)) socket.tryReceive(new Received());
    if (random.chance(0.2)) socket.disconnect(name);
    if (random.chance(0.2)) socket.unbind(name);
  } catch (error) {
    if (!["EADDRINUSE", "ENOENT", "EMFILE"].includes(codeOf(error))) {
      throw error;
    }
  }
  socket.close();
}
ctx.leave();
parentPort?.postMessage("done");
