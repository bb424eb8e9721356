// Waiting for sockets and descriptors together: what is ready, and for how
// long it is waited. Every case both ways: blocking, and with a promise.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { closeFd, openForEvents } from "../../ffi/mod.ts";
import {
  Context,
  Dealer,
  Pair,
  poll,
  Poller,
  pollSync,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  type Socket,
  Subscriber,
} from "../../mod.ts";
import { DescriptorPair } from "../support/descriptor_pair.ts";
import { expectMessage } from "../support/messages.ts";
import { type Scenario, scenario, TRANSPORTS } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

type Events = Awaited<ReturnType<Poller<unknown>["wait"]>>;
type Wait = (poller: Poller<unknown>, timeoutMs?: number) => Promise<Events>;

const WAYS: readonly [name: string, wait: Wait][] = [
  ["blocking", (poller, timeoutMs) => {
    return new Promise((resolve) => resolve(poller.waitAllSync(timeoutMs)));
  }],
  ["with a promise", (poller, timeoutMs) => {
    return within(poller.wait(timeoutMs), "the end of the wait");
  }],
];

/** A test of a poller, for both ways to wait. */
function bothWays(
  name: string,
  body: (s: Scenario, poller: Poller<unknown>, wait: Wait) => Promise<void>,
): void {
  for (const [way, wait] of WAYS) {
    scenario(`${name}, ${way}`, async (s) => {
      const poller = new Poller<unknown>();
      s.defer(() => poller.close());
      await body(s, poller, wait);
    });
  }
}

const BOTH = { readable: true, writable: true };

scenario(
  "test_poller: bad arguments are refused, and change nothing",
  async (s) => {
    await Promise.resolve();
    const poller = new Poller();
    const pull = s.open(Pull);
    const { fd } = DescriptorPair.in(s);
    poller.add(pull);
    poller.add(fd);
    const closed = s.open(Pull);
    closed.close();
    const gone = new DescriptorPair();
    gone.close();
    const refused = (target: unknown, events: unknown, error: object): void => {
      const [a, b] = [target as number, events as object];
      assert.throws(() => poller.add(a, b), error);
      assert.throws(() => pollSync([{ target: a, ...b }], 0), error);
      assert.throws(() => void poll([{ target: a, ...b }], 0), error);
      assert.equal(poller.size, 2);
    };
    for (const target of [null, undefined, "x", {}, 7n, s.context, poller]) {
      refused(target, {}, { name: "TypeError" });
    }
    refused(closed, {}, { code: "ENOTSOCK" });
    for (const number of [gone.fd, -1, 2 ** 32 + fd]) {
      refused(number, {}, {
        code: "EBADF",
        message: new RegExp(
          `^(Poller.add|poll|pollSync): descriptor ${number} is not open`,
        ),
      });
    }
    for (const number of [1.5, NaN, Infinity, -Infinity]) {
      refused(number, {}, { name: "TypeError" });
    }
    // Always ready, says poll(2): whoever waits for it means something else.
    for (const path of [fileURLToPath(import.meta.url), "/"]) {
      const file = openForEvents(path);
      s.defer(() => void closeFd(file));
      refused(file, {}, {
        code: "EPERM",
        message: new RegExp(
          `^(Poller.add|poll|pollSync): descriptor ${file} .*regular file`,
        ),
      });
    }
    refused(s.open(Pull), { readble: true }, { name: "TypeError" });
    refused(s.open(Pull), { readable: 1 }, { name: "TypeError" });
    assert.throws(() => poller.add(s.open(Pull), null as never), TypeError);
    assert.throws(() => poller.add(pull), { code: "EINVAL" });
    assert.throws(() => poller.add(fd), { code: "EINVAL" });
    for (const target of [s.open(Pull), gone.fd, null as never]) {
      assert.throws(() => poller.modify(target, BOTH), { code: "EINVAL" });
      assert.throws(() => poller.remove(target), { code: "EINVAL" });
    }
    assert.throws(() => poller.modify(pull, undefined as never), TypeError);
    for (const timeout of [NaN, "1", null, 1n] as never[]) {
      assert.throws(() => poller.waitSync(timeout), TypeError);
      assert.throws(() => poller.waitAllSync(timeout), TypeError);
      assert.throws(() => void poller.wait(timeout), TypeError);
      assert.throws(() => pollSync([], timeout), TypeError);
    }
    for (const options of [null, { signal: 1 }] as never[]) {
      assert.throws(() => void poller.wait(0, options), TypeError);
    }
    assert.throws(() => pollSync(null as never), TypeError);
    assert.throws(() => pollSync([null as never]), TypeError);
    assert.equal(poller.size, 2);
    assert.deepEqual(poller.waitAllSync(0), []);
    poller.close();
  },
);

