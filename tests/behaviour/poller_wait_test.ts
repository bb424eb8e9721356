// What ends a wait besides readiness, and what may happen while one is pending.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import {
  Context,
  Dealer,
  Pair,
  poll,
  Poller,
  Pull,
  Push,
  Reply,
  Request,
} from "../../mod.ts";
import type { CorePlatform, WorkerHandle } from "../../src/core/platform.ts";
import type { SocketBase } from "../../src/core/socket_base.ts";
import { waitingThread } from "../../src/api/poller_wait.ts";
import { stateOf } from "../../src/api/socket_settings.ts";
import { FAST_OPERATIONS_MAX } from "../../src/api/socket_state.ts";
import { WIRING } from "../../src/wiring.ts";
import { DescriptorPair } from "../support/descriptor_pair.ts";
import { expectMessage, texts } from "../support/messages.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { nextTurn, until, within } from "../support/wait.ts";

function open(s: Scenario): Poller<string> {
  const poller = new Poller<string>();
  s.defer(() => poller.close());
  return poller;
}

/** Fails unless the promise is rejected with the code in time. */
async function refused(waiting: Promise<unknown>, code: string): Promise<void> {
  await within(assert.rejects(waiting, { code }), `${code}`);
}

scenario(
  "test_ctx_destroy: a context that is shut down ends waits with ETERM",
  async (s) => {
    for (const withFd of [false, true]) {
      const context = new Context();
      const pull = new Pull({ context });
      await pull.bind("tcp://127.0.0.1:*");
      const poller = open(s);
      poller.add(pull);
      if (withFd) poller.add(DescriptorPair.in(s).fd);
      const waiting = poller.wait();
      await nextTurn();
      context.shutdown();
      await refused(waiting, "ETERM");
      await refused(poller.wait(), "ETERM");
      assert.throws(() => poller.waitSync(), { code: "ETERM" });
      assert.throws(() => poller.waitAllSync(0), { code: "ETERM" });
      poller.remove(pull);
      assert.deepEqual(await poller.wait(1), []);
      pull.close();
      await context.terminate();
    }
  },
);

scenario("terminate() closes what is waited for", async (s) => {
  const context = new Context();
  const pull = new Pull({ context });
  await pull.bind("tcp://127.0.0.1:*");
  const poller = open(s);
  poller.add(pull);
  poller.add(DescriptorPair.in(s).fd);
  const ended = refused(poller.wait(), "ENOTSOCK");
  await within(context.terminate(), "the context's end");
  await ended;
  assert.throws(() => poller.waitSync(), { code: "ENOTSOCK" });
});

scenario("a closed or given up socket is refused until removed", async (s) => {
  const poller = open(s);
  const [closed, moved] = [s.open(Dealer), s.open(Dealer)];
  const pair = DescriptorPair.in(s);
  pair.write();
  poller.add(pair.fd, { writable: false });
  for (const socket of [closed, moved]) {
    poller.add(socket, { readable: true });
    const ended = refused(poller.wait(), "ENOTSOCK");
    if (socket === closed) socket.close();
    else s.context.adopt(socket.detach(), Dealer).close();
    await ended;
    await refused(poller.wait(), "ENOTSOCK");
    assert.throws(() => poller.waitSync(0), { code: "ENOTSOCK" });
    assert.throws(() => poller.modify(socket, {}), { code: "ENOTSOCK" });
    poller.remove(socket);
    assert.deepEqual(poller.waitAllSync(0), []);
  }
});

scenario("a closed descriptor is EBADF until removed", async (s) => {
  const poller = open(s);
  const pair = new DescriptorPair();
  poller.add(pair.fd);
  poller.add(s.open(Pull));
  pair.close();
  assert.throws(() => poller.waitSync(), { code: "EBADF" });
  await refused(poller.wait(), "EBADF");
  assert.throws(() => poller.modify(pair.fd, {}), { code: "EBADF" });
  poller.remove(pair.fd);
  assert.deepEqual(await poller.wait(1), []);
});

