import assert from "node:assert/strict";
import { test } from "node:test";
import type { SocketOptions } from "../../../../src/base/options.ts";
import { XPub } from "../../../../src/pattern/pubsub/xpub.ts";
import {
  arrive,
  attach,
  cancelFrom,
  drain,
  type FakePipe,
  hostOf,
  octets,
  receive,
  receiveAll,
  send,
  subscribeFrom,
} from "../../../support/fake_pipe.ts";
import { seededRandom } from "../../../support/seed.ts";

function setUp(
  count: number,
  options: Partial<SocketOptions> = {},
): { xpub: XPub; pipes: FakePipe[]; options: SocketOptions } {
  const host = hostOf("XPUB", options);
  const xpub = new XPub(host);
  const pipes = Array.from({ length: count }, () => attach(xpub));
  return { xpub, pipes, options: host.options };
}

function one(
  options: Partial<SocketOptions> = {},
): { xpub: XPub; pipe: FakePipe; options: SocketOptions } {
  const { xpub, pipes, options: live } = setUp(1, options);
  return { xpub, pipe: pipes[0] as FakePipe, options: live };
}

test("only subscribers of a prefix of the first part get a message", () => {
  const { xpub, pipes } = setUp(3);
  const [a, all, none] = pipes as [FakePipe, FakePipe, FakePipe];
  subscribeFrom(xpub, a, "ab");
  subscribeFrom(xpub, a, "abc");
  subscribeFrom(xpub, all, "");
  send(xpub, "abcd", "body");
  send(xpub, "a", "ab");
  send(xpub, "", "x");
  assert.deepEqual(a.outbound, [["abcd", "body"]]);
  assert.equal(all.outbound.length, 3);
  assert.deepEqual(none.outbound, []);
});

test("nobody subscribed: the message is dropped, the socket writable", () => {
  const { xpub, pipe } = one();
  assert.equal(xpub.hasOut(), true);
  assert.equal(send(xpub, "x"), true);
  assert.deepEqual(pipe.outbound, []);
});

test("a cancelled subscription counts no more", () => {
  const { xpub, pipe } = one();
  subscribeFrom(xpub, pipe, "a");
  cancelFrom(xpub, pipe, "a");
  send(xpub, "a");
  assert.deepEqual(pipe.outbound, []);
  assert.equal(xpub.topicCount, 0);
});

test("test_xpub_verbose: first subscriptions and last ends only", () => {
  const { xpub, pipes } = setUp(2);
  const [one, two] = pipes as [FakePipe, FakePipe];
  assert.equal(xpub.hasIn(), false);
  subscribeFrom(xpub, one, "A");
  assert.equal(xpub.hasIn(), true);
  subscribeFrom(xpub, two, "A");
  subscribeFrom(xpub, one, "A");
  subscribeFrom(xpub, two, "B");
  cancelFrom(xpub, one, "A");
  cancelFrom(xpub, one, "A");
  cancelFrom(xpub, two, "A");
  cancelFrom(xpub, two, "unknown");
  assert.deepEqual(receiveAll(xpub), [["\x01A"], ["\x01B"], ["\x00A"]]);
});

test("test_xpub_verbose: allSubs shows every subscription", () => {
  const { xpub, pipes } = setUp(2, { verbosity: "allSubs" });
  const [one, two] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, one, "A");
  subscribeFrom(xpub, one, "A");
  subscribeFrom(xpub, two, "A");
  cancelFrom(xpub, two, "A");
  cancelFrom(xpub, one, "A");
  assert.deepEqual(receiveAll(xpub), [
    ["\x01A"],
    ["\x01A"],
    ["\x01A"],
    ["\x00A"],
  ]);
});

test("test_xpub_verbose: allSubsUnsubs shows every end too", () => {
  const { xpub, pipes, options } = setUp(2);
  const [one, two] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, one, "A");
  subscribeFrom(xpub, two, "A");
  receiveAll(xpub);
  options.verbosity = "allSubsUnsubs";
  subscribeFrom(xpub, two, "A");
  cancelFrom(xpub, two, "A");
  cancelFrom(xpub, one, "A");
  assert.deepEqual(receiveAll(xpub), [["\x01A"], ["\x00A"], ["\x00A"]]);
});

