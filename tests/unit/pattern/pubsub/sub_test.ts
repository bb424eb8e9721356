import assert from "node:assert/strict";
import { test } from "node:test";
import { Sub } from "../../../../src/pattern/pubsub/sub.ts";
import {
  arrive,
  attach,
  hostOf,
  octets,
  receive,
  receiveAll,
  send,
} from "../../../support/fake_pipe.ts";

test("SUB receives what begins with a prefix it subscribed to", () => {
  const sub = new Sub(hostOf("SUB"));
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  for (const topic of ["A", "", "B", "AB", "BA"]) {
    arrive(sub, pipe, topic, "body");
  }
  assert.equal(sub.hasIn(), true);
  assert.deepEqual(receiveAll(sub), [["A", "body"], ["AB", "body"]]);
  assert.equal(pipe.messagesRead, 5);
});

test("SUB drops whole messages, not parts", () => {
  const sub = new Sub(hostOf("SUB"));
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  arrive(sub, pipe, "B", "A", "A");
  arrive(sub, pipe, "A", "B", "");
  assert.deepEqual(receiveAll(sub), [["A", "B", ""]]);
});

test("the empty prefix takes everything, nothing takes nothing", () => {
  const sub = new Sub(hostOf("SUB"));
  const pipe = attach(sub);
  arrive(sub, pipe, "x");
  arrive(sub, pipe, "");
  assert.equal(sub.hasIn(), false);
  assert.equal(receive(sub), null);
  sub.subscribe(octets(""));
  arrive(sub, pipe, "x");
  arrive(sub, pipe, "");
  assert.deepEqual(receiveAll(sub), [["x"], [""]]);
});

test("what arrived is judged by the subscriptions of the moment it is read", () => {
  const sub = new Sub(hostOf("SUB"));
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  arrive(sub, pipe, "A1");
  sub.unsubscribe(octets("A"));
  assert.equal(receive(sub), null);
  assert.deepEqual(pipe.commands, ["\x09SUBSCRIBEA", "\x06CANCELA"]);
});

test("subscribing twice needs unsubscribing twice", () => {
  const sub = new Sub(hostOf("SUB"));
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  sub.subscribe(octets("A"));
  sub.unsubscribe(octets("A"));
  arrive(sub, pipe, "A");
  assert.deepEqual(receive(sub), ["A"]);
  sub.unsubscribe(octets("A"));
  sub.unsubscribe(octets("A"));
  sub.unsubscribe(octets("unknown"));
  arrive(sub, pipe, "A");
  assert.equal(receive(sub), null);
});

test("test_pub_invert_matching: SUB receives what does not match", () => {
  const sub = new Sub(hostOf("SUB", { invertMatching: true }));
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  for (const topic of ["A", "B", "AB"]) arrive(sub, pipe, topic);
  assert.deepEqual(receiveAll(sub), [["B"]]);
});

test("SUB reads fairly and past peers with nothing that matches", () => {
  const sub = new Sub(hostOf("SUB"));
  const [noise, good] = [attach(sub), attach(sub)];
  sub.subscribe(octets("A"));
  for (let i = 0; i < 10; i++) arrive(sub, noise, "noise");
  for (const text of ["1", "2"]) arrive(sub, good, "A", text);
  assert.deepEqual(receiveAll(sub), [["A", "1"], ["A", "2"]]);
});

test("SUB cannot send", () => {
  const sub = new Sub(hostOf("SUB"));
  attach(sub);
  assert.equal(sub.hasOut(), false);
  assert.throws(() => send(sub, "\x01A"), { code: "ENOTSUP" });
});

test("the short way is open only to who wants everything", () => {
  const host = hostOf("SUB");
  const sub = new Sub(host);
  const pipe = attach(sub);
  sub.subscribe(octets("A"));
  arrive(sub, pipe, "A1");
  assert.equal(sub.tryReceiveBytes(), null, "it may have to be filtered");
  sub.subscribe(octets(""));
  assert.deepEqual(sub.tryReceiveBytes(), octets("A1"));
  arrive(sub, pipe, "B1");
  host.options.invertMatching = true;
  assert.equal(sub.tryReceiveBytes(), null, "nothing is wanted now");
  assert.deepEqual(receiveAll(sub), []);
});
