import assert from "node:assert/strict";
import { test } from "node:test";
import type { SocketOptions } from "../../../../src/base/options.ts";
import { Received } from "../../../../src/core/pattern.ts";
import { Router } from "../../../../src/pattern/reqrep/router.ts";
import {
  arrive,
  attach,
  drain,
  FakePipe,
  hostOf,
  octets,
  receive,
  receiveAll,
  send,
} from "../../../support/fake_pipe.ts";

function routerWith(options: Partial<SocketOptions> = {}): Router {
  return new Router(hostOf("ROUTER", options));
}

test("messages come with the sender's id and go out by it", () => {
  const router = routerWith();
  const [a, b] = [attach(router, "A"), attach(router, "B")];
  arrive(router, a, "from a", "");
  arrive(router, b, "from b");
  assert.equal(router.hasIn(), true);
  assert.deepEqual(receiveAll(router), [["A", "from a", ""], ["B", "from b"]]);
  assert.equal(send(router, "B", "to b", ""), true);
  assert.deepEqual(b.outbound, [["to b", ""]]);
  assert.deepEqual(a.outbound, []);
});

test("peers without an id get a zero octet and a counter", () => {
  const router = routerWith();
  const [a, b] = [attach(router), attach(router)];
  arrive(router, a, "a");
  arrive(router, b, "b");
  assert.deepEqual(receiveAll(router), [
    ["\x00\x01\x02\x03\x04", "a"],
    ["\x00\x01\x02\x03\x05", "b"],
  ]);
  send(router, "\x00\x01\x02\x03\x05", "back");
  assert.deepEqual(b.outbound, [["back"]]);
});

test("the counter wraps, and skips ids that somebody has", () => {
  const host = hostOf("ROUTER");
  host.random = 0xffffffff;
  const router = new Router(host);
  attach(router, "\x00\x00\x00\x00\x00");
  for (const pipe of [attach(router), attach(router)]) {
    arrive(router, pipe, "x");
  }
  assert.deepEqual(receiveAll(router).map(([id]) => id).sort(), [
    "\x00\x00\x00\x00\x01",
    "\x00\xff\xff\xff\xff",
  ]);
});

test("the id that is handed out is the user's own", () => {
  const router = routerWith();
  const pipe = attach(router, "A");
  arrive(router, pipe, "1");
  arrive(router, pipe, "2");
  const out = new Received();
  assert.equal(router.tryReceive(out), true);
  (out.parts[0] as Uint8Array).fill(0);
  assert.deepEqual(receive(router), ["A", "2"]);
});

test("unroutable messages are dropped; an id alone is ignored", () => {
  const router = routerWith();
  const pipe = attach(router, "A");
  assert.equal(send(router, "B", "x"), true);
  assert.equal(send(router, "A"), true);
  assert.equal(send(router, "", "x"), true);
  assert.deepEqual(pipe.outbound, []);
  assert.equal(router.hasOut(), true);
});

test("messages to a full peer are dropped", () => {
  const router = routerWith();
  const pipe = attach(router, "A");
  pipe.highWaterMark = 1;
  assert.equal(send(router, "A", "1"), true);
  assert.equal(send(router, "A", "2"), true);
  assert.deepEqual(drain(router, pipe), [["1"]]);
  assert.equal(send(router, "A", "3"), true);
  assert.deepEqual(pipe.outbound, [["3"]]);
});

test("test_router_mandatory: unknown is EHOSTUNREACH, full would block", () => {
  const router = routerWith({ mandatory: true });
  assert.equal(router.hasOut(), false);
  assert.throws(() => send(router, "A", "x"), { code: "EHOSTUNREACH" });
  const pipe = attach(router, "A");
  pipe.highWaterMark = 1;
  assert.equal(router.hasOut(), true);
  assert.equal(send(router, "A", "1"), true);
  assert.equal(send(router, "A", "2"), false);
  assert.equal(router.hasOut(), false);
  drain(router, pipe);
  assert.equal(send(router, "A", "2"), true);
  assert.throws(() => send(router, "B", "x"), { code: "EHOSTUNREACH" });
  router.pipeTerminated(pipe);
  assert.throws(() => send(router, "A", "x"), { code: "EHOSTUNREACH" });
});

test("mandatory: any peer with room makes the socket writable", () => {
  const router = routerWith({ mandatory: true });
  attach(router, "A").highWaterMark = 0;
  assert.equal(router.hasOut(), false);
  attach(router, "B");
  assert.equal(router.hasOut(), true);
});

test("mandatory can change while the socket is in use", () => {
  const host = hostOf("ROUTER");
  const router = new Router(host);
  assert.equal(send(router, "A", "x"), true);
  host.options.mandatory = true;
  assert.throws(() => send(router, "A", "x"), { code: "EHOSTUNREACH" });
});

test("running out of memory is like being full", () => {
  const host = hostOf("ROUTER", { mandatory: true });
  const router = new Router(host);
  const pipe = attach(router, "A");
  pipe.checkWrite = () => true;
  pipe.outOfMemory = true;
  assert.equal(send(router, "A", "x"), false);
  host.options.mandatory = false;
  assert.equal(send(router, "A", "x"), true);
  assert.deepEqual(pipe.outbound, []);
});