scenario(
  "a wait is cancelled by a signal, and leaves none behind",
  async (s) => {
    const poller = open(s);
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, "inproc");
    poller.add(one);
    const reason = new Error("enough");
    const isReason = (error: unknown): boolean => error === reason;
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(poller.wait(0, { signal: aborted }), isReason);
    await assert.rejects(
      poll([{ target: one }], 0, { signal: aborted }),
      isReason,
    );
    for (const withFd of [false, true]) {
      if (withFd) poller.add(DescriptorPair.in(s).fd);
      const abort = new AbortController();
      const { signal } = abort;
      const waiting = poller.wait(Infinity, { signal });
      assert.equal(getEventListeners(signal, "abort").length, 1);
      await nextTurn();
      abort.abort(reason);
      await within(assert.rejects(waiting, isReason), "the abort");
      assert.equal(getEventListeners(signal, "abort").length, 0);
      const late = new AbortController();
      const found = poller.wait(Infinity, { signal: late.signal });
      await two.send("x");
      assert.equal((await within(found, "the message")).length, 1);
      assert.equal(getEventListeners(late.signal, "abort").length, 0);
      await expectMessage(one, "x");
    }
    await assert.rejects(
      poller.wait(Infinity, { signal: AbortSignal.timeout(20) }),
      { name: "TimeoutError" },
    );
  },
);

scenario("one wait at a time, none after close", async (s) => {
  const poller = open(s);
  poller.add(s.open(Pull));
  poller.add(DescriptorPair.in(s).fd);
  const waiting = poller.wait();
  const busy = { code: "EBUSY", message: /only one wait may be in progress/ };
  assert.throws(() => void poller.wait(), busy);
  assert.throws(() => poller.waitSync(), busy);
  assert.throws(() => poller.waitAllSync(0), busy);
  assert.equal(poller.closed, false);
  const ended = refused(waiting, "EAGAIN");
  poller.close();
  poller.close();
  await ended;
  assert.equal(poller.closed, true);
  assert.equal(poller.size, 0);
  const over = { code: "EBADF", message: "Poller is closed" };
  assert.throws(() => poller.add(s.open(Pull)), over);
  assert.throws(() => poller.modify(1, {}), over);
  assert.throws(() => poller.remove(1), over);
  assert.throws(() => poller.waitSync(0), over);
  assert.throws(() => void poller.wait(0), over);
});

scenario(
  "what is changed while a wait is pending counts at once",
  async (s) => {
    const poller = open(s);
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, "tcp");
    await two.send("x");
    await until(() => one.readable, "the message");
    const pairs = [DescriptorPair.in(s), DescriptorPair.in(s)] as const;
    pairs[0].write();
    const changes: [change: () => void, data: string][] = [
      [() => poller.add(one, { readable: true }, "added"), "added"],
      [() => poller.modify(one, { writable: true }), "added"],
      [() => (poller.remove(one), poller.add(pairs[0].fd, {}, "fd")), ""],
      [() => poller.modify(pairs[0].fd, { readable: true }), "fd"],
      [() => poller.modify(pairs[0].fd, { writable: true }), "fd"],
      [() => poller.modify(pairs[0].fd, {}), ""],
      [() => pairs[1].write(), "other"],
    ];
    poller.add(pairs[1].fd, undefined, "other");
    for (const [change, data] of changes) {
      // What is ready already would end the wait before the change.
      const last = poller.waitSync(0);
      if (last !== undefined) poller.modify(last.target, {});
      const waiting = poller.wait(data === "" ? 100 : Infinity);
      await nextTurn();
      change();
      const events = await within(waiting, data);
      assert.deepEqual(events.map((event) => event.data), data ? [data] : []);
    }
    poller.modify(pairs[1].fd, { error: true });
    const ended = refused(poller.wait(), "EFAULT");
    await nextTurn();
    poller.remove(pairs[0].fd);
    poller.remove(pairs[1].fd);
    await ended;
  },
);

