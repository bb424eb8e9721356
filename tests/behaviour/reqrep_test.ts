import assert from "node:assert/strict";
import { Dealer, Reply, Request, Router } from "../../mod.ts";
import {
  bounce,
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
  texts,
} from "../support/messages.ts";
import { type Scenario, scenario, TRANSPORTS } from "../support/scenario.ts";
import { until } from "../support/wait.ts";

for (const transport of TRANSPORTS) {
  scenario(
    `test_reqrep_${transport}: REQ and REP bounce messages`,
    async (s) => {
      const [req, rep] = [s.open(Request), s.open(Reply)];
      await s.join(rep, req, transport);
      await bounce(req, rep);
      await bounce(req, rep);
    },
  );

  scenario(
    `test_spec_req: REQ over ${transport} asks its peers in turn`,
    async (s) => {
      const req = s.open(Request);
      const endpoint = await s.bind(req, transport);
      const reps: Reply[] = [];
      for (let n = 0; n < 3; n += 1) {
        const rep = s.open(Reply);
        rep.connect(endpoint);
        reps.push(rep);
      }
      // Once each has answered, the turns are the order of the answers.
      const order: number[] = [];
      await until(async () => {
        await req.send("who?");
        let answered = false;
        await until(async () => {
          for (const [at, rep] of reps.entries()) {
            if (!rep.readable) continue;
            await rep.receive();
            await rep.send(`${at}`);
            answered = true;
          }
          return answered;
        }, "an answer");
        order.push(Number((await receiveTexts(req))[0]));
        return new Set(order.slice(-3)).size === 3;
      }, "three peers");
      const turns = order.slice(-3);
      for (let n = 0; n < 9; n += 1) {
        await req.send(`${n}`);
        const rep = reps[turns[n % 3] ?? 0];
        assert.ok(rep !== undefined);
        await expectMessage(rep, `${n}`);
        await rep.send(`${n}!`);
        await expectMessage(req, `${n}!`);
      }
    },
  );

  scenario(
    `test_spec_req: the envelope over ${transport} is one empty part`,
    async (s) => {
      const [req, router] = [s.open(Request), s.open(Router)];
      await s.join(router, req, transport);
      await req.send(["A", "B"]);
      const [id, ...rest] = await router.receive();
      assert.deepEqual(texts(rest), ["", "A", "B"]);
      await router.send([id ?? "", "", "answer"]);
      await expectMessage(req, "answer");
    },
  );

  scenario(
    `test_spec_req: REQ over ${transport} waits while it has no peer`,
    async (s) => {
      const req = s.open(Request);
      await s.bind(req, transport);
      await expectFull(req);
      req.sendTimeout = 50;
      await assert.rejects(() => req.send("x"), { code: "EAGAIN" });
    },
  );

  scenario(
    `test_spec_rep: REP over ${transport} answers every address it was given`,
    async (s) => {
      const [dealer, rep] = [s.open(Dealer), s.open(Reply)];
      await s.join(rep, dealer, transport);
      await dealer.send(["hop 1", "hop 2", "", "body", "more"]);
      await expectMessage(rep, "body", "more");
      await rep.send("answer");
      await expectMessage(dealer, "hop 1", "hop 2", "", "answer");
      await dealer.send(["", "plain"]);
      await expectMessage(rep, "plain");
      await rep.send(["two", "parts"]);
      await expectMessage(dealer, "", "two", "parts");
    },
  );

  scenario(
    `test_spec_rep: REP over ${transport} serves its peers fairly`,
    async (s) => {
      const rep = s.open(Reply);
      const endpoint = await s.bind(rep, transport);
      const reqs = [];
      for (let n = 0; n < 5; n += 1) {
        const req = s.open(Request);
        req.connect(endpoint);
        await req.send(`${n}`);
        reqs.push(req);
      }
      const seen = new Set<string>();
      for (let n = 0; n < 5; n += 1) {
        const [from = ""] = await receiveTexts(rep);
        seen.add(from);
        await rep.send(`to ${from}`);
      }
      assert.equal(seen.size, 5);
      for (const [n, req] of reqs.entries()) {
        await expectMessage(req, `to ${n}`);
      }
    },
  );

  scenario(
    `test_invalid_rep: over ${transport} an answer without delimiter is ignored`,
    async (s) => {
      const [router, req] = [s.open(Router), s.open(Request)];
      await s.join(router, req, transport);
      await req.send("question");
      const [id = ""] = await router.receive();
      await router.send([id, "bogus"]);
      await router.send([id, "bogus", "", "still bogus"]);
      await router.send([id, "", "good"]);
      await expectMessage(req, "good");
      await req.send("next");
      const [, ...rest] = await router.receive();
      assert.deepEqual(texts(rest), ["", "next"]);
    },
  );

  scenario(
    `a request without delimiter over ${transport} is dropped whole`,
    async (s) => {
      const [dealer, rep] = [s.open(Dealer), s.open(Reply)];
      await s.join(rep, dealer, transport);
      await dealer.send("no delimiter");
      await dealer.send(["none", "here", "either"]);
      await dealer.send(["", "good"]);
      await expectMessage(rep, "good");
      await rep.send("answer");
      await expectMessage(dealer, "", "answer");
      await expectNothing(dealer);
    },
  );

  scenario(
    `test_reqrep_device: a ROUTER and DEALER over ${transport} keep the envelope`,
    async (s) => {
      const [front, back] = [s.open(Router), s.open(Dealer)];
      const frontEnd = await s.bind(front, transport);
      const backEnd = await s.bind(back, transport);
      const [req, rep] = [s.open(Request), s.open(Reply)];
      req.connect(frontEnd);
      rep.connect(backEnd);
      for (let n = 0; n < 3; n += 1) {
        await req.send(["ABC", `${n}`]);
        await back.send(await front.receive());
        await expectMessage(rep, "ABC", `${n}`);
        await rep.send(["DEF", `${n}`]);
        await front.send(await back.receive());
        await expectMessage(req, "DEF", `${n}`);
      }
    },
  );

  scenario(
    `test_req_correlate: over ${transport} only the answer to this request counts`,
    async (s) => {
      const req = s.open(Request, { correlate: true });
      const router = s.open(Router);
      await s.join(router, req, transport);
      await req.send(["ABC", "DEF"]);
      const [id, request, delimiter, ...body] = await router
        .receive();
      assert.ok(id && request && delimiter);
      assert.equal(request.length, 4);
      assert.equal(delimiter.length, 0);
      assert.deepEqual(texts(body), ["ABC", "DEF"]);
      const other = Uint8Array.from(request, (byte) => byte ^ 0xff);
      await router.send([id, other, "", "another request"]);
      await router.send([id, "", "no request id"]);
      await router.send([id, request, "no delimiter"]);
      await router.send([id, "malformed"]);
      await router.send([id, request, "", "right"]);
      await expectMessage(req, "right");
      await req.send("again");
      const [, next] = await router.receive();
      assert.notDeepEqual(next, request);
    },
  );

  scenario(
    `test_req_relaxed: over ${transport} a new request gives up the old one`,
    async (s) => {
      const req = s.open(Request, { relaxed: true, correlate: true });
      const rep = s.open(Reply);
      await s.join(rep, req, transport);
      await req.send("A");
      await expectMessage(rep, "A");
      assert.equal(req.writable, true);
      await req.send("B");
      await rep.send("late answer to A");
      await expectMessage(rep, "B");
      await rep.send("answer to B");
      await expectMessage(req, "answer to B");
      // An answer that lies ready is thrown away by the next request, too.
      await req.send("C");
      await expectMessage(rep, "C");
      await rep.send("answer to C");
      await until(() => req.readable, "the answer to C");
      await req.send("D");
      await expectMessage(rep, "D");
      await rep.send("answer to D");
      await expectMessage(req, "answer to D");
      await expectNothingFsm(req);
    },
  );

  scenario(
    `test_req_relaxed: over ${transport} requests before the bind, last answer only`,
    async (s) => {
      if (transport === "tcp") return await lateTcp(s);
      const req = s.open(Request, RELAXED);
      const rep = s.open(Reply);
      const address = s.address(transport);
      req.connect(address);
      for (const text of ["A", "B", "C"]) await req.send(text);
      await rep.bind(address);
      for (const text of ["A", "B", "C"]) {
        await expectMessage(rep, text);
        await rep.send(`answer to ${text}`);
      }
      await expectMessage(req, "answer to C");
    },
  );

  scenario(
    `a REP over ${transport} survives a client that left before the answer`,
    async (s) => {
      const rep = s.open(Reply);
      const endpoint = await s.bind(rep, transport);
      for (let n = 0; n < 10; n += 1) {
        const req = s.open(Request);
        req.connect(endpoint);
        await req.send("x".repeat(1000));
        await rep.receive();
        req.close();
        await rep.send("nobody is there");
      }
      const req = s.open(Request);
      req.connect(endpoint);
      await bounce(req, rep);
    },
  );
}