test("test_router_handover: without it the first keeps the id", () => {
  const router = routerWith();
  const [first, second] = [attach(router, "A"), attach(router, "A")];
  send(router, "A", "x");
  assert.deepEqual(first.outbound, [["x"]]);
  second.push("never read");
  router.readActivated(second);
  assert.equal(receive(router), null);
  assert.equal(second.waiting, 1);
  assert.equal(second.terminated, null);
  router.pipeTerminated(second);
  send(router, "A", "y");
  assert.equal(first.outbound.length, 2);
});

test("a duplicate takes the id when its holder has gone", () => {
  const router = routerWith();
  const holder = attach(router, "A");
  const [heir, third] = [attach(router, "A"), attach(router, "A")];
  heir.push("waited");
  attach(router, "B");
  router.pipeTerminated(holder);
  assert.deepEqual(receive(router), ["A", "waited"]);
  send(router, "A", "x");
  assert.deepEqual(heir.outbound, [["x"]]);
  router.pipeTerminated(heir);
  send(router, "A", "y");
  assert.deepEqual(third.outbound, [["y"]]);
});

test("test_router_handover: with it the second takes the id", () => {
  const router = routerWith({ handover: true });
  const first = attach(router, "A");
  arrive(router, first, "said before");
  const second = attach(router, "A");
  assert.deepEqual(first.terminated, { delay: true });
  send(router, "A", "x");
  assert.deepEqual(second.outbound, [["x"]]);
  assert.deepEqual(first.outbound, []);
  // What the first had said is still to be had, under another id.
  assert.deepEqual(receive(router), ["\x00\x01\x02\x03\x04", "said before"]);
  router.pipeTerminated(first);
  send(router, "A", "y");
  assert.equal(second.outbound.length, 2);
  router.pipeTerminated(second);
  assert.equal(router.hasPeer(octets("A")), false);
  assert.equal(router.hasPeer(octets("\x00\x01\x02\x03\x04")), false);
});

test("test_probe_router: an empty message on each new pipe", () => {
  const router = routerWith({ probeRouter: true });
  assert.deepEqual(attach(router, "A").outbound, [[""]]);
  assert.deepEqual(attach(router, null, true).outbound, [[""]]);
  const receiver = routerWith();
  const pipe = attach(receiver, "A");
  arrive(receiver, pipe, "");
  assert.deepEqual(receive(receiver), ["A", ""]);
});

test("a connecting pipe is unknown until its peer says who it is", () => {
  const router = routerWith({ mandatory: true });
  const pipe = attach(router, null, true);
  assert.throws(() => send(router, "A", "x"), { code: "EHOSTUNREACH" });
  assert.equal(pipe.asleep, true);
  pipe.pushConnectionChanged("A");
  router.readActivated(pipe);
  assert.equal(send(router, "A", "x"), true);
  arrive(router, pipe, "hello");
  assert.deepEqual(receive(router), ["A", "hello"]);
});

test("a connecting pipe whose peer has no id gets one", () => {
  const router = routerWith();
  const pipe = attach(router, null, true);
  pipe.pushConnectionChanged("");
  arrive(router, pipe, "hello");
  assert.deepEqual(receive(router), ["\x00\x01\x02\x03\x04", "hello"]);
});

test("a message proves that a connecting pipe's peer is there", () => {
  const router = routerWith();
  const pipe = attach(router, null, true);
  arrive(router, pipe, "hello");
  assert.deepEqual(receive(router), ["\x00\x01\x02\x03\x04", "hello"]);
});

test("an id that changes later is not taken over", () => {
  const router = routerWith();
  const pipe = attach(router, null, true);
  pipe.pushConnectionChanged("A");
  router.readActivated(pipe);
  pipe.pushConnectionChanged("B");
  arrive(router, pipe, "after");
  router.hiccuped();
  assert.deepEqual(receive(router), ["A", "after"]);
  send(router, "B", "x");
  assert.deepEqual(pipe.outbound, []);
  send(router, "A", "x");
  assert.deepEqual(pipe.outbound, [["x"]]);
});

test("test_connect_rid: an assigned id counts at once and for good", () => {
  const router = routerWith({ mandatory: true });
  const pipe = new FakePipe(null);
  pipe.assignedRoutingId = octets("mine");
  router.attach(pipe, true);
  assert.equal(router.hasPeer(octets("mine")), true);
  assert.equal(send(router, "mine", "queued"), true);
  pipe.pushConnectionChanged("theirs");
  arrive(router, pipe, "hello");
  assert.deepEqual(receive(router), ["mine", "hello"]);
  assert.equal(router.hasPeer(octets("theirs")), false);
});

test("pipes that never became known go quietly", () => {
  const router = routerWith();
  const [unknown, known] = [attach(router, null, true), attach(router, "A")];
  router.pipeTerminated(unknown);
  router.pipeTerminated(known);
  assert.equal(router.hasPeer(octets("A")), false);
  assert.equal(receive(router), null);
});

test("peers are read in turn", () => {
  const router = routerWith();
  const pipes = ["A", "B", "C"].map((id) => attach(router, id));
  for (const pipe of pipes) {
    for (let i = 0; i < 2; i++) arrive(router, pipe, `${i}`);
  }
  assert.deepEqual(
    receiveAll(router).map(([id]) => id).join(""),
    "ABCABC",
  );
});
