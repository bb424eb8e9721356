// No leak check here: what a thread that dies had open stays open, and nobody
// else knows the numbers.
// A thread that the context cannot live without dies without a word: every
// call says so within a second, and terminate() comes back.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import {
  Context,
  Dealer,
  Publisher,
  Pull,
  Push,
  Subscriber,
} from "../../mod.ts";
import { sharedMemoryObstacle } from "../../ffi/mod.ts";
import { add, load, notifyAll, put } from "../../src/memory/shared_access.ts";
import { OWN, OwnKind, THREAD } from "../../src/memory/layout.ts";
import { Command } from "../../src/core/command.ts";
import { Ctx, defaultCtxOptions } from "../../src/core/ctx.ts";
import { Received } from "../../src/core/pattern.ts";
import { createChildRecord } from "../../src/core/own.ts";
import type { CorePlatform, WorkerHandle } from "../../src/core/platform.ts";
import { SocketType } from "../../src/base/socket_type.ts";
import { WIRING } from "../../src/wiring.ts";
import { openDescriptors } from "../support/leaks.ts";
import { testUnless } from "../support/skip.ts";
import { nextTurn, until, within } from "../support/wait.ts";
import { TestWorker } from "../support/worker.ts";

/** How long it may take until the dead thread is known. */
const KNOWN_MS = 1000;
/** How long terminate() may take then. */
const TERMINATED_MS = 2000;

/** How long a thread that polls does nothing in between. */
const POLL_INTERVAL_MS = 400;

/** How long a thread counts as busy after a burst, and a little more. */
const CALM_MS = 300;

/** Calls in a burst before the death: a thread that is busy looks less often. */
const BURST_CALLS = 200;

const DEAD = { code: "EOWNERDEAD" };

const BODY = new Uint8Array(1);

/** Runs `body` with the workers that it starts. */
async function watchingWorkers(
  body: (workers: Map<string, WorkerHandle>) => Promise<void>,
): Promise<void> {
  const platform = WIRING.platform as CorePlatform;
  const { spawnWorker } = platform;
  const workers = new Map<string, WorkerHandle>();
  platform.spawnWorker = (data) => {
    const worker = spawnWorker(data);
    workers.set(data.role, worker);
    return worker;
  };
  try {
    await body(workers);
  } finally {
    platform.spawnWorker = spawnWorker;
  }
}

/** Fails unless the promise is rejected with EOWNERDEAD in time. */
async function expectDead(promise: Promise<unknown>): Promise<void> {
  await within(assert.rejects(promise, DEAD), "to hear of the death", KNOWN_MS);
}

/** Blocks this thread, so that no timer and no callback of it can run. */
function pause(milliseconds: number): void {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobodyWakes, 0, 0, milliseconds);
}

/** Sends, as fast as it can, into a socket that has no peer yet. */
function burst(trySend: () => void): void {
  for (let n = 0; n < BURST_CALLS; n += 1) trySend();
}

function lockFile(endpoint: string): string {
  return `/dev/shm/purezmq.zmq.${endpoint.slice("shm://".length)}.lock`;
}

/** What this process has open of the lock file behind an endpoint. */
function openLocks(endpoint: string): string[] {
  const file = lockFile(endpoint);
  return [...openDescriptors().values()].filter((path) => path.includes(file));
}