scenario(
  "targets may be removed and closed while events are handled",
  async (s) => {
    const poller = open(s);
    const open_: Map<unknown, Pair> = new Map();
    for (let n = 0; n < 20; n += 1) {
      const [near, far] = [s.open(Pair), s.open(Pair)];
      await s.join(near, far, "inproc");
      await far.send(`${n}`);
      poller.add(near, undefined, `${n}`);
      open_.set(near, near);
    }
    let handled = 0;
    while (poller.size > 0) {
      for (const { target, data } of await poller.wait(10_000)) {
        const socket = open_.get(target) as Pair;
        assert.deepEqual(texts(await socket.receive()), [data]);
        poller.remove(target);
        socket.close();
        handled += 1;
      }
    }
    assert.equal(handled, 20);
    assert.throws(() => poller.waitSync(), { code: "EFAULT" });
  },
);

scenario("two pollers and a receive wait for one socket", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await s.join(one, two, "tcp");
  const pollers = [open(s), open(s)] as const;
  for (const poller of pollers) poller.add(one);
  const both = Promise.all(pollers.map((poller) => poller.wait()));
  await two.send("first");
  for (const [event] of await within(both, "both")) {
    assert.equal(event?.target, one);
  }
  await expectMessage(one, "first");
  // Who receives is served first: then there is nothing left to be told of.
  const receiving = one.receive();
  const waiting = pollers[0].wait();
  await two.send("second");
  assert.deepEqual(texts(await receiving), ["second"]);
  await two.send("third");
  assert.equal((await within(waiting, "the third")).length, 1);
  assert.equal(pollers[1].waitSync()?.target, one);
  await expectMessage(one, "third");
});

scenario("receiving makes a REP and a REQ writable", async (s) => {
  const [request, reply] = [s.open(Request), s.open(Reply)];
  await s.join(reply, request, "inproc");
  const poller = open(s);
  for (const [from, to] of [[request, reply], [reply, request]] as const) {
    await from.send("x");
    await until(() => to.readable, "the message");
    poller.add(to, { writable: true });
    const waiting = poller.wait();
    await nextTurn();
    await expectMessage(to, "x");
    assert.equal((await within(waiting, "its turn to send")).length, 1);
    poller.remove(to);
  }
});

scenario("waits that find something let the event loop turn", async (s) => {
  const poller = open(s);
  const push = s.open(Push);
  await s.join(push, s.open(Pull), "inproc");
  poller.add(push, { writable: true });
  let turned = false;
  const turning = nextTurn().then(() => turned = true);
  let waits = 0;
  while (!turned) {
    waits += 1;
    assert.equal((await poller.wait()).length, 1);
    assert.ok(waits < 1_000_000, "the event loop turns");
  }
  await turning;
});

scenario(
  "what comes while the sockets are asked is found, whichever it is for",
  async (s) => {
    const poller = open(s);
    const [one, sender] = [s.open(Pair), s.open(Pair)];
    await s.join(one, sender, "inproc");
    const last = s.open(Pair);
    poller.add(one, undefined, "one");
    poller.add(last, undefined, "last");
    const base = stateOf(last).base as SocketBase;
    const { hasIn } = base;
    // The first was asked, and the last one's turn handles the first one's
    // mail.
    const sendMeanwhile = (): void => {
      base.hasIn = () => {
        base.hasIn = hasIn;
        sender.sendSync("x");
        return base.hasIn();
      };
    };
    const expectOne = async (waiting: ReturnType<Poller<string>["wait"]>) => {
      const events = await within(waiting, "the message", 5000);
      assert.deepEqual(events.map(({ data }) => data), ["one"]);
      await expectMessage(one, "x");
    };
    sendMeanwhile();
    await expectOne(poller.wait());
    // And the same when the sockets are asked since one was added.
    const waiting = poller.wait();
    await nextTurn();
    sendMeanwhile();
    poller.add(s.open(Pair), undefined, "added");
    await expectOne(waiting);
  },
);