bothWays(
  "test_poller: an empty one sleeps, but not for ever",
  async (s, poller, wait) => {
    const nothing = { code: "EFAULT" };
    const empty = async (): Promise<void> => {
      await assert.rejects(async () => await wait(poller), nothing);
      await assert.rejects(async () => await wait(poller, -1), nothing);
      const start = performance.now();
      assert.deepEqual(await wait(poller, 30), []);
      assert.ok(performance.now() - start >= 29.5);
      assert.deepEqual(await wait(poller, 0), []);
    };
    await empty();
    assert.throws(() => pollSync([]), nothing);
    assert.throws(() => void poll([]), nothing);
    assert.deepEqual(pollSync([], 1), []);
    assert.deepEqual(await poll([], 1), []);
    // With targets that nothing is waited for at it is no different.
    const pair = DescriptorPair.in(s);
    pair.write();
    poller.add(pair.fd, {});
    poller.add(s.open(Publisher), { readable: false, error: true });
    assert.equal(poller.size, 2);
    await empty();
  },
);

bothWays("test_poller: a socket", async (s, poller, wait) => {
  const [push, pull] = [s.open(Push), s.open(Pull)];
  await s.join(pull, push, "tcp");
  const data = { any: "thing" };
  poller.add(pull, { readable: true }, data);
  assert.equal(poller.size, 1);
  assert.deepEqual(await wait(poller, 0), []);
  await push.send("hello");
  const ready = {
    target: pull,
    readable: true,
    writable: false,
    error: false,
    data,
  };
  // Level: as long as it is there.
  for (const timeout of [undefined, -1, 0, 1000]) {
    const events = await wait(poller, timeout);
    assert.deepEqual(events, [ready]);
    assert.equal(events[0]?.target, pull);
  }
  await expectMessage(pull, "hello");
  assert.deepEqual(await wait(poller, 0), []);
  poller.modify(pull, { writable: true });
  await push.send("again");
  await until(() => pull.readable, "the message");
  assert.deepEqual(await wait(poller, 0), []);
  poller.modify(pull, BOTH);
  assert.deepEqual(await wait(poller, 0), [ready]);
  poller.remove(pull);
  assert.equal(poller.size, 0);
});

bothWays("test_poller: a descriptor", async (s, poller, wait) => {
  const pair = DescriptorPair.in(s);
  const event = { target: pair.fd, error: false, data: 5 };
  const [can, cannot] = [true, false];
  poller.add(pair.fd, undefined, 5);
  assert.deepEqual(await wait(poller, 0), []);
  pair.write();
  const input = { ...event, readable: can, writable: cannot };
  assert.deepEqual(await wait(poller), [input]);
  assert.deepEqual(await wait(poller), [input]);
  poller.modify(pair.fd, BOTH);
  assert.deepEqual(await wait(poller), [{ ...input, writable: can }]);
  assert.equal(pair.read(), 1);
  assert.deepEqual(await wait(poller), [
    { ...event, readable: cannot, writable: can },
  ]);
  pair.fill();
  assert.deepEqual(await wait(poller, 10), []);
  poller.modify(pair.fd, { error: true });
  assert.deepEqual(await wait(poller, 10), []);
  pair.hangUp();
  assert.deepEqual(await wait(poller), [
    { ...event, readable: cannot, writable: cannot, error: true },
  ]);
  poller.modify(pair.fd, { readable: true });
  assert.deepEqual(await wait(poller), [{ ...input, error: true }]);
});

