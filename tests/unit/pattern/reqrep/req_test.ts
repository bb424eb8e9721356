import assert from "node:assert/strict";
import { test } from "node:test";
import type { SocketOptions } from "../../../../src/base/options.ts";
import { Req } from "../../../../src/pattern/reqrep/req.ts";
import {
  arrive,
  attach,
  type FakePipe,
  hostOf,
  octets,
  receive,
  RELEASED,
  send,
} from "../../../support/fake_pipe.ts";
import { seededRandom } from "../../../support/seed.ts";

function setUp(
  count: number,
  options: Partial<SocketOptions> = {},
): { req: Req; pipes: FakePipe[] } {
  const req = new Req(hostOf("REQ", options));
  const pipes = Array.from({ length: count }, () => attach(req));
  return { req, pipes };
}

test("test_spec_req: a delimiter goes in front and is stripped from replies", () => {
  const { req, pipes: [pipe] } = setUp(1) as { req: Req; pipes: [FakePipe] };
  assert.equal(send(req, "ABC", "DEF"), true);
  assert.deepEqual(pipe.outbound, [["", "ABC", "DEF"]]);
  arrive(req, pipe, "", "reply", "");
  assert.equal(req.hasIn(), true);
  assert.deepEqual(receive(req), ["reply", ""]);
});

test("test_spec_req: requests go round robin", () => {
  const { req, pipes } = setUp(3);
  for (let i = 0; i < 6; i++) {
    const pipe = pipes[i % 3] as FakePipe;
    assert.equal(send(req, `${i}`), true);
    assert.deepEqual(pipe.outbound.at(-1), ["", `${i}`]);
    arrive(req, pipe, "", `${i}`);
    assert.deepEqual(receive(req), [`${i}`]);
  }
});

test("test_spec_req: blocks without peers and with full ones, changing nothing", () => {
  const { req } = setUp(0);
  assert.equal(send(req, "x"), false);
  assert.throws(() => receive(req), { code: "EFSM" });
  const pipe = attach(req);
  pipe.highWaterMark = 0;
  assert.equal(send(req, "x"), false);
  assert.equal(req.hasOut(), false);
  assert.throws(() => receive(req), { code: "EFSM" });
});

test("sending and receiving alternate strictly", () => {
  const { req, pipes: [pipe] } = setUp(1) as { req: Req; pipes: [FakePipe] };
  assert.throws(() => receive(req), { code: "EFSM" });
  assert.equal(req.hasIn(), false);
  send(req, "x");
  assert.equal(req.hasOut(), false);
  assert.throws(() => send(req, "y"), { code: "EFSM" });
  assert.equal(receive(req), null);
  arrive(req, pipe, "", "reply");
  assert.deepEqual(receive(req), ["reply"]);
  assert.throws(() => receive(req), { code: "EFSM" });
  assert.equal(req.hasOut(), true);
  assert.equal(send(req, "y"), true);
});

test("replies of pipes that were not asked are dropped", () => {
  const { req, pipes } = setUp(2);
  const [asked, other] = pipes as [FakePipe, FakePipe];
  send(req, "x");
  arrive(req, other, "", "from another");
  assert.equal(req.hasIn(), false);
  assert.equal(receive(req), null);
  assert.equal(other.messagesRead, 1);
  arrive(req, asked, "", "right");
  assert.deepEqual(receive(req), ["right"]);
});

test("malformed replies are dropped", () => {
  const { req, pipes: [pipe] } = setUp(1) as { req: Req; pipes: [FakePipe] };
  send(req, "x");
  arrive(req, pipe, "no delimiter", "body");
  arrive(req, pipe, "single");
  arrive(req, pipe, "");
  assert.equal(req.hasIn(), false);
  arrive(req, pipe, "", "good");
  assert.deepEqual(receive(req), ["good"]);
});

