import assert from "node:assert/strict";
import { test } from "node:test";
import { Pair } from "../../../../src/pattern/pair/pair.ts";
import {
  arrive,
  attach,
  drain,
  receive,
  send,
} from "../../../support/fake_pipe.ts";

test("PAIR without a peer blocks both ways", () => {
  const pair = new Pair();
  assert.equal(send(pair, "x"), false);
  assert.equal(receive(pair), null);
  assert.equal(pair.hasIn(), false);
  assert.equal(pair.hasOut(), false);
});

test("PAIR talks to its one peer", () => {
  const pair = new Pair();
  const pipe = attach(pair);
  assert.equal(pair.hasOut(), true);
  assert.equal(send(pair, "a", "b"), true);
  assert.deepEqual(pipe.outbound, [["a", "b"]]);
  arrive(pair, pipe, "c", "", "d");
  assert.equal(pair.hasIn(), true);
  assert.deepEqual(receive(pair), ["c", "", "d"]);
  assert.equal(receive(pair), null);
});

test("PAIR blocks when the pipe is full and goes on afterwards", () => {
  const pair = new Pair();
  const pipe = attach(pair);
  pipe.highWaterMark = 1;
  assert.equal(send(pair, "1"), true);
  assert.equal(send(pair, "2"), false);
  assert.equal(pair.hasOut(), false);
  assert.deepEqual(drain(pair, pipe), [["1"]]);
  assert.equal(send(pair, "2"), true);
});

test("PAIR ends a second pipe at once and keeps the first", () => {
  const pair = new Pair();
  const first = attach(pair);
  const second = attach(pair);
  assert.deepEqual(second.terminated, { delay: false });
  assert.equal(first.terminated, null);
  arrive(pair, second, "ignored");
  assert.equal(receive(pair), null);
  pair.pipeTerminated(second);
  assert.equal(send(pair, "x"), true);
  assert.equal(first.outbound.length, 1);
});

test("PAIR takes a new peer when the old one has gone", () => {
  const pair = new Pair();
  pair.pipeTerminated(attach(pair));
  const next = attach(pair);
  assert.equal(next.terminated, null);
  assert.equal(send(pair, "x"), true);
  assert.deepEqual(next.outbound, [["x"]]);
});

test("PAIR drops commands that strayed in", () => {
  const pair = new Pair();
  const pipe = attach(pair);
  pipe.pushCommand("\x09SUBSCRIBEx");
  assert.equal(pair.hasIn(), false);
  pipe.pushCommand("\x09SUBSCRIBEx");
  pipe.push("message");
  assert.deepEqual(receive(pair), ["message"]);
});
