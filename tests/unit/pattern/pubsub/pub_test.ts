import assert from "node:assert/strict";
import { test } from "node:test";
import { Pub } from "../../../../src/pattern/pubsub/pub.ts";
import {
  arrive,
  attach,
  cancelFrom,
  hostOf,
  octets,
  receive,
  send,
  subscribeFrom,
} from "../../../support/fake_pipe.ts";

test("PUB sends to subscribers and cannot receive", () => {
  const pub = new Pub(hostOf("PUB"));
  const pipe = attach(pub);
  assert.equal(send(pub, "A"), true);
  subscribeFrom(pub, pipe, "A");
  assert.equal(send(pub, "A", "body"), true);
  cancelFrom(pub, pipe, "A");
  assert.equal(send(pub, "A"), true);
  assert.deepEqual(pipe.outbound, [["A", "body"]]);
  assert.equal(pub.hasIn(), false);
  assert.throws(() => receive(pub), { code: "ENOTSUP" });
  assert.equal(pipe.noDelay, true);
});

test("PUB throws messages from XSUBs away, but not subscriptions", () => {
  const pub = new Pub(hostOf("PUB", { receiveHighWaterMark: 1 }));
  const pipe = attach(pub);
  for (let i = 0; i < 5; i++) arrive(pub, pipe, "user", "message");
  arrive(pub, pipe, "\x01A", "user part", "\x01B");
  assert.equal(pipe.waiting, 0);
  send(pub, "A");
  send(pub, "B");
  assert.deepEqual(pipe.outbound, [["A"], ["B"]]);
  assert.equal(pub.hasIn(), false);
});

test("PUB keeps no account of what nobody can receive", () => {
  const pub = new Pub(hostOf("PUB", { verbosity: "allSubsUnsubs" }));
  const pipe = attach(pub);
  subscribeFrom(pub, pipe, "A");
  pub.pipeTerminated(pipe);
  assert.equal(pub.hasIn(), false);
  assert.equal(pub.topicCount, 0);
});

test("PUB ignores manual, which needs an application that receives", () => {
  const pub = new Pub(hostOf("PUB", { manual: true }));
  const pipe = attach(pub);
  subscribeFrom(pub, pipe, "A");
  send(pub, "A");
  assert.deepEqual(pipe.outbound, [["A"]]);
  assert.throws(() => pub.subscribe(octets("B")), { code: "EINVAL" });
});