const RELAXED = { relaxed: true, correlate: true, reconnectInterval: 10 };

/** As over ipc, with a port that was free a moment ago. */
async function lateTcp(s: Scenario): Promise<void> {
  const [req, rep] = [s.open(Request, RELAXED), s.open(Reply)];
  await rep.bind("tcp://127.0.0.1:*");
  const endpoint = rep.lastEndpoint ?? "";
  await rep.unbind(endpoint);
  req.connect(endpoint);
  for (const text of ["A", "B", "C"]) await req.send(text);
  await s.bindAgain(rep, endpoint);
  for (const text of ["A", "B", "C"]) {
    await expectMessage(rep, text);
    await rep.send(`answer to ${text}`);
  }
  await expectMessage(req, "answer to C");
}

async function expectNothingFsm(req: Request): Promise<void> {
  req.receiveTimeout = 0;
  await assert.rejects(() => req.receive(), { code: "EFSM" });
}

scenario("REQ and REP take turns, or say EFSM", async (s) => {
  const [req, rep] = [s.open(Request), s.open(Reply)];
  await s.join(rep, req, "inproc");
  req.receiveTimeout = 0;
  rep.sendTimeout = 0;
  await assert.rejects(() => req.receive(), { code: "EFSM" });
  await assert.rejects(() => rep.send("unasked"), { code: "EFSM" });
  await req.send("question");
  req.sendTimeout = 0;
  await assert.rejects(() => req.send("another"), { code: "EFSM" });
  await expectMessage(rep, "question");
  rep.receiveTimeout = 0;
  await assert.rejects(() => rep.receive(), { code: "EFSM" });
  await rep.send("answer");
  await assert.rejects(() => rep.send("again"), { code: "EFSM" });
  req.receiveTimeout = 10_000;
  await expectMessage(req, "answer");
});