scenario(
  "test_zmq_poll_fd: a descriptor and a socket, also twice",
  async (s) => {
    const [push, pull] = [s.open(Push), s.open(Pull)];
    await s.join(push, pull, "ipc");
    const pair = DescriptorPair.in(s);
    const items = [
      { target: pull, data: 1 },
      { target: pair.fd, readable: true, data: 2 },
      { target: pull, writable: true, readable: true, data: 3 },
      { target: push, readable: false, data: 4 },
    ];
    const numbers = (events: { data: unknown }[]): unknown[] =>
      events.map(({ data }) => data);
    assert.deepEqual(pollSync(items, 10), []);
    assert.deepEqual(await poll(items, 10), []);
    pair.write();
    assert.deepEqual(numbers(pollSync(items)), [2]);
    assert.deepEqual(numbers(await poll(items)), [2]);
    pair.read();
    await push.send("x");
    // While it comes, the third may already be ready and the first not yet.
    await until(() => pull.readable, "the message");
    assert.deepEqual(numbers(pollSync(items)), [1, 3]);
    assert.deepEqual(numbers(await poll(items)), [1, 3]);
    await expectMessage(pull, "x");
    const later = poll(items);
    await push.send("y");
    assert.deepEqual(numbers(await within(later, "the message")), [1, 3]);
    assert.deepEqual(pollSync(items.slice(3), 0), []);
  },
);

bothWays(
  "a socket is ready as its type and state say",
  async (s, poller, wait) => {
    const open: Socket[] = [];
    const ready = async (timeout = 0): Promise<string[]> => {
      const events = await wait(poller, timeout);
      return events.map((event) =>
        `${event.data}${event.readable ? " in" : ""}${
          event.writable ? " out" : ""
        }`
      );
    };
    const add = <S extends Socket>(socket: S): S => {
      poller.add(socket, BOTH, socket.constructor.name);
      open.push(socket);
      return socket;
    };
    const pull = add(s.open(Pull));
    const push = add(s.open(Push));
    const sub = add(s.open(Subscriber));
    const request = add(s.open(Request));
    const reply = add(s.open(Reply));
    add(s.open(Dealer));
    assert.deepEqual(await ready(), []);
    add(s.open(Publisher));
    assert.deepEqual(await ready(), ["Publisher out"]);
    poller.remove(open.pop() as Socket);
    await s.join(pull, push, "inproc");
    assert.deepEqual(await ready(10_000), ["Push out"]);
    poller.remove(push);
    await s.join(reply, request, "tcp");
    assert.deepEqual(await ready(10_000), ["Request out"]);
    await request.send("question");
    assert.deepEqual(await ready(10_000), ["Reply in"]);
    await expectMessage(reply, "question");
    assert.deepEqual(await ready(10_000), ["Reply out"]);
    await reply.send("answer");
    assert.deepEqual(await ready(10_000), ["Request in"]);
    await expectMessage(request, "answer");
    assert.deepEqual(await ready(10_000), ["Request out"]);
    poller.remove(request);
    const publisher = s.open(Publisher);
    await s.join(publisher, sub, "inproc");
    sub.subscribe("a");
    assert.deepEqual(await ready(), []);
    await until(async () => {
      await publisher.send("b");
      await publisher.send("a");
      return (await ready())[0] === "Subscriber in";
    }, "what was subscribed to");
  },
);

