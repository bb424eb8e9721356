import assert from "node:assert/strict";
import { Dealer, Pull, Push, Request } from "../../mod.ts";
import { expectMessage } from "../support/messages.ts";
import { scenario } from "../support/scenario.ts";
import { within } from "../support/wait.ts";

const EAGAIN = {
  code: "EAGAIN",
  message: "Operation was not possible or timed out",
};

/** How long `action` takes to be rejected with EAGAIN. */
async function timeToEagain(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await assert.rejects(action, EAGAIN);
  return performance.now() - start;
}

scenario(
  "test_timeo: receiveTimeout is kept, neither early nor never",
  async (s) => {
    const pull = s.open(Pull, { receiveTimeout: 250 });
    await s.bind(pull, "inproc");
    const took = await timeToEagain(() => pull.receive());
    assert.ok(took >= 245 && took < 2000, `took ${took} ms`);
  },
);

scenario(
  "test_timeo: sendTimeout is kept, neither early nor never",
  async (s) => {
    const push = s.open(Push, { sendTimeout: 250 });
    await s.bind(push, "tcp");
    const took = await timeToEagain(() => push.send("x"));
    assert.ok(took >= 245 && took < 2000, `took ${took} ms`);
  },
);

scenario("test_timeo: a timeout of 0 does not wait", async (s) => {
  const pair = s.open(Dealer, { receiveTimeout: 0, sendTimeout: 0 });
  await s.bind(pair, "inproc");
  assert.ok(await timeToEagain(() => pair.receive()) < 200);
  assert.ok(await timeToEagain(() => pair.send("x")) < 200);
});

scenario("test_timeo: timeouts do not disturb normal traffic", async (s) => {
  const push = s.open(Push, { sendTimeout: 250 });
  const pull = s.open(Pull, { receiveTimeout: 250 });
  await s.join(push, pull, "inproc");
  for (let n = 0; n < 1000; n += 1) {
    await push.send(`${n}`);
    await expectMessage(pull, `${n}`);
  }
});

scenario("after a timeout the socket goes on as before", async (s) => {
  const push = s.open(Push);
  const pull = s.open(Pull, { receiveTimeout: 20 });
  await s.join(push, pull, "tcp");
  await timeToEagain(() => pull.receive());
  await timeToEagain(() => pull.receive());
  await push.send("late");
  pull.receiveTimeout = 10_000;
  await expectMessage(pull, "late");
});

scenario(
  "close rejects what waits with EAGAIN, and a REQ's receive with EFSM",
  async (s) => {
    const pull = s.openPlain(Pull);
    const push = s.openPlain(Push);
    const req = s.openPlain(Request);
    const receiving = assert.rejects(pull.receive(), EAGAIN);
    const sending = assert.rejects(push.send("x"), EAGAIN);
    const asking = assert.rejects(req.receive(), { code: "EFSM" });
    for (const socket of [pull, push, req]) socket.close();
    await within(Promise.all([receiving, sending, asking]), "the rejections");
    assert.equal(pull.closed, true);
  },
);

scenario(
  "one receive and one send may wait at a time, a second is EBUSY",
  async (s) => {
    const dealer = s.open(Dealer);
    const receiving = dealer.receive();
    const sending = dealer.send("x");
    assert.throws(() => dealer.receive(), {
      code: "EBUSY",
      message: "Socket is busy reading; only one receive operation may be in " +
        "progress at any time",
    });
    assert.throws(() => dealer.send("y"), {
      code: "EBUSY",
      message: "Socket is busy writing; only one send operation may be in " +
        "progress at any time",
    });
    const other = s.open(Dealer);
    await s.join(dealer, other, "inproc");
    await sending;
    await expectMessage(other, "x");
    await other.send("answer");
    assert.deepEqual((await receiving).length, 1);
  },
);

scenario("a time-out does not end what was not even tried", async (s) => {
  const push = s.open(Push, { sendHighWaterMark: 0, sendTimeout: 1 });
  const pull = s.open(Pull, { receiveHighWaterMark: 0, receiveTimeout: 1 });
  await s.join(push, pull, "inproc");
  const count = 3000;
  for (let n = 0; n < count; n += 1) {
    const sending = push.send(`${n}`);
    keepBusy(n);
    await sending;
  }
  for (let n = 0; n < count; n += 1) {
    const receiving = pull.receive();
    keepBusy(n);
    assert.equal(`${(await receiving)[0]}`, `${n}`);
  }
});

/** Now and then, lets a time-out of 1 ms pass before the event loop turns. */
function keepBusy(n: number): void {
  // The library lets the event loop turn after every 512 or 1024 operations.
  if (n % 512 > 1) return;
  const start = performance.now();
  while (performance.now() - start < 5);
}
