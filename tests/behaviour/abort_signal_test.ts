// AbortSignal on send and receive: what is given up has not happened, and
// whatever comes later is not disturbed.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Dealer, Pair, Pull, Push, Reply, Request } from "../../mod.ts";
import { expectMessage, expectNothing, texts } from "../support/messages.ts";
import {
  type Scenario,
  scenario,
  type Transport,
  TRANSPORTS,
} from "../support/scenario.ts";
import { nextTurn, until, within } from "../support/wait.ts";

const REASON = new Error("changed my mind");
/** So large that the kernel's buffers do not hide what is sent. */
const BODY = "x".repeat(60_000);
const FULL_LIMIT = 100_000;

/** The number of callbacks that wait for the signal. */
function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

/** A PUSH whose next send has to wait, and how many messages went before. */
async function fullPush(
  s: Scenario,
  transport: Transport,
): Promise<{ push: Push; pull: Pull; sent: number }> {
  const push = s.open(Push, { sendHighWaterMark: 5, sendBufferSize: 65_536 });
  const pull = s.open(Pull, {
    receiveHighWaterMark: 5,
    receiveBufferSize: 65_536,
  });
  await s.join(pull, push, transport);
  await push.send(["0", BODY]);
  await expectMessage(pull, "0", BODY);
  let sent = 1;
  push.sendTimeout = 250;
  // TCP may open a closed window once more, at its next probe.
  for (let refusals = 0; refusals < 3 && sent < FULL_LIMIT;) {
    try {
      await push.send([`${sent}`, BODY]);
      sent += 1;
      refusals = 0;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "EAGAIN");
      refusals += 1;
    }
  }
  push.sendTimeout = 10_000;
  return { push, pull, sent };
}

for (const transport of TRANSPORTS) {
  scenario(
    `a signal that is aborted already over ${transport}: nothing happens`,
    async (s) => {
      const [one, two] = [s.open(Pair), s.open(Pair)];
      await s.join(one, two, transport);
      await one.send("there");
      await until(() => two.readable, "a message");
      const signal = AbortSignal.abort(REASON);
      const isReason = (error: unknown): boolean => error === REASON;
      await assert.rejects(two.receive({ signal }), isReason);
      await assert.rejects(two.receiveMessage({ signal }), isReason);
      await assert.rejects(one.send("not sent", { signal }), isReason);
      await assert.rejects(one.send(["not", "sent"], { signal }), isReason);
      assert.equal(listeners(signal), 0);
      await expectMessage(two, "there");
      await one.send("next");
      await expectMessage(two, "next");
      await expectNothing(two);
    },
  );

  scenario(
    `a receive over ${transport} that is given up takes nothing`,
    async (s) => {
      const [one, two] = [s.open(Pair), s.open(Pair)];
      await s.join(one, two, transport);
      for (let n = 0; n < 20; n += 1) {
        const abort = new AbortController();
        const receiving = n % 2 === 0
          ? two.receive({ signal: abort.signal })
          : two.receiveMessage({ signal: abort.signal });
        const outcome = receiving.then(
          (parts) => texts(parts as Uint8Array[]),
          (error) => assert.equal(error, REASON),
        );
        assert.equal(listeners(abort.signal), 1);
        // Before the message, after it, and while it is under way.
        if (n % 3 === 0) await one.send([`${n}`, "second"]);
        if (n % 3 !== 2) abort.abort(REASON);
        if (n % 3 !== 0) await one.send([`${n}`, "second"]);
        if (n % 3 === 2) abort.abort(REASON);
        const taken = await outcome;
        assert.equal(listeners(abort.signal), 0);
        const expected = [`${n}`, "second"];
        if (taken) assert.deepEqual(taken, expected);
        else await expectMessage(two, ...expected);
      }
      await expectNothing(two);
    },
  );

  scenario(
    `a send over ${transport} that is given up sends no part of it`,
    async (s) => {
      const { push, pull, sent } = await fullPush(s, transport);
      for (let n = 0; n < 5; n += 1) {
        const abort = new AbortController();
        const sending = push.send([`lost ${n}`, BODY, "end"], {
          signal: abort.signal,
        });
        await nextTurn();
        abort.abort(REASON);
        await within(assert.rejects(sending, (e) => e === REASON), "the abort");
        assert.equal(listeners(abort.signal), 0);
      }
      const waiting = push.send(["kept", BODY]);
      for (let n = 1; n < sent; n += 1) {
        await expectMessage(pull, `${n}`, BODY);
      }
      await within(waiting, "the send that was not given up");
      await expectMessage(pull, "kept", BODY);
      await push.send("last");
      await expectMessage(pull, "last");
      await expectNothing(pull);
    },
  );

  scenario(
    `AbortSignal.timeout over ${transport} gives up in time`,
    async (s) => {
      const { push, pull, sent } = await fullPush(s, transport);
      const other = s.open(Pull);
      await s.bind(other, transport);
      const start = performance.now();
      const isTimeout = { name: "TimeoutError" };
      await assert.rejects(
        push.send("lost", { signal: AbortSignal.timeout(100) }),
        isTimeout,
      );
      await assert.rejects(
        other.receive({ signal: AbortSignal.timeout(100) }),
        isTimeout,
      );
      const took = performance.now() - start;
      assert.ok(took >= 190 && took < 3000, `took ${took} ms`);
      for (let n = 1; n < sent; n += 1) {
        await expectMessage(pull, `${n}`, BODY);
      }
      await push.send("next");
      await expectMessage(pull, "next");
    },
  );

  scenario(
    `an abort over ${transport} after the end has no effect`,
    async (s) => {
      const [one, two] = [s.open(Pair), s.open(Pair)];
      await s.join(one, two, transport);
      const abort = new AbortController();
      const { signal } = abort;
      const receiving = two.receive({ signal });
      await one.send("first", { signal });
      assert.deepEqual(texts(await receiving), ["first"]);
      abort.abort(REASON);
      await one.send("second");
      await expectMessage(two, "second");
    },
  );
}

