import assert from "node:assert/strict";
import { test } from "node:test";
import { Received } from "../../../../src/core/pattern.ts";
import { Pull } from "../../../../src/pattern/pipeline/pull.ts";
import {
  arrive,
  attach,
  receive,
  receiveAll,
  send,
} from "../../../support/fake_pipe.ts";

test("PULL takes whole messages from its peers in turn", () => {
  const pull = new Pull();
  const [one, two] = [attach(pull), attach(pull)];
  assert.equal(pull.hasIn(), false);
  for (const round of ["1", "2"]) {
    arrive(pull, one, "one", round);
    arrive(pull, two, "two", round);
  }
  assert.equal(pull.hasIn(), true);
  assert.deepEqual(receiveAll(pull), [
    ["one", "1"],
    ["two", "1"],
    ["one", "2"],
    ["two", "2"],
  ]);
});

test("PULL hands out messages without copies when asked to", () => {
  const pull = new Pull();
  arrive(pull, attach(pull), "part");
  const out = new Received(true);
  assert.equal(pull.tryReceive(out), true);
  assert.ok(!(out.parts[0] instanceof Uint8Array));
});

test("PULL cannot send", () => {
  const pull = new Pull();
  attach(pull);
  assert.equal(pull.hasOut(), false);
  assert.throws(() => send(pull, "x"), { code: "ENOTSUP" });
});

test("PULL forgets a terminated pipe", () => {
  const pull = new Pull();
  const pipe = attach(pull);
  arrive(pull, pipe, "x");
  pull.pipeTerminated(pipe);
  assert.equal(receive(pull), null);
});
