// A Worker that blocks in an event loop: says what it is told of, and stops
// when it is woken.
import { parentPort, workerData } from "node:worker_threads";
import { EventLoop } from "../../../src/event_loop/mod.ts";
import type { SignalRelayHandle } from "../../../src/event_loop/mod.ts";

const { signals, names } = workerData as {
  signals: SignalRelayHandle | null;
  names: readonly string[];
};
const say = (what: unknown): void => parentPort?.postMessage(what);
using loop = new EventLoop(signals === null ? {} : { signals });
try {
  for (const name of names) {
    loop.onSignal(name, ({ signal, count }) => {
      for (let n = 0; n < count; n++) say(signal);
    });
  }
  loop.onWake(() => loop.stop());
  say(loop.wakeHandle);
  loop.run();
  say("stopped");
} catch (error) {
  say((error as { code?: string }).code ?? String(error));
}