scenario(
  "a REQ whose peer left before answering is stuck, unless relaxed",
  async (s) => {
    const req = s.open(Request, { correlate: true, reconnectInterval: 10 });
    const first = s.open(Reply);
    const endpoint = await s.join(first, req, "tcp");
    await req.send("question");
    await expectMessage(first, "question");
    first.close();
    const second = s.open(Reply);
    await s.bindAgain(second, endpoint);
    req.sendTimeout = 0;
    await assert.rejects(() => req.send("another"), { code: "EFSM" });
    req.relaxed = true;
    req.sendTimeout = 10_000;
    // What goes into the old connection is lost; relaxed, it may ask again.
    await until(async () => {
      await req.send("another");
      return second.readable;
    }, "the second server to be asked");
    while (second.readable) {
      await expectMessage(second, "another");
      await second.send("too early");
    }
    await req.send("last");
    await until(async () => {
      const [question] = await receiveTexts(second);
      if (question !== "last") await second.send("too early");
      return question === "last";
    }, "the last question");
    await second.send("answer");
    await expectMessage(req, "answer");
  },
);

scenario(
  "test_reqrep_tcp: a REQ asks several endpoints, one twice",
  async (s) => {
    const req = s.open(Request);
    const reps = [s.open(Reply), s.open(Reply)];
    const endpoints = [];
    for (const rep of reps) endpoints.push(await s.bind(rep, "tcp"));
    for (const endpoint of endpoints) req.connect(endpoint);
    req.connect(endpoints[0] ?? "");
    const counts = [0, 0];
    for (let n = 0; n < 10; n += 1) {
      await req.send("x");
      let answered = false;
      await until(async () => {
        for (const [at, rep] of reps.entries()) {
          if (!rep.readable) continue;
          await rep.receive();
          await rep.send("y");
          counts[at] = (counts[at] ?? 0) + 1;
          answered = true;
        }
        return answered;
      }, "one of the servers");
      await expectMessage(req, "y");
    }
    // The second connection to the same endpoint does not exist.
    assert.deepEqual(counts, [5, 5]);
  },
);