test("whatever came in before a request is thrown away", () => {
  const { req, pipes } = setUp(2);
  const [first, second] = pipes as [FakePipe, FakePipe];
  arrive(req, first, "", "unasked");
  arrive(req, first, "", "unasked", "again");
  arrive(req, second, "", "unasked");
  send(req, "x");
  assert.equal(first.waiting + second.waiting, 0);
  assert.equal(receive(req), null);
});

test("a send that would block throws nothing away", () => {
  const { req, pipes: [pipe] } = setUp(1, { relaxed: true }) as {
    req: Req;
    pipes: [FakePipe];
  };
  pipe.highWaterMark = 1;
  send(req, "1");
  arrive(req, pipe, "", "reply to 1");
  assert.equal(send(req, "2"), false);
  assert.deepEqual(receive(req), ["reply to 1"]);
});

test("test_req_correlate: only the reply with the request's id counts", () => {
  const { req, pipes: [pipe] } = setUp(1, { correlate: true }) as {
    req: Req;
    pipes: [FakePipe];
  };
  send(req, "ABC", "DEF");
  const [id, ...rest] = pipe.outbound[0] as [string, ...string[]];
  assert.equal(id, "\x01\x02\x03\x05");
  assert.deepEqual(rest, ["", "ABC", "DEF"]);
  arrive(req, pipe, "\x01\x02\x03\x06", "", "wrong id");
  arrive(req, pipe, "", "no id");
  arrive(req, pipe, id + "x", "", "long id");
  arrive(req, pipe, id);
  arrive(req, pipe, id, "no delimiter", "body");
  arrive(req, pipe, id, "");
  assert.equal(receive(req), null);
  assert.equal(req.hasIn(), false);
  arrive(req, pipe, id, "", "GHI");
  assert.equal(req.hasIn(), true);
  assert.deepEqual(receive(req), ["GHI"]);
  send(req, "next");
  assert.equal(pipe.outbound[1]?.[0], "\x01\x02\x03\x06");
});

test("request ids wrap around", () => {
  const host = hostOf("REQ", { correlate: true, relaxed: true });
  host.random = 0xfffffffe;
  const req = new Req(host);
  const pipe = attach(req);
  send(req, "a");
  send(req, "b");
  assert.deepEqual(pipe.outbound.map((message) => message[0]), [
    "\xff\xff\xff\xff",
    "\x00\x00\x00\x00",
  ]);
  arrive(req, pipe, "\x00\x00\x00\x00", "", "b");
  assert.deepEqual(receive(req), ["b"]);
});

test("test_req_relaxed: a new request abandons the old one", () => {
  const { req, pipes } = setUp(2, { relaxed: true, correlate: true });
  const [first, second] = pipes as [FakePipe, FakePipe];
  send(req, "1");
  assert.equal(req.hasOut(), true);
  send(req, "2");
  const [id1] = first.outbound[0] as [string];
  const [id2] = second.outbound[0] as [string];
  arrive(req, first, id1, "", "late");
  arrive(req, second, id2, "", "right");
  assert.deepEqual(receive(req), ["right"]);
  // Issue 1690: the pipes stay; the next request goes to the first again.
  send(req, "3");
  assert.equal(first.outbound.length, 2);
  assert.ok(pipes.every((pipe) => pipe.terminated === null));
});

test("test_req_relaxed: a reply in the queue is eaten by the next request", () => {
  const { req, pipes: [pipe] } = setUp(1, { relaxed: true }) as {
    req: Req;
    pipes: [FakePipe];
  };
  send(req, "1");
  arrive(req, pipe, "", "reply to 1");
  send(req, "2");
  assert.equal(receive(req), null);
  arrive(req, pipe, "", "reply to 2");
  assert.deepEqual(receive(req), ["reply to 2"]);
});