test("the end of a pipe ends its subscriptions", () => {
  const { xpub, pipes } = setUp(2);
  const [one, two] = pipes as [FakePipe, FakePipe];
  for (const topic of ["A", "B", ""]) subscribeFrom(xpub, one, topic);
  subscribeFrom(xpub, two, "B");
  receiveAll(xpub);
  xpub.pipeTerminated(one);
  assert.deepEqual(receiveAll(xpub), [["\x00A"], ["\x00"]]);
  send(xpub, "B");
  assert.deepEqual(one.outbound, []);
  assert.deepEqual(two.outbound, [["B"]]);
});

test("allSubsUnsubs: the end of a pipe tells of each subscription", () => {
  const { xpub, pipes } = setUp(2, { verbosity: "allSubsUnsubs" });
  for (const pipe of pipes) subscribeFrom(xpub, pipe, "A");
  receiveAll(xpub);
  for (const pipe of pipes) xpub.pipeTerminated(pipe);
  assert.deepEqual(receiveAll(xpub), [["\x00A"], ["\x00A"]]);
});

test("subscriptions that were there before attach count", () => {
  const { xpub } = setUp(0);
  const source = attach(xpub);
  xpub.pipeTerminated(source);
  source.pushCommand("\x09SUBSCRIBEearly");
  source.asleep = false;
  xpub.attach(source);
  assert.deepEqual(receive(xpub), ["\x01early"]);
});

test("messages that begin like subscriptions are subscriptions", () => {
  const { xpub, pipe } = one();
  arrive(xpub, pipe, "\x01A");
  arrive(xpub, pipe, "\x01B", "\x01C", "\x00A");
  send(xpub, "A");
  send(xpub, "C");
  assert.deepEqual(pipe.outbound, [["C"]]);
  assert.deepEqual(receiveAll(xpub), [
    ["\x01A"],
    ["\x01B"],
    ["\x01C"],
    ["\x00A"],
  ]);
});

test("test_user_message: other messages from XSUB are handed up", () => {
  const { xpub, pipe } = one();
  arrive(xpub, pipe, "\x02A");
  arrive(xpub, pipe, "");
  arrive(xpub, pipe, "multi", "\x01part", "\x00message");
  assert.deepEqual(receiveAll(xpub), [
    ["\x02A"],
    [""],
    ["multi", "\x01part", "\x00message"],
  ]);
  send(xpub, "part");
  assert.deepEqual(pipe.outbound, []);
});

test("user parts behind a subscription are messages of their own", () => {
  const { xpub, pipe } = one();
  arrive(xpub, pipe, "\x01A", "u1", "u2", "\x01B", "u3", "\x00B");
  assert.deepEqual(receiveAll(xpub), [
    ["\x01A"],
    ["u1", "u2"],
    ["\x01B"],
    ["u3"],
    ["\x00B"],
  ]);
});

test("user messages are bounded by the receive high-water mark", () => {
  const { xpub, pipes } = setUp(2, { receiveHighWaterMark: 2 });
  const [noisy, other] = pipes as [FakePipe, FakePipe];
  for (let i = 0; i < 5; i++) arrive(xpub, noisy, `user ${i}`);
  noisy.pushCommand("\x09SUBSCRIBElate");
  assert.equal(noisy.waiting, 4);
  // Other pipes are not held up.
  subscribeFrom(xpub, other, "A");
  send(xpub, "A");
  assert.deepEqual(other.outbound, [["A"]]);
  assert.deepEqual(receiveAll(xpub).map(([text]) => text), [
    "user 0",
    "user 1",
    "\x01A",
    "user 2",
    "user 3",
    "user 4",
    "\x01late",
  ]);
  assert.equal(noisy.waiting, 0);
});

test("commands that are no subscriptions are ignored", () => {
  const { xpub, pipe } = one();
  pipe.pushCommand("\x04PINGxx");
  subscribeFrom(xpub, pipe, "A");
  assert.deepEqual(receiveAll(xpub), [["\x01A"]]);
});

test("a full subscriber misses messages, the others do not", () => {
  const { xpub, pipes } = setUp(2);
  const [slow, fast] = pipes as [FakePipe, FakePipe];
  for (const pipe of pipes) subscribeFrom(xpub, pipe, "");
  slow.highWaterMark = 1;
  for (const text of ["1", "2"]) assert.equal(send(xpub, text), true);
  assert.deepEqual(drain(xpub, slow), [["1"]]);
  send(xpub, "3");
  assert.deepEqual(slow.outbound, [["3"]]);
  assert.deepEqual(fast.outbound, [["1"], ["2"], ["3"]]);
});

