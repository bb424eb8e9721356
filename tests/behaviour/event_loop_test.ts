// Event loops in threads and programs of their own: signals, wake-ups, the
// life of the process, and ten thousand clients.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { host, maxFiles, openSocketPair } from "../../ffi/mod.ts";
import {
  acceptConnection,
  closeDescriptor,
  EventLoop,
  type EventLoopError,
  listenTcp,
  receiveBytes,
  sendBytes,
  SignalRelay,
  type WakeHandle,
  type Watch,
} from "../../src/event_loop/mod.ts";
import { refusal, turnUntil } from "../support/event_loops.ts";
import { leakFree } from "../support/leaks.ts";
import { commandFor, runtime } from "../support/runtime.ts";
import { testUnless } from "../support/skip.ts";
import { until, within } from "../support/wait.ts";
import { TestWorker } from "../support/worker.ts";

/** A program of tests/support/children, and what it says. */
class Child {
  readonly process: ChildProcess;
  readonly said: unknown[] = [];
  readonly ended: Promise<number | string | null>;

  constructor(name: string, argument: string) {
    const url = new URL(`../support/children/${name}`, import.meta.url);
    const { command, args } = commandFor(
      fileURLToPath(url),
      argument.split(" "),
    );
    this.process = spawn(command, args, {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rest = "";
    this.process.stdout?.on("data", (chunk) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.said.push(JSON.parse(line));
    });
    this.ended = new Promise((resolve) => {
      this.process.once("close", (code, signal) => resolve(signal ?? code));
    });
  }
}

/** A Worker in a loop with these signals. */
async function signalWorker(relay: SignalRelay | null, names: string[]) {
  const worker = new TestWorker("event_loop_worker.ts", {
    signals: relay?.handle ?? null,
    names,
  });
  const wakeHandle = await worker.said<WakeHandle>("its wake handle");
  return { worker, wakeHandle };
}

async function stopped(worker: TestWorker, handle: WakeHandle): Promise<void> {
  assert.equal(EventLoop.wake(handle), true);
  assert.equal(await worker.said("that it stopped"), "stopped");
  await worker.ended();
}

describe("a signal", () => {
  test(
    "reaches the blocking loops of several threads through a relay",
    leakFree(async () => {
      using relay = new SignalRelay(["SIGUSR2", "SIGWINCH"]);
      const all = await Promise.all([
        signalWorker(relay, ["SIGUSR2"]),
        signalWorker(relay, ["SIGUSR2", "SIGWINCH"]),
      ]);
      for (let round = 0; round < 20; round++) {
        process.kill(process.pid, "SIGUSR2");
        for (const { worker } of all) {
          assert.equal(await worker.said("the signal"), "SIGUSR2");
        }
      }
      process.kill(process.pid, "SIGWINCH");
      assert.equal(await all[1]?.worker.said("the other one"), "SIGWINCH");
      for (const each of all) await stopped(each.worker, each.wakeHandle);
      // And the first said nothing of it: it had said all else in turn.
    }),
  );

  testUnless(
    runtime === "deno" || host.os !== "linux"
      ? null
      : "Bun tells the main thread only",
    "reaches a blocking loop that has no relay",
    leakFree(async () => {
      const { worker, wakeHandle } = await signalWorker(null, ["SIGUSR2"]);
      for (let round = 0; round < 20; round++) {
        process.kill(process.pid, "SIGUSR2");
        assert.equal(await worker.said("the signal"), "SIGUSR2");
      }
      await stopped(worker, wakeHandle);
    }),
  );

  testUnless(
    runtime === "deno" ? null : "Bun tells the main thread only",
    "reaches a loop that blocks the main thread, and is let go of",
    leakFree(() => {
      using loop = new EventLoop();
      const told: string[] = [];
      const first = loop.onSignal("SIGUSR2", (e) => told.push(e.signal));
      const second = loop.onSignal("SIGUSR2", (e) => told.push(e.signal));
      const other = loop.onSignal("SIGWINCH", (e) => told.push(e.signal));
      assert.equal(loop.load, 3);
      process.kill(process.pid, "SIGUSR2");
      turnUntil(loop, () => told.length === 2, "both to be told");
      first.close();
      process.kill(process.pid, "SIGUSR2");
      turnUntil(loop, () => told.length === 3, "the other one to be told");
      second.close();
      process.kill(process.pid, "SIGWINCH");
      turnUntil(loop, () => told.length === 4, "the third one to be told");
      assert.deepEqual(told.slice(2), ["SIGUSR2", "SIGWINCH"]);
      other.close();
      assert.equal(loop.load, 0);
    }),
  );

  testUnless(
    runtime === "bun" && host.os === "linux" ? null : "Bun's limit on Linux",
    "is refused where the runtime does not tell of it",
    async () => {
      using loop = new EventLoop();
      const error = refusal(() => loop.onSignal("SIGUSR2", () => {}));
      assert.equal(error.code, "ENOTSUP");
      assert.equal(error.signal, "SIGUSR2");
      assert.match(error.message ?? "", /SignalRelay/);
      const worker = new TestWorker("event_loop_worker.ts", {
        signals: null,
        names: ["SIGUSR2"],
      });
      assert.equal(await worker.said("that it cannot"), "ENOTSUP");
      await worker.ended();
    },
  );

  test("is refused from a relay of the very thread that blocks", () => {
    using relay = new SignalRelay(["SIGUSR2"]);
    using loop = new EventLoop({ signals: relay.handle });
    const error = refusal(() => loop.onSignal("SIGUSR2", () => {}));
    assert.equal(error.code, "ENOTSUP");
    assert.equal(error.call, "EventLoop.onSignal");
  });

  test("that nobody can hear is refused", () => {
    const attempts = [(name: string) => new SignalRelay([name])];
    using loop = new EventLoop();
    attempts.push((name) => {
      loop.onSignal(name, () => {});
      throw new Error("It was taken");
    });
    for (const attempt of attempts) {
      for (const name of ["SIGKILL", "SIGSTOP"]) {
        const error = refusal(() => attempt(name)) as EventLoopError;
        assert.equal(error.code, "EINVAL");
        assert.equal(error.signal, name);
      }
      for (const name of ["SIGNONE", "", 15, null]) {
        assert.throws(() => attempt(name as string), TypeError);
      }
    }
    using relay = new SignalRelay(["SIGWINCH"]);
    // In a Worker, as it were: the relay's thread does not block.
    const elsewhere = { ...relay.handle, threadId: 0 };
    using other = new EventLoop({ signals: elsewhere });
    const error = refusal(() => other.onSignal("SIGUSR2", () => {}));
    assert.equal(error.code, "EINVAL");
    assert.match(error.message ?? "", /not among those of the SignalRelay/);
  });

  for (const [argument, said] of [["hear", "signal"], ["relay", "SIGUSR2"]]) {
    test(`does what it did before when nobody listens: ${argument}`, async () => {
      const child = new Child("event_loop.ts", argument as string);
      assert.equal(await within(child.ended, "its end"), "SIGUSR2");
      assert.deepEqual(child.said, [said]);
    });
  }
});

describe("a program", () => {
  test("is not kept by a loop that nobody awaits", async () => {
    const child = new Child("event_loop.ts", "leave");
    assert.equal(await within(child.ended, "its end"), 0);
    assert.deepEqual(child.said, ["end"]);
  });

  test("is kept while an event is awaited, and not longer", async () => {
    const child = new Child("event_loop.ts", "await");
    assert.equal(await within(child.ended, "its end"), 0);
    assert.deepEqual(child.said, ["timer", "end"]);
  });

  testUnless(
    host.os === "linux" ? null : "there is no /proc to look into",
    "that was stopped gets no burst of ticks",
    async () => {
      const child = new Child("event_loop.ts", "tick");
      const pid = child.process.pid ?? -1;
      const ticks = child.said as { at: number; missed: number }[];
      await until(() => ticks.length >= 5, "some ticks");
      process.kill(pid, "SIGSTOP");
      const isStopped = () =>
        / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
      await until(isStopped, "the process to be stopped");
      const before = ticks.length;
      const start = performance.now();
      await until(() => performance.now() - start > 600, "a while");
      process.kill(pid, "SIGCONT");
      await until(() => ticks.length >= before + 10, "ticks after it");
      process.kill(pid, "SIGKILL");
      await within(child.ended, "its end");
      const missed = ticks.reduce((sum, tick) => sum + tick.missed, 0);
      assert.ok(missed >= 20, `${missed} left out`);
      // Every tick at its own time: the n-th after n periods, never early.
      let number = 0;
      for (const tick of ticks) {
        number += 1 + tick.missed;
        assert.ok(tick.at >= number * 20 - 5, `tick ${number} at ${tick.at}`);
      }
    },
  );
});

describe("a blocking loop", () => {
  test(
    "is woken from other threads, by each of them",
    leakFree(async () => {
      const all = await Promise.all(
        [0, 1, 2].map(() => signalWorker(null, [])),
      );
      for (const { worker, wakeHandle } of all) {
        await stopped(worker, wakeHandle);
        // Closed by now: whoever has its descriptors is left alone.
        assert.equal(EventLoop.wake(wakeHandle), false);
      }
    }),
  );

  test(
    "is closed while other threads wake it",
    leakFree(async () => {
      const workers = [0, 1].map(() => new TestWorker("waker_worker.ts", null));
      for (let round = 0; round < 20; round++) {
        const loop = new EventLoop();
        let told = 0;
        loop.onWake(() => {
          if (++told === 50) loop.close();
        });
        for (const worker of workers) worker.say(loop.wakeHandle);
        loop.run();
        assert.equal(told, 50);
        // Whoever gets its descriptors now is left alone.
        const fds = new Int32Array(2);
        assert.equal(openSocketPair(fds), 0);
        const stranger = new EventLoop();
        let wakes = 0;
        for (const worker of workers) {
          // It stops when it is told that the loop is closed.
          wakes += await worker.said<number>("how often it did");
        }
        // Each told of one at least.
        assert.ok(wakes >= told, `${wakes} wake-ups`);
        assert.equal(EventLoop.wake(loop.wakeHandle), false);
        assert.equal(stranger.runOnce(0), 0);
        stranger.close();
        for (const fd of fds) {
          assert.equal(receiveBytes(fd, buffer), -1, "nothing was written");
        }
        for (const fd of fds) closeDescriptor(fd);
      }
      for (const worker of workers) {
        worker.say(null);
        await worker.ended();
      }
    }),
  );

  const clients = 10_000;
  const tooFew = maxFiles() >= 0 && maxFiles() < clients + 500
    ? `this system allows only ${maxFiles()} descriptors`
    : null;
  for (const trigger of ["level", "edge"] as const) {
    testUnless(
      tooFew,
      `echoes for ten thousand clients, ${trigger}-triggered`,
      async () => {
        using loop = new EventLoop({
          poller: host.os === "linux" ? "epoll" : "kqueue",
          trigger,
        });
        const listener = listenTcp("127.0.0.1", 0);
        // In a process of their own, since both sides need descriptors.
        const child = new Child(
          "event_loop.ts",
          `clients ${listener.port} ${clients}`,
        );
        echo(loop, listener.fd, clients);
        await within(child.ended, "the clients' end");
        assert.deepEqual(child.said, [{ echoed: clients }]);
      },
    );
  }
});

const buffer = new Uint8Array(1024);

function hangUp(watch: Watch): void {
  watch.close();
  closeDescriptor(watch.fd);
}

/** Serves until so many clients have come and gone. */
function echo(loop: EventLoop, listener: number, clients: number): void {
  let most = 0;
  let gone = 0;
  const serve = (peer: Watch): void => {
    const count = receiveBytes(peer.fd, buffer);
    if (count > 0) sendBytes(peer.fd, buffer.subarray(0, count));
    else if (count < 0) peer.inputExhausted();
    else {
      gone++;
      hangUp(peer);
    }
  };
  const welcome = (watch: Watch): void => {
    for (;;) {
      const fd = acceptConnection(watch.fd);
      if (fd < 0) return watch.inputExhausted();
      loop.watch(fd, { readable: serve });
      most = Math.max(most, loop.load);
    }
  };
  loop.watch(listener, { readable: welcome });
  turnUntil(loop, () => gone === clients, "all clients to leave", 100_000);
  // They all stayed until the last one was answered: clients, the listener
  // and the limit's timer.
  assert.equal(most, clients + 2);
  loop.unwatch(listener);
  closeDescriptor(listener);
  assert.equal(loop.load, 0);
}
