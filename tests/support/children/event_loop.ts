// A program with an event loop, of which the test looks at the end.
import process from "node:process";
import { Worker } from "node:worker_threads";
import {
  AsyncEventLoop,
  closeDescriptor,
  connectTcp,
  EventLoop,
  listenTcp,
  receiveBytes,
  sendBytes,
  SignalRelay,
  type Watch,
} from "../../../src/event_loop/mod.ts";
import { until } from "../wait.ts";

const say = (what: unknown): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`);
};

/** Ticks on, and says of each when it came and how many were left out. */
function tick(): void {
  using loop = new EventLoop();
  const start = performance.now();
  loop.setTicker(20, (missed) => {
    say({ at: performance.now() - start, missed });
  });
  loop.setTimer(60_000, () => loop.stop());
  loop.run();
}

/** Hears a signal, stops listening, and gets it once more. */
async function hearThenDie(): Promise<void> {
  const loop = new AsyncEventLoop();
  loop.onSignal("SIGUSR2");
  process.kill(process.pid, "SIGUSR2");
  for await (const event of loop) {
    say(event.type);
    break;
  }
  await dieOfSignal();
}

/** Sends the signal that nobody listens to until it has its way. */
function dieOfSignal(): Promise<void> {
  return until(() => {
    process.kill(process.pid, "SIGUSR2");
    return false;
  }, "the end of this process");
}

/** The same, by a relay and a blocking loop in a Worker. */
async function relayThenDie(): Promise<void> {
  const relay = new SignalRelay(["SIGUSR2"]);
  const url = new URL("../workers/event_loop_worker.ts", import.meta.url);
  const worker = new Worker(url, {
    workerData: { signals: relay.handle, names: ["SIGUSR2"] },
  });
  worker.on("message", (said: unknown) => {
    if (typeof said === "object") process.kill(process.pid, "SIGUSR2");
    else {
      say(said);
      relay.close();
      void dieOfSignal();
    }
  });
  await new Promise(() => {});
}

/** Opens everything, awaits an event or nothing at all, and comes to its end. */
async function leaveOpen(awaited: boolean): Promise<void> {
  const loop = new AsyncEventLoop();
  loop.watch(listenTcp("127.0.0.1", 0).fd);
  loop.onSignal("SIGUSR2");
  loop.onFileChange(process.cwd());
  loop.setTicker(20);
  if (awaited) say((await loop.next()).value?.type);
  say("end");
}

/** Clients of an echo server; they leave when all were answered. */
function beClients(port: number, clients: number): void {
  const isLinux = process.platform === "linux";
  using loop = new EventLoop({ poller: isLinux ? "epoll" : "kqueue" });
  const buffer = new Uint8Array(16);
  const answered: Watch[] = [];
  let next = 0;
  const connect = (): void => {
    const number = next++;
    loop.watch(connectTcp("127.0.0.1", port), {
      writable(watch) {
        sendBytes(watch.fd, new Uint8Array([number & 255, number >> 8]));
        watch.setInterest({ read: true, write: false });
      },
      readable(watch) {
        const count = receiveBytes(watch.fd, buffer);
        if (count < 0) return watch.inputExhausted();
        const isRight = count === 2 &&
          (buffer[0] as number) + (buffer[1] as number) * 256 === number;
        if (!isRight) throw new Error(`Client ${number} got ${count} bytes`);
        answered.push(watch);
        watch.setInterest({ read: false });
        if (next < clients) connect();
        if (answered.length === clients) loop.stop();
      },
    }, { write: true });
  };
  while (next < Math.min(clients, 500)) connect();
  loop.run();
  for (const watch of answered) {
    watch.close();
    closeDescriptor(watch.fd);
  }
  say({ echoed: answered.length });
}

switch (process.argv[2]) {
  case "clients":
    beClients(Number(process.argv[3]), Number(process.argv[4]));
    break;
  case "tick":
    tick();
    break;
  case "hear":
    await hearThenDie();
    break;
  case "relay":
    await relayThenDie();
    break;
  case "leave":
    await leaveOpen(false);
    break;
  case "await":
    await leaveOpen(true);
    break;
}
