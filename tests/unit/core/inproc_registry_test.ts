import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { get, put } from "../../../src/memory/shared_access.ts";
import { Pool, SOCKET } from "../../../src/memory/layout.ts";
import { INPROC_NAME_BYTES_MAX } from "../../../src/base/limits.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { Ctx, defaultCtxOptions } from "../../../src/core/ctx.ts";
import { InprocRegistry } from "../../../src/core/inproc_registry.ts";
import { createPipePair } from "../../../src/core/pipe.ts";
import { WIRING } from "../../../src/wiring.ts";
import { Kernel } from "../../support/kernel.ts";
import { seededRandom } from "../../support/seed.ts";
import { within } from "../../support/wait.ts";
import { TestWorker } from "../../support/worker.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

function stage() {
  const kernel = new Kernel({ maxSockets: 4 });
  const thread = kernel.thread();
  const socket = () => kernel.control.takeRecord(Pool.SOCKET);
  const pipe = () =>
    createPipePair(thread.memory, [thread.mailbox, thread.mailbox], {
      firstSend: 1,
      secondReceive: -1,
      secondSend: -1,
      firstReceive: 1,
      flags: 0,
    });
  return { kernel, registry: new InprocRegistry(kernel.control), socket, pipe };
}

describe("inproc registry", () => {
  test("a connect finds the bound socket and counts the command to come", () => {
    const { kernel, registry, socket, pipe } = stage();
    const binder = socket();
    assert.deepEqual(registry.bind("a", binder), []);
    assert.equal(registry.connect("a", pipe(), socket()), binder);
    const sent = get(kernel.control.words, binder + SOCKET.SENT_SEQNUM);
    assert.equal(sent, 1);
  });

  test("a name is bound once, and again when it was let go", () => {
    const { registry, socket } = stage();
    const [first, second] = [socket(), socket()];
    registry.bind("a", first);
    assert.throws(() => registry.bind("a", second), { code: "EADDRINUSE" });
    registry.unbind("a", second);
    assert.throws(() => registry.bind("a", second), { code: "EADDRINUSE" });
    registry.unbind("a", first);
    registry.bind("a", second);
  });

  test("connects that came first wait, and the binder gets all of them", () => {
    const { registry, socket, pipe } = stage();
    const pipes = [pipe(), pipe(), pipe()];
    for (const one of pipes) assert.equal(registry.connect("a", one, 0), 0);
    const other = pipe();
    registry.connect("ab", other, 0);
    assert.deepEqual(registry.bind("a", socket()), pipes);
    assert.deepEqual(registry.bind("ab", socket()), [other]);
  });

  test("a waiting connect can be withdrawn until somebody bound its name", () => {
    const { registry, socket, pipe } = stage();
    const [first, second] = [pipe(), pipe()];
    registry.connect("a", first, 0);
    registry.connect("a", second, 0);
    assert.equal(registry.withdraw(first), true);
    assert.equal(registry.withdraw(first), false);
    assert.deepEqual(registry.bind("a", socket()), [second]);
    assert.equal(registry.withdraw(second), false);
  });

  test("the binder's marks go into the pipe", () => {
    const { kernel, registry, socket, pipe } = stage();
    const binder = socket();
    put(kernel.control.words, binder + SOCKET.SEND_HWM, 11);
    put(kernel.control.words, binder + SOCKET.RECEIVE_HWM, 22);
    registry.bind("a", binder);
    const record = pipe();
    registry.connect("a", record, 0);
    const marks = Array.from(
      kernel.control.words.subarray(record, record + 80),
    );
    assert.ok(marks.includes(11) && marks.includes(22));
  });

  test("names of the greatest length, all octets compared", () => {
    const { registry, socket } = stage();
    const longest = "x".repeat(INPROC_NAME_BYTES_MAX);
    registry.bind(longest, socket());
    registry.bind(longest.slice(1) + "y", socket());
    registry.bind("é".repeat(INPROC_NAME_BYTES_MAX / 2), socket());
    assert.throws(() => registry.bind(longest, socket()), {
      code: "EADDRINUSE",
    });
  });

  test("a full table says so and stays as it was", () => {
    const { registry, socket, pipe } = stage();
    let count = 0;
    const first = pipe();
    registry.connect("first", first, 0);
    assert.throws(() => {
      for (;; count += 1) registry.connect(`n${count}`, pipe(), 0);
    }, { code: "EMFILE" });
    assert.equal(count, 7);
    assert.throws(() => registry.bind("one more", socket()), {
      code: "EMFILE",
    });
    assert.equal(registry.withdraw(first), true);
    assert.equal(registry.bind("n0", socket()).length, 1);
  });
});

describe("inproc registry: races of three threads", () => {
  test("10,000 binds, connects and closes end with nothing left", async () => {
    const random = seededRandom("inproc races");
    const ctx = Ctx.create(defaultCtxOptions(), WIRING);
    const handle = ctx.handle();
    const workers = [1, 2, 3].map(() =>
      new TestWorker("inproc_race_worker.ts", {
        handle,
        seed: random.next32(),
        rounds: 3400,
        names: 3,
      })
    );
    try {
      for (const worker of workers) {
        assert.equal(await worker.said("done", 60_000), "done");
      }
      ctx.closeAll();
      ctx.shutdown();
      await within(ctx.terminated(), "the end of all sockets");
    } finally {
      for (const worker of workers) await worker.stop();
    }
    const { sockets, pipes, ownedObjects, blocks, memoryUsedBytes } = ctx
      .statistics();
    assert.deepEqual([sockets, pipes, ownedObjects, blocks, memoryUsedBytes], [
      0,
      0,
      0,
      0,
      0,
    ]);
  });

  test("an inproc connect without room leaves nothing behind", async () => {
    const ctx = Ctx.create({ ...defaultCtxOptions(), maxSockets: 1 }, WIRING);
    const socket = ctx.createSocket(SocketType.DEALER);
    socket.setOption("routingId", new Uint8Array(200).fill(1));
    assert.throws(() => {
      for (let n = 0;; n += 1) socket.connect(`inproc://${n}`);
    }, { code: "EMFILE" });
    assert.throws(
      () => socket.connect(`inproc://${"x".repeat(INPROC_NAME_BYTES_MAX + 1)}`),
      {
        code: "ENAMETOOLONG",
      },
    );
    const { pipes } = ctx.statistics();
    assert.equal(pipes, [...socket.pipes].length);
    socket.close();
    ctx.shutdown();
    await within(ctx.terminated(), "its end");
    assert.equal(ctx.statistics().memoryUsedBytes, 0);
  });
});

test("leaves nothing behind", leaks.after);
