import assert from "node:assert/strict";
import { Dealer, Pull, Push, Reply, Request, Router } from "../../mod.ts";
import { expectMessage } from "../support/messages.ts";
import { scenario } from "../support/scenario.ts";
import { nextTurn, within } from "../support/wait.ts";

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
  "close rejects what waits with EAGAIN, and what was out of turn with EFSM",
  async (s) => {
    const pull = s.openPlain(Pull);
    const push = s.openPlain(Push);
    const req = s.openPlain(Request);
    const rep = s.openPlain(Reply);
    const router = s.openPlain(Router, { mandatory: true });
    const all = [
      pull.receive(),
      push.send("x"),
      req.receive(),
      rep.send("x"),
      router.send(["nobody", "x"]),
    ];
    let settled = 0;
    for (const one of all) one.catch(() => {}).finally(() => settled += 1);
    await nextTurn();
    assert.equal(settled, 0, "all of them wait");
    for (const socket of [pull, push, req, rep, router]) socket.close();
    const results = await within(Promise.allSettled(all), "the rejections");
    const codes = results.map((result) =>
      result.status === "rejected" ? result.reason.code : "fulfilled"
    );
    const expected = ["EAGAIN", "EAGAIN", "EFSM", "EFSM", "EHOSTUNREACH"];
    assert.deepEqual(codes, expected);
    assert.equal(pull.closed, true);
  },
);

scenario("what is out of turn waits for its turn", async (s) => {
  const req = s.openPlain(Request, { linger: 0 });
  const rep = s.openPlain(Reply, { linger: 0 });
  const receiving = req.receive();
  const replying = rep.send("reply");
  await s.join(rep, req, "inproc");
  await req.send("request");
  await expectMessage(rep, "request");
  await within(replying, "the reply to be sent");
  const [reply] = await within(receiving, "the reply");
  assert.equal(String(reply), "reply");
  // Twice in a row: the second one waits for the reply to the first.
  await req.send("first");
  const second = req.send("second");
  await expectMessage(rep, "first");
  await rep.send("to the first");
  await expectMessage(req, "to the first");
  await within(second, "the second request");
  await expectMessage(rep, "second");
});

scenario("a timeout ends what is out of turn with the reason", async (s) => {
  const options = { sendTimeout: 50, receiveTimeout: 50 };
  const req = s.open(Request, options);
  const rep = s.open(Reply, options);
  const router = s.open(Router, { ...options, mandatory: true });
  await assert.rejects(() => req.receive(), { code: "EFSM" });
  await assert.rejects(() => rep.send("x"), { code: "EFSM" });
  await assert.rejects(() => router.send(["nobody", "x"]), {
    code: "EHOSTUNREACH",
  });
});

scenario("a mandatory ROUTER's send waits for its first peer", async (s) => {
  const router = s.openPlain(Router, { mandatory: true, linger: 0 });
  const endpoint = await s.bind(router, "tcp");
  const sending = router.send(["known", "hello"]);
  const dealer = s.open(Dealer, { routingId: "known" });
  dealer.connect(endpoint);
  await within(sending, "the send");
  await expectMessage(dealer, "hello");
  // Now that there is somebody, others are unknown at once.
  await within(
    assert.rejects(() => router.send(["unknown", "x"]), {
      code: "EHOSTUNREACH",
    }),
    "the refusal",
  );
});

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