scenario("one signal for many operations piles nothing up", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await s.join(one, two, "tcp");
  const abort = new AbortController();
  const { signal } = abort;
  for (let n = 0; n < 2000; n += 1) {
    const receiving = two.receive({ signal });
    assert.ok(listeners(signal) <= 1);
    await one.send(`${n}`, { signal });
    assert.deepEqual(texts(await receiving), [`${n}`]);
    assert.equal(listeners(signal), 0);
  }
  two.receiveTimeout = 1;
  for (let n = 0; n < 20; n += 1) {
    await assert.rejects(two.receive({ signal }), { code: "EAGAIN" });
    assert.equal(listeners(signal), 0);
  }
  two.receiveTimeout = 10_000;
  const receiving = two.receive({ signal });
  assert.equal(listeners(signal), 1);
  two.close();
  await assert.rejects(receiving, { code: "EAGAIN" });
  assert.equal(listeners(signal), 0);
});

scenario("one abort ends everything that waits for it", async (s) => {
  const abort = new AbortController();
  const { signal } = abort;
  const waiting: Promise<unknown>[] = [];
  for (const transport of TRANSPORTS) {
    const dealer = s.open(Dealer);
    await s.bind(dealer, transport);
    waiting.push(dealer.receive({ signal }), dealer.send("x", { signal }));
  }
  assert.equal(listeners(signal), waiting.length);
  abort.abort();
  for (const operation of waiting) {
    await assert.rejects(operation, { name: "AbortError" });
  }
  assert.equal(listeners(signal), 0);
});

scenario("a send for a peer that is not there yet is given up", async (s) => {
  const push = s.open(Push, { immediate: true, reconnectInterval: 10 });
  const address = s.address("ipc");
  push.connect(address);
  const abort = new AbortController();
  const sending = push.send(["lost", "whole"], { signal: abort.signal });
  const refused = assert.rejects(sending, (error) => error === REASON);
  await nextTurn();
  abort.abort(REASON);
  await refused;
  const pull = s.open(Pull);
  await pull.bind(address);
  await push.send("kept");
  await expectMessage(pull, "kept");
  await expectNothing(pull);
});

scenario("a REQ may ask, give up, and ask again", async (s) => {
  const [request, reply] = [s.open(Request), s.open(Reply)];
  // Nobody is there to be asked: the question is given up whole.
  const abort = new AbortController();
  const asking = request.send("lost", { signal: abort.signal });
  const refused = assert.rejects(asking, (error) => error === REASON);
  abort.abort(REASON);
  await refused;
  await s.join(reply, request, "tcp");
  await request.send("question");
  await expectMessage(reply, "question");
  // An answer that is not waited for any more still comes.
  const patience = new AbortController();
  const waiting = request.receive({ signal: patience.signal });
  const over = assert.rejects(waiting, (error) => error === REASON);
  patience.abort(REASON);
  await over;
  await reply.send("answer");
  await expectMessage(request, "answer");
});

scenario(
  "a Message of a send that is given up can be sent again",
  async (s) => {
    const [push, pull] = [s.open(Push), s.open(Pull)];
    const message = s.context.allocate(100_000);
    message.bytes.fill(7);
    const abort = new AbortController();
    const sending = push.send(message, { signal: abort.signal });
    const refused = assert.rejects(sending, (error) => error === REASON);
    abort.abort(REASON);
    await refused;
    await s.join(pull, push, "inproc");
    await push.send(message);
    const [body] = await pull.receive();
    assert.equal(body.length, 100_000);
    assert.ok(body.every((octet) => octet === 7));
  },
);

scenario("what is no signal is a TypeError, and changes nothing", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await s.join(one, two, "inproc");
  for (const signal of [null, 1, "abort", {}, new EventTarget()]) {
    const options = { signal } as unknown as { signal: AbortSignal };
    assert.throws(() => void one.send("x", options), TypeError);
    assert.throws(() => void two.receive(options), TypeError);
  }
  await expectNothing(two);
  await one.send("x", {});
  await expectMessage(two, "x");
});
