// Sockets in several threads of one process, over inproc and one context.
import assert from "node:assert/strict";
import {
  Context,
  Dealer,
  Pull,
  Push,
  Request,
  type SocketHandle,
} from "../../mod.ts";
import { numberedBody, numberOf } from "../support/content.ts";
import { expectMessage } from "../support/messages.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { TestWorker } from "../support/worker.ts";

function start(s: Scenario, name: string, data: unknown): TestWorker {
  const worker = new TestWorker(name, data);
  s.defer(() => worker.stop());
  return worker;
}

const MILLION = 1_000_000;

scenario(
  "1,000,000 messages from a Worker to its parent over inproc, in order",
  async (s) => {
    const pull = s.open(Pull);
    const endpoint = await s.bind(pull, "inproc");
    const worker = start(s, "numbers_worker.ts", {
      handle: s.context.handle,
      role: "send",
      endpoint,
      count: MILLION,
      size: 16,
    });
    for (let n = 0; n < MILLION; n += 1) {
      const [body] = await pull.receive();
      if (numberOf(body) !== n || body.length !== 16) {
        assert.fail(`message ${n} is ${numberOf(body)}`);
      }
    }
    assert.equal(await worker.said("done"), "done");
    await worker.ended();
  },
  { timeoutMs: 120_000 },
);

scenario(
  "1,000,000 messages from a parent to its Worker over inproc, in order",
  async (s) => {
    const push = s.open(Push);
    const endpoint = await s.bind(push, "inproc");
    const worker = start(s, "numbers_worker.ts", {
      handle: s.context.handle,
      role: "receive",
      endpoint,
      count: MILLION,
      size: 16,
    });
    for (let n = 0; n < MILLION; n += 1) await push.send(numberedBody(n, 16));
    assert.equal(await worker.said("done", 60_000), "done");
    await worker.ended();
  },
  { timeoutMs: 120_000 },
);

scenario("large messages cross threads whole", async (s) => {
  const pull = s.open(Pull);
  const endpoint = await s.bind(pull, "inproc");
  const [count, size] = [200, 1_000_000];
  const worker = start(s, "numbers_worker.ts", {
    handle: s.context.handle,
    role: "send",
    endpoint,
    count,
    size,
  });
  for (let n = 0; n < count; n += 1) {
    const [body] = await pull.receive();
    assert.equal(body.length, size);
    assert.equal(numberOf(body), n);
    assert.equal(body[size - 1], n & 0xff);
    assert.equal(body[size >> 1], n & 0xff);
  }
  await worker.said("done");
  await worker.ended();
});

scenario("a Worker with blocking calls only answers its parent", async (s) => {
  const request = s.open(Request);
  const endpoint = await s.bind(request, "inproc");
  const worker = start(s, "sync_worker.ts", {
    handle: s.context.handle,
    endpoint,
  });
  for (const text of ["one", "two", "stop"]) {
    await request.send([text, "x"]);
    await expectMessage(request, text, "x", "!");
  }
  await worker.said("done");
  await worker.ended();
});

scenario(
  "test_inproc_connect: bind and connect race in two Workers",
  async (s) => {
    const data = {
      handle: s.context.handle,
      gate: new SharedArrayBuffer(8),
      rounds: 300,
    };
    const binder = start(s, "connect_worker.ts", { ...data, role: "bind" });
    const connecter = start(s, "connect_worker.ts", {
      ...data,
      role: "connect",
    });
    await binder.said("done", 40_000);
    await connecter.said("done");
    await binder.ended();
    await connecter.ended();
  },
);

scenario(
  "a socket moves to a Worker and back, with its queue and peer",
  async (s) => {
    const there = s.open(Dealer);
    const peer = s.open(Dealer);
    await s.join(there, peer, "tcp");
    await peer.send("hello");
    await expectMessage(there, "hello");
    await peer.send(["queued", "before the move"]);
    const worker = start(s, "adopt_worker.ts", {
      handle: s.context.handle,
      socket: there.detach(),
    });
    assert.throws(() => there.receive(), { code: "EBADF" });
    await expectMessage(peer, "from the worker", "queued", "before the move");
    const handle = await worker.said<SocketHandle>("the socket's handle");
    await worker.ended();
    const back = s.context.adopt(handle, Dealer);
    back.linger = 0;
    back.receiveTimeout = 10_000;
    await peer.send("after");
    await expectMessage(back, "after");
    await back.send("all the way");
    await expectMessage(peer, "all the way");
    back.close();
  },
);

scenario("terminate waits for the sockets of other threads", async (s) => {
  const context = new Context();
  const request = new Request({ context, linger: 0, receiveTimeout: 10_000 });
  await request.bind("inproc://other-thread");
  const worker = start(s, "sync_worker.ts", {
    handle: context.handle,
    endpoint: "inproc://other-thread",
  });
  await request.send("hello");
  await expectMessage(request, "hello", "!");
  // The Worker sits in receiveSync; only ETERM gets it out of there.
  request.close();
  const began = performance.now();
  context.shutdown();
  assert.equal(await worker.said("an error"), "ETERM");
  assert.ok(performance.now() - began < 2000);
  await worker.ended();
  await context.terminate();
});