scenario("what changes before a wait begins begins it only once", async (s) => {
  const { watch } = waitingThread;
  const poller = open(s);
  const [near, far] = [s.open(Pair), s.open(Pair)];
  await s.join(near, far, "inproc");
  const pair = DescriptorPair.in(s);
  poller.add(near, { writable: true }, "socket");
  poller.add(pair.fd, {}, "fd");
  const changes: (() => void)[] = [
    () => poller.modify(pair.fd, { readable: true }),
    () => poller.modify(near, {}),
  ];
  for (const change of changes) {
    // So many at once that the next one lets others go first.
    while (waitingThread.fastWaits < FAST_OPERATIONS_MAX) await poller.wait(0);
    poller.modify(near, { readable: true });
    const waiting = poller.wait();
    change();
    await nextTurn();
    await nextTurn();
    poller.modify(near, { writable: true });
    assert.equal((await within(waiting, "the socket")).length, 1);
  }
  while (waitingThread.fastWaits < FAST_OPERATIONS_MAX) await poller.wait(0);
  const nothing = refused(poller.wait(), "EFAULT");
  poller.remove(near);
  poller.remove(pair.fd);
  await nothing;
  poller.close();
  // It would go on for requests that nobody takes back.
  assert.equal(watch.running, false);
});

/** Runs `body` with the context's workers that it starts. */
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

scenario("a watcher that cannot start ends the wait", async (s) => {
  const context = new Context({ workerUrl: "data:text/javascript,throw 1" });
  const pull = new Pull({ context });
  await pull.bind("inproc://no-watcher");
  const pair = DescriptorPair.in(s);
  const poller = open(s);
  poller.add(pull);
  poller.add(pair.fd);
  await refused(poller.wait(), "EOWNERDEAD");
  poller.remove(pull);
  const waiting = poller.wait();
  pair.write();
  assert.equal((await within(waiting, "the descriptor")).length, 1);
  pull.close();
  await context.terminate().catch(() => {});
});

scenario("the watcher ends at close, or when it has no work", async (s) => {
  const { watch } = waitingThread;
  const pair = DescriptorPair.in(s);
  assert.equal(watch.running, false);
  for (let round = 0; round < 5; round += 1) {
    const pollers = [open(s), open(s)] as const;
    for (const poller of pollers) poller.add(pair.fd);
    const both = Promise.all(pollers.map((poller) => poller.wait()));
    assert.equal(watch.running, true);
    pair.write();
    await within(both, "the descriptor");
    pair.read();
    pollers[0].close();
    assert.equal(watch.running, true);
    pollers[1].close();
    assert.equal(watch.running, false);
  }
  const once = poll([{ target: pair.fd }]);
  assert.equal(watch.running, true);
  pair.write();
  assert.equal((await within(once, "the descriptor")).length, 1);
  assert.equal(watch.running, true);
  await until(() => !watch.running, "the end of an idle watcher");
});

scenario(
  "a reply makes the next request readable, however it is sent",
  async (s) => {
    const server = s.open(Reply);
    const [one, two] = [s.open(Request), s.open(Request)];
    await s.join(server, one, "inproc");
    two.connect(server.lastEndpoint ?? "");
    const poller = open(s);
    poller.add(server, { readable: true });
    for (const how of ["send", "sendSync", "trySend"] as const) {
      await one.send("first");
      await expectMessage(server, "first");
      await two.send("second");
      const waiting = poller.wait();
      await nextTurn();
      // Mail may bring the wait's end as well, once it is handled.
      await server[how]("reply");
      assert.equal((await within(waiting, `the event of ${how}`)).length, 1);
      await expectMessage(server, "second");
      await server.send("reply");
      for (const client of [one, two]) await expectMessage(client, "reply");
    }
  },
);

// Not checked for leaks, and at the end of the file, where nothing else is:
// Bun keeps the descriptors of a worker that is killed.
for (const way of ["blocking", "with a promise"]) {
  test(`a dead I/O worker ends a wait, ${way}`, async () => {
    await watchingWorkers(async (workers) => {
      const context = new Context();
      const pull = new Pull({ context });
      await pull.bind("tcp://127.0.0.1:*");
      const push = new Push({ context });
      push.connect(pull.lastEndpoint as string);
      await push.send("x");
      await pull.receive();
      const pair = new DescriptorPair();
      using poller = new Poller();
      poller.add(pull);
      poller.add(pair.fd);
      const dead = { code: "EOWNERDEAD" };
      if (way === "blocking") {
        workers.get("io")?.terminate();
        assert.throws(() => poller.waitSync(10_000), dead);
      } else {
        const waiting = poller.wait();
        workers.get("io")?.terminate();
        await refused(waiting, dead.code);
      }
      await assert.rejects(() => context.terminate(), dead);
      pair.close();
    });
  });
}