bothWays(
  "three transports and two descriptors, each and all",
  async (s, poller, wait) => {
    const senders: Push[] = [];
    const receivers: Pull[] = [];
    for (const transport of TRANSPORTS) {
      const [push, pull] = [s.open(Push), s.open(Pull)];
      await s.join(pull, push, transport);
      senders.push(push);
      receivers.push(pull);
      poller.add(pull, undefined, transport);
    }
    const pairs = [DescriptorPair.in(s), DescriptorPair.in(s)];
    for (const pair of pairs) poller.add(pair.fd, undefined, pair);
    for (let round = 0; round < 30; round += 1) {
      for (const [n, push] of senders.entries()) {
        await push.send(`${round}`);
        const [event, more] = await wait(poller);
        assert.equal(event?.target, receivers[n]);
        assert.equal(more, undefined);
        await expectMessage(receivers[n] as Pull, `${round}`);
      }
      for (const pair of pairs) {
        pair.write();
        const [event, more] = await wait(poller);
        assert.equal(event?.data, pair);
        assert.equal(more, undefined);
        assert.equal(pair.read(), 1);
      }
      for (const push of senders) await push.send("all");
      await until(
        () => receivers.every((pull) => pull.readable),
        "all of them",
      );
      for (const pair of pairs) pair.write();
      const events = await wait(poller);
      assert.deepEqual(events.map(({ data }) => data), [
        ...TRANSPORTS,
        ...pairs,
      ]);
      for (const pull of receivers) await expectMessage(pull, "all");
      for (const pair of pairs) pair.read();
      assert.deepEqual(await wait(poller, 0), []);
    }
  },
);

bothWays(
  "sockets of two contexts, with and without a descriptor",
  async (s, poller, wait) => {
    const other = new Context();
    s.defer(() => other.terminate());
    const pulls = [s.open(Pull), new Pull({ context: other })];
    s.defer(() => pulls[1]?.close());
    const pushes: Push[] = [];
    for (const pull of pulls) {
      await pull.bind("tcp://127.0.0.1:*");
      const push = s.open(Push);
      push.connect(pull.lastEndpoint as string);
      pushes.push(push);
      poller.add(pull);
    }
    for (let round = 0; round < 20; round += 1) {
      if (round === 10) poller.add(DescriptorPair.in(s).fd);
      for (const [n, push] of pushes.entries()) {
        await push.send("x");
        const [event] = await wait(poller, 10_000);
        assert.equal(event?.target, pulls[n]);
        await expectMessage(pulls[n] as Pull, "x");
      }
      assert.deepEqual(await wait(poller, 1), []);
    }
  },
);

bothWays(
  "time limits are kept, neither early nor never",
  async (s, poller, wait) => {
    const stages = [
      () => {},
      () => poller.add(s.open(Pull)),
      () => poller.add(DescriptorPair.in(s).fd),
    ];
    for (const stage of stages) {
      stage();
      for (const timeout of [1, 3.7, 20, 75.2, 600]) {
        const start = performance.now();
        assert.deepEqual(await wait(poller, timeout), []);
        const took = performance.now() - start;
        // The clock of the measurement is another one, rounded.
        assert.ok(took >= timeout - 0.5, `${took} ms instead of ${timeout}`);
        assert.ok(took < timeout + 2000, `${took} ms instead of ${timeout}`);
      }
    }
  },
);

scenario("waitSync gives each that is ready its turn", async (s) => {
  using poller = new Poller<string>();
  const targets: [Pair, Pair][] = [];
  for (const name of ["a", "b", "c"]) {
    const pairs: [Pair, Pair] = [s.open(Pair), s.open(Pair)];
    await s.join(...pairs, "inproc");
    await pairs[1].send("x");
    poller.add(pairs[0], undefined, name);
    targets.push(pairs);
  }
  const pair = DescriptorPair.in(s);
  pair.write();
  poller.add(pair.fd, undefined, "fd");
  const turns = (count: number): string =>
    Array.from({ length: count }, () => poller.waitSync()?.data).join(" ");
  assert.equal(turns(9), "a b c fd a b c fd a");
  // Whose turn it is stays so when one before it goes.
  poller.remove(targets[0]?.[0] as Pair);
  assert.equal(turns(4), "b c fd b");
  await expectMessage(targets[2]?.[0] as Pair, "x");
  assert.equal(turns(3), "fd b fd");
  pair.read();
  await expectMessage(targets[1]?.[0] as Pair, "x");
  assert.equal(poller.waitSync(0), undefined);
  assert.equal(poller.waitSync(5), undefined);
});