test("test_xpub_nodrop: blocks when any matching subscriber is full", () => {
  const { xpub, pipes } = setUp(2, { noDrop: true });
  const [slow, fast] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, slow, "A");
  subscribeFrom(xpub, fast, "");
  slow.highWaterMark = 1;
  assert.equal(send(xpub, "A1"), true);
  assert.equal(send(xpub, "A2"), false);
  assert.equal(send(xpub, "A2"), false);
  // Not for the slow one: goes.
  assert.equal(send(xpub, "B"), true);
  assert.equal(slow.blocked, true);
  drain(xpub, slow);
  assert.equal(send(xpub, "A2"), true);
  assert.deepEqual(slow.outbound, [["A2"]]);
  assert.deepEqual(fast.outbound, [["A1"], ["B"], ["A2"]]);
});

test("noDrop at the memory limit: blocks, and nobody has the message", () => {
  const { xpub, pipes } = setUp(2, { noDrop: true });
  const [one, two] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, one, "");
  subscribeFrom(xpub, two, "");
  two.outOfMemory = true;
  assert.equal(send(xpub, "x"), false);
  assert.deepEqual([one.outbound, two.outbound], [[], []]);
  two.outOfMemory = false;
  assert.equal(send(xpub, "x"), true);
  assert.deepEqual([one.outbound, two.outbound], [[["x"]], [["x"]]]);
});

test("noDrop set while a subscriber is full holds for it as well", () => {
  const { xpub, pipe, options } = one();
  subscribeFrom(xpub, pipe, "");
  pipe.highWaterMark = 1;
  send(xpub, "1");
  send(xpub, "dropped");
  options.noDrop = true;
  assert.equal(send(xpub, "2"), false);
  drain(xpub, pipe);
  assert.equal(send(xpub, "2"), true);
  assert.deepEqual(pipe.outbound, [["2"]]);
});

test("test_pub_invert_matching: those get it that did not subscribe", () => {
  const { xpub, pipes } = setUp(2, { invertMatching: true });
  const [one, two] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, one, "A");
  subscribeFrom(xpub, two, "B");
  send(xpub, "A1");
  send(xpub, "C");
  assert.deepEqual(one.outbound, [["C"]]);
  assert.deepEqual(two.outbound, [["A1"], ["C"]]);
});

test("test_xpub_welcome_msg: each new pipe gets the welcome first", () => {
  const { xpub, options } = setUp(0, { welcomeMessage: octets("W") });
  assert.deepEqual(attach(xpub).outbound, [["W"]]);
  options.welcomeMessage = octets("");
  assert.deepEqual(attach(xpub).outbound, []);
});

test("test_basic (manual): the application chooses the subscription", () => {
  const { xpub, pipe } = one({ manual: true });
  subscribeFrom(xpub, pipe, "A");
  send(xpub, "A");
  assert.deepEqual(receive(xpub), ["\x01A"]);
  xpub.subscribe(octets("B"));
  send(xpub, "A");
  send(xpub, "B");
  assert.deepEqual(pipe.outbound, [["B"]]);
});

test("test_unsubscribe_manual", () => {
  const { xpub, pipe } = one({ manual: true });
  for (const topic of ["A", "B"]) subscribeFrom(xpub, pipe, topic);
  assert.deepEqual(receive(xpub), ["\x01A"]);
  xpub.subscribe(octets("XA"));
  assert.deepEqual(receive(xpub), ["\x01B"]);
  xpub.subscribe(octets("XB"));
  cancelFrom(xpub, pipe, "A");
  assert.deepEqual(receive(xpub), ["\x00A"]);
  xpub.unsubscribe(octets("XA"));
  send(xpub, "XA");
  send(xpub, "XB");
  assert.deepEqual(pipe.outbound, [["XB"]]);
  xpub.pipeTerminated(pipe);
  assert.deepEqual(receiveAll(xpub), [["\x00B"]]);
  xpub.unsubscribe(octets("XB"));
  assert.equal(xpub.topicCount, 0);
});