describe("a dead I/O worker", () => {
  test("ends waiting calls, every later one, and does not hold terminate()", async () => {
    await watchingWorkers(async (workers) => {
      const context = new Context();
      const pull = new Pull({ context });
      await pull.bind("tcp://127.0.0.1:*");
      const push = new Push({ context });
      push.connect(pull.lastEndpoint as string);
      await push.send("x");
      await pull.receive();
      const receiving = pull.receive();
      workers.get("io")?.terminate();
      await expectDead(receiving);
      assert.throws(() => push.trySend("y"), DEAD);
      assert.throws(() => push.sendSync("y"), DEAD);
      await assert.rejects(async () => await push.send("y"), DEAD);
      assert.throws(() => pull.tryReceive(), DEAD);
      assert.throws(() => pull.receiveSync(), DEAD);
      assert.throws(() => push.connect("tcp://127.0.0.1:1"), DEAD);
      assert.throws(() => new Dealer({ context }), DEAD);
      await within(
        assert.rejects(() => context.terminate(), DEAD),
        "terminate() to come back",
        TERMINATED_MS,
      );
    });
  });

  testUnless(
    sharedMemoryObstacle(),
    "over shm:// ends its own context's calls, and nobody else's",
    async () => {
      const living = new Context();
      const endpoint = `shm://dead-${crypto.randomUUID()}`;
      const publisher = new Publisher({ context: living });
      const other = new Subscriber({ context: living, receiveTimeout: 0 });
      publisher.bindSync(endpoint);
      other.subscribe();
      other.connect(endpoint);
      const heard = (subscriber: Subscriber): Promise<void> =>
        until(async () => {
          await publisher.send("x");
          return await subscriber.receive().then(() => true, () => false);
        }, "a message");
      await watchingWorkers(async (workers) => {
        const context = new Context();
        const subscriber = new Subscriber({ context, receiveTimeout: 0 });
        subscriber.subscribe();
        subscriber.connect(endpoint);
        await heard(subscriber);
        workers.get("io")?.terminate();
        subscriber.receiveTimeout = -1;
        await expectDead((async () => {
          for (;;) await subscriber.receive();
        })());
        await endFailed(context);
      });
      await heard(other);
      await watchingWorkers(async (workers) => {
        const context = new Context();
        const bound = new Publisher({ context });
        bound.bindSync(`${endpoint}-2`);
        await bound.send("x");
        await until(() => workers.get("io") !== undefined, "the I/O worker");
        workers.get("io")?.terminate();
        await expectDead((async () => {
          for (;;) {
            await bound.send("y");
            await nextTurn();
          }
        })());
        await endFailed(context);
      });
      // Nobody has its locks, or its name.
      assert.deepEqual(openLocks(`${endpoint}-2`), []);
      using next = new Publisher({ context: living });
      next.bindSync(`${endpoint}-2`);
      await heard(other);
      publisher.close();
      other.close();
      next.close();
      await within(living.terminate(), "the end of the living");
    },
  );

  for (const end of ["left", "never left"] as const) {
    testUnless(
      sharedMemoryObstacle(),
      `over shm:// leaves no lock when the thread that bound has ${end}`,
      async () => {
        const endpoint = `shm://dead-${crypto.randomUUID()}`;
        await watchingWorkers(async (workers) => {
          const ctx = Ctx.create(defaultCtxOptions(), WIRING);
          const other = Ctx.attach(ctx.handle(), WIRING);
          const socket = other.createSocket(SocketType.PUB);
          socket.bind(endpoint);
          await until(() => socket.trySend([BODY], 1), "the I/O worker");
          assert.equal(openLocks(endpoint).length, 1);
          // One that is killed does not even do that.
          if (end === "left") other.leave();
          workers.get("io")?.terminate();
          await within(
            assert.rejects(() => ctx.terminated(), DEAD),
            "terminated() to come back",
            TERMINATED_MS,
          );
        });
        assert.deepEqual(openLocks(endpoint), []);
        assert.equal(existsSync(lockFile(endpoint)), false);
      },
    );
  }

  test("is known to a thread that only blocks", async () => {
    const ctx = Ctx.create(defaultCtxOptions(), WIRING);
    const socket = ctx.createSocket(SocketType.PULL);
    socket.bind("tcp://127.0.0.1:*");
    // An object whose arguments are nonsense makes the worker throw.
    const { thread } = ctx;
    const slot = thread.control.layout.thread(1);
    const child = createChildRecord(thread, {
      kind: OwnKind.SESSION,
      mailbox: slot + THREAD.MAILBOX,
      ownerMailbox: thread.mailbox,
      socket: socket.record,
    });
    const { blocks } = thread.memory;
    put(thread.control.words, child + OWN.ARGUMENTS, blocks.allocate(3, true));
    thread.control.post(child + OWN.NODE, Command.PLUG);
    const start = WIRING.platform.monotonicMs();
    assert.throws(() => {
      for (;;) {
        socket.tryReceive(new Received());
        socket.waitSync(Infinity);
      }
    }, { ...DEAD, message: /I\/O worker 0 died of .*Error: .+; make another/ });
    // The worker's own start counts, too.
    assert.ok(WIRING.platform.monotonicMs() - start < 3 * KNOWN_MS);
    ctx.closeAll();
    await within(
      assert.rejects(() => ctx.terminated(), DEAD),
      "terminated() to come back",
      TERMINATED_MS,
    );
  });

  for (const call of ["trySend", "tryReceive"] as const) {
    test(`is known to a thread that only polls with ${call}, now and then`, async () => {
      const context = new Context();
      const pull = new Pull({ context, linger: 0 });
      await pull.bind("tcp://127.0.0.1:*");
      const push = new Push({ context, linger: 0 });
      push.connect(pull.lastEndpoint as string);
      await push.send("x");
      await pull.receive();
      burst(() => call === "trySend" ? push.trySend("x") : pull.tryReceive());
      const calm = performance.now() + CALM_MS;
      await until(() => performance.now() > calm, "the burst to be over");
      // Deno cannot kill a thread that never comes back to its event loop.
      const platform = WIRING.platform as CorePlatform;
      const { threadAlive } = platform;
      platform.threadAlive = (tid) => tid === platform.gettid();
      try {
        const start = performance.now();
        assert.throws(() => {
          while (performance.now() - start < KNOWN_MS) {
            if (call === "trySend") push.trySend("y");
            else pull.tryReceive();
            pause(POLL_INTERVAL_MS);
          }
        }, DEAD);
        await endFailed(context);
      } finally {
        platform.threadAlive = threadAlive;
      }
    });
  }

  test("is known to the first call a second later, of a thread that does nothing in between", async () => {
    const ctx = Ctx.create({
      ...defaultCtxOptions(),
      workerUrl:
        new URL("../support/workers/dying_io_worker.ts", import.meta.url).href,
    }, WIRING);
    const socket = ctx.createSocket(SocketType.PUSH);
    socket.setOption("linger", 0);
    socket.connect("tcp://127.0.0.1:1");
    const { control, platform } = ctx.thread;
    const worker = control.layout.thread(1) + THREAD.TID;
    await until(() => load(control.words, worker) !== 0, "the worker to be up");
    const tid = load(control.words, worker);
    burst(() => socket.trySend([BODY], 1));
    // From here on no callback runs.
    const told = control.layout.thread(1) + THREAD.WAKE_TARGET;
    while (platform.threadAlive(tid)) {
      add(control.words, told, 1);
      notifyAll(control.words, told);
      pause(1);
    }
    pause(KNOWN_MS);
    assert.throws(() => socket.trySend([BODY], 1), DEAD);
    ctx.closeAll();
    await within(
      assert.rejects(() => ctx.terminated(), DEAD),
      "terminated() to come back",
      TERMINATED_MS,
    );
  });

  test("that never came up is known at once, not after its time to start", async () => {
    const context = new Context();
    context.workerUrl = "data:text/javascript,throw 1";
    const push = new Push({ context });
    push.connect("tcp://127.0.0.1:1");
    push.sendHighWaterMark = 1;
    await within(
      assert.rejects(async () => {
        for (;;) await push.send("x");
      }, DEAD),
      "to hear that there is no worker",
      5000,
    );
    await within(
      assert.rejects(() => context.terminate(), DEAD),
      "terminate() to come back",
      TERMINATED_MS,
    );
  });
});

