import assert from "node:assert/strict";
import { test } from "node:test";
import { Rep } from "../../../../src/pattern/reqrep/rep.ts";
import {
  arrive,
  attach,
  receive,
  RELEASED,
  send,
} from "../../../support/fake_pipe.ts";

test("test_spec_rep: the envelope goes back with the reply", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  arrive(rep, pipe, "", "minimal");
  assert.equal(rep.hasIn(), true);
  assert.deepEqual(receive(rep), ["minimal"]);
  send(rep, "reply", "");
  assert.deepEqual(pipe.outbound, [["", "reply", ""]]);
});

test("test_spec_rep: an envelope of several hops", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  const label = "x".repeat(300);
  arrive(rep, pipe, "hop 1", label, "", "body", "", "tail");
  assert.deepEqual(receive(rep), ["body", "", "tail"]);
  send(rep, "reply");
  arrive(rep, pipe, "hop 2", "", "next");
  assert.deepEqual(receive(rep), ["next"]);
  send(rep, "reply 2");
  assert.deepEqual(pipe.outbound, [
    ["hop 1", label, "", "reply"],
    ["hop 2", "", "reply 2"],
  ]);
});

test("a part that throws leaves the reply to be sent", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  arrive(rep, pipe, "hop", "", "request");
  receive(rep);
  assert.throws(() => rep.trySend([RELEASED], 1), TypeError);
  send(rep, "reply");
  assert.deepEqual(pipe.outbound, [["hop", "", "reply"]]);
});

test("receiving and sending alternate strictly", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  assert.throws(() => send(rep, "x"), { code: "EFSM" });
  assert.equal(rep.hasOut(), false);
  arrive(rep, pipe, "", "request");
  arrive(rep, pipe, "", "request 2");
  receive(rep);
  assert.throws(() => receive(rep), { code: "EFSM" });
  assert.equal(rep.hasIn(), false);
  assert.equal(rep.hasOut(), true);
  send(rep, "reply");
  assert.throws(() => send(rep, "reply"), { code: "EFSM" });
  assert.deepEqual(receive(rep), ["request 2"]);
});

test("test_spec_rep: requests are taken in turn, replies go where they belong", () => {
  const rep = new Rep();
  const pipes = [attach(rep), attach(rep), attach(rep)];
  for (const [index, pipe] of pipes.entries()) {
    arrive(rep, pipe, "", `${index}`);
    arrive(rep, pipe, "", `${index}`);
  }
  for (let i = 0; i < 6; i++) {
    const [text] = receive(rep) as [string];
    send(rep, `reply to ${text}`);
  }
  for (const [index, pipe] of pipes.entries()) {
    const reply = ["", `reply to ${index}`];
    assert.deepEqual(pipe.outbound, [reply, reply]);
  }
});

test("test_invalid_rep: a request without delimiter is dropped whole", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  arrive(rep, pipe, "no", "delimiter");
  arrive(rep, pipe, "");
  arrive(rep, pipe, "label", "");
  assert.equal(receive(rep), null);
  assert.equal(pipe.messagesRead, 3);
  arrive(rep, pipe, "", "proper");
  assert.deepEqual(receive(rep), ["proper"]);
  send(rep, "answer");
  assert.deepEqual(pipe.outbound, [["", "answer"]]);
});

test("a reply to a peer that has gone or is full is dropped", () => {
  const rep = new Rep();
  const [gone, full] = [attach(rep), attach(rep)];
  arrive(rep, gone, "", "1");
  receive(rep);
  rep.pipeTerminated(gone);
  assert.equal(send(rep, "to nobody"), true);
  assert.deepEqual(gone.outbound, []);
  arrive(rep, full, "", "2");
  receive(rep);
  full.highWaterMark = 0;
  assert.equal(send(rep, "too much"), true);
  full.highWaterMark = 1;
  arrive(rep, full, "", "3");
  assert.deepEqual(receive(rep), ["3"]);
  send(rep, "fits");
  assert.deepEqual(full.outbound, [["", "fits"]]);
});

test("labels that are kept for reuse do not leak into later replies", () => {
  const rep = new Rep();
  const pipe = attach(rep);
  const many = Array.from({ length: 40 }, (_, index) => `label ${index}`);
  arrive(rep, pipe, ...many, "", "body");
  receive(rep);
  send(rep, "1");
  arrive(rep, pipe, "", "body");
  receive(rep);
  send(rep, "2");
  arrive(rep, pipe, "LABEL 0", "", "body");
  receive(rep);
  send(rep, "3");
  assert.deepEqual(pipe.outbound, [
    [...many, "", "1"],
    ["", "2"],
    ["LABEL 0", "", "3"],
  ]);
});