test("test_req_relaxed: of queued requests only the last reply counts", () => {
  const { req, pipes: [pipe] } = setUp(1, {
    relaxed: true,
    correlate: true,
  }) as { req: Req; pipes: [FakePipe] };
  send(req, "TO_BE_DISCARDED");
  send(req, "TO_BE_ANSWERED");
  for (const message of pipe.outbound) arrive(req, pipe, ...message);
  assert.deepEqual(receive(req), ["TO_BE_ANSWERED"]);
});

test("a blocked relaxed send leaves the open request answerable", () => {
  const { req, pipes: [pipe] } = setUp(1, {
    relaxed: true,
    correlate: true,
  }) as { req: Req; pipes: [FakePipe] };
  send(req, "1");
  const [id] = pipe.outbound[0] as [string];
  pipe.checkWrite = () => true;
  pipe.outOfMemory = true;
  assert.equal(send(req, "2"), false);
  arrive(req, pipe, id, "", "reply");
  assert.deepEqual(receive(req), ["reply"]);
});

test("a part that throws spoils neither the open request nor the next one", () => {
  const { req, pipes: [pipe] } = setUp(1, {
    relaxed: true,
    correlate: true,
  }) as { req: Req; pipes: [FakePipe] };
  send(req, "1");
  const [id] = pipe.outbound[0] as [string];
  assert.throws(() => req.trySend([octets("2"), RELEASED], 2), TypeError);
  arrive(req, pipe, id, "", "reply");
  assert.deepEqual(receive(req), ["reply"]);
  send(req, "3");
  assert.deepEqual(pipe.outbound[1]?.slice(1), ["", "3"]);
});

test("when the pipe of the request is gone, the reply may come by another", () => {
  const { req, pipes } = setUp(1);
  send(req, "x");
  req.pipeTerminated(pipes[0] as FakePipe);
  assert.equal(receive(req), null);
  const next = attach(req);
  arrive(req, next, "", "by the new connection");
  assert.deepEqual(receive(req), ["by the new connection"]);
});

test("REQ keeps nothing of a request after sending", () => {
  const { req, pipes: [pipe] } = setUp(1) as { req: Req; pipes: [FakePipe] };
  const secret = new Uint8Array(8).fill(1);
  req.trySend([secret], 1);
  assert.ok(!pipe.written[0]?.includes(secret));
});

test("REQ probes routers", () => {
  const { pipes: [pipe] } = setUp(1, { probeRouter: true });
  assert.deepEqual(pipe?.outbound, [[""]]);
});

test("REQ agrees with a model of its states", () => {
  const random = seededRandom("req");
  for (const relaxed of [false, true]) {
    const { req, pipes } = setUp(3, { relaxed, correlate: true });
    let open: { pipe: FakePipe; id: string; text: string } | null = null;
    let turn = 0;
    let readable = false;
    for (let step = 0; step < 3000; step++) {
      const choice = random.below(3);
      if (choice === 0) {
        if (open !== null && !relaxed) {
          assert.throws(() => send(req, "x"), { code: "EFSM" });
          continue;
        }
        const pipe = pipes[turn % 3] as FakePipe;
        assert.equal(send(req, `${step}`), true);
        const [id] = pipe.outbound.at(-1) as [string];
        open = { pipe, id, text: `${step}` };
        readable = false;
        turn++;
      } else if (choice === 1) {
        // Any earlier request may be answered late, by anybody.
        const pipe = random.pick(pipes);
        const [id, , text] = (random.pick(pipes).outbound.at(-1) ??
          ["none", "", "x"]) as [string, string, string];
        arrive(req, pipe, id, "", text);
        if (open !== null && pipe === open.pipe && id === open.id) {
          readable = true;
        }
      } else if (open === null) {
        assert.throws(() => receive(req), { code: "EFSM" });
      } else {
        assert.equal(req.hasIn(), readable);
        assert.deepEqual(receive(req), readable ? [open.text] : null);
        if (readable) open = null;
        readable = false;
      }
      assert.equal(req.hasOut(), open === null || relaxed);
    }
  }
});