describe("a dead reaper", () => {
  test("fails the context", async () => {
    await watchingWorkers(async (workers) => {
      const context = new Context();
      assert.ok(context.handle, "starts all workers");
      const pull = new Pull({ context });
      await pull.bind("inproc://dead-reaper");
      const receiving = pull.receive();
      workers.get("reaper")?.terminate();
      await expectDead(receiving);
      await within(
        assert.rejects(() => context.terminate(), DEAD),
        "terminate() to come back",
        TERMINATED_MS,
      );
    });
  });
});

describe("a dead creator", () => {
  test("is known to the first call a second later", async () => {
    const worker = new TestWorker("creator_worker.ts", null);
    const handle = await worker.said<Context["handle"]>("its handle");
    const context = Context.attach(handle);
    const push = new Push({ context, linger: 0 });
    push.connect("inproc://nobody-binds");
    burst(() => push.trySend("x"));
    await worker.stop();
    const dead = performance.now();
    await until(() => performance.now() - dead > KNOWN_MS, "a second to pass");
    assert.throws(() => push.trySend("y"), DEAD);
    await endFailed(context);
  });

  for (const late of [false, true]) {
    const who = late ? "one that attached afterwards" : "those that attached";
    test(`fails the context for ${who}`, async () => {
      const worker = new TestWorker("creator_worker.ts", null);
      const handle = await worker.said<Context["handle"]>("its handle");
      const early = late ? null : Context.attach(handle);
      const waiting = early === null ? null : await receive(early);
      await worker.stop();
      if (early !== null && waiting !== null) {
        await within(waiting.failed, "to hear of the death", 2 * KNOWN_MS);
        await endFailed(early);
        return;
      }
      // It may take the dead thread's place: that must not hide the death.
      let context: Context;
      try {
        context = Context.attach(handle);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "EOWNERDEAD");
        return;
      }
      const heard = receive(context).then(
        ({ failed }) => failed,
        (error) => assert.equal(error.code, "EOWNERDEAD"),
      );
      await within(heard, "to hear of the death", 2 * KNOWN_MS);
      await endFailed(context);
    });
  }
});

/** Starts to receive on a new socket, until the context has failed. */
async function receive(context: Context): Promise<{ failed: Promise<void> }> {
  const pull = new Pull({ context });
  await pull.bind("tcp://127.0.0.1:*");
  return { failed: assert.rejects(() => pull.receive(), DEAD) };
}

async function endFailed(context: Context): Promise<void> {
  await within(
    assert.rejects(() => context.terminate(), DEAD),
    "terminate() to come back",
    TERMINATED_MS,
  );
}