test("test_xpub_proxy_unsubscribe_on_disconnect: one end per subscriber", () => {
  const { xpub, pipes } = setUp(2, { manual: true });
  for (const pipe of pipes) {
    subscribeFrom(xpub, pipe, "1");
    assert.deepEqual(receive(xpub), ["\x011"]);
    xpub.subscribe(octets("1"));
  }
  for (const pipe of pipes) xpub.pipeTerminated(pipe);
  assert.deepEqual(receiveAll(xpub), [["\x001"], ["\x001"]]);
  assert.equal(xpub.topicCount, 0);
});

test("test_missing_subscriptions: each is answered for its own pipe", () => {
  const { xpub, pipes } = setUp(2, { manual: true });
  const [one, two] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, one, "1");
  subscribeFrom(xpub, two, "2");
  arrive(xpub, one, "user message");
  subscribeFrom(xpub, two, "3");
  assert.deepEqual(receive(xpub), ["\x011"]);
  xpub.subscribe(octets("1"));
  assert.deepEqual(receive(xpub), ["\x012"]);
  xpub.subscribe(octets("2"));
  assert.deepEqual(receive(xpub), ["user message"]);
  assert.deepEqual(receive(xpub), ["\x013"]);
  xpub.subscribe(octets("3"));
  for (const topic of ["1", "2", "3"]) send(xpub, topic);
  assert.deepEqual(one.outbound, [["1"]]);
  assert.deepEqual(two.outbound, [["2"], ["3"]]);
});

test("test_unsubscribe_cleanup: a pipe that has gone is not subscribed", () => {
  const { xpub, pipes } = setUp(2, { manual: true });
  const [gone, here] = pipes as [FakePipe, FakePipe];
  subscribeFrom(xpub, gone, "A");
  xpub.pipeTerminated(gone);
  assert.deepEqual(receive(xpub), ["\x01A"]);
  xpub.subscribe(octets("XA"));
  assert.equal(xpub.topicCount, 0);
  assert.deepEqual(receive(xpub), ["\x00A"]);
  xpub.subscribe(octets("XA"));
  assert.equal(xpub.topicCount, 0);
  subscribeFrom(xpub, here, "B");
  receive(xpub);
  xpub.subscribe(octets("XB"));
  send(xpub, "XA");
  send(xpub, "XB");
  assert.deepEqual(here.outbound, [["XB"]]);
});

test("without manual an XPUB does not subscribe its peers", () => {
  const { xpub, pipe } = one();
  subscribeFrom(xpub, pipe, "A");
  receive(xpub);
  assert.throws(() => xpub.subscribe(octets("B")), { code: "EINVAL" });
  assert.throws(() => xpub.unsubscribe(octets("B")), { code: "EINVAL" });
});

test("a thousand topics told to an application that does not receive", () => {
  const { xpub, pipe } = one();
  for (let i = 0; i < 1000; i++) subscribeFrom(xpub, pipe, `topic ${i}`);
  xpub.pipeTerminated(pipe);
  const told = receiveAll(xpub).map(([text]) => text);
  assert.equal(told.length, 2000);
  assert.equal(told[0], "\x01topic 0");
  assert.equal(told[1999], "\x00topic 999");
});

test("fan-out agrees with a naive model while peers come and go", () => {
  const random = seededRandom("xpub");
  const { xpub } = setUp(0);
  const model = new Map<FakePipe, Set<string>>();
  const topic = () => "abc".slice(0, random.below(4)) + random.pick(["", "d"]);
  for (let step = 0; step < 5000; step++) {
    const choice = random.below(10);
    const pipes = [...model.keys()];
    if (choice === 0 && pipes.length < 8) {
      model.set(attach(xpub), new Set());
    } else if (choice === 1 && pipes.length > 4) {
      const pipe = random.pick(pipes);
      xpub.pipeTerminated(pipe);
      model.delete(pipe);
    } else if (choice < 6 && pipes.length > 0) {
      const pipe = random.pick(pipes);
      const name = topic();
      if (random.chance(0.5)) {
        subscribeFrom(xpub, pipe, name);
        model.get(pipe)?.add(name);
      } else {
        cancelFrom(xpub, pipe, name);
        model.get(pipe)?.delete(name);
      }
    } else {
      const name = topic();
      send(xpub, name);
      for (const [pipe, topics] of model) {
        const matches = [...topics].some((it) => name.startsWith(it));
        assert.deepEqual(drain(xpub, pipe), matches ? [[name]] : []);
      }
    }
    const distinct = new Set([...model.values()].flatMap((it) => [...it]));
    assert.equal(xpub.topicCount, distinct.size);
  }
});
