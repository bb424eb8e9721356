import assert from "node:assert/strict";
import { test } from "node:test";
import { Push } from "../../../../src/pattern/pipeline/push.ts";
import { attach, drain, receive, send } from "../../../support/fake_pipe.ts";

test("PUSH blocks without peers and gives messages in turn", () => {
  const push = new Push();
  assert.equal(push.hasOut(), false);
  assert.equal(send(push, "x"), false);
  const pipes = [attach(push), attach(push), attach(push)];
  for (let i = 0; i < 6; i++) assert.equal(send(push, `${i}`, "body"), true);
  assert.deepEqual(pipes.map((pipe) => pipe.outbound), [
    [["0", "body"], ["3", "body"]],
    [["1", "body"], ["4", "body"]],
    [["2", "body"], ["5", "body"]],
  ]);
});

test("PUSH blocks when all are full, and goes on with the first free", () => {
  const push = new Push();
  const pipes = [attach(push), attach(push)];
  for (const pipe of pipes) pipe.highWaterMark = 1;
  assert.ok(send(push, "1") && send(push, "2"));
  assert.equal(send(push, "3"), false);
  assert.equal(push.hasOut(), false);
  drain(push, pipes[1] as typeof pipes[0]);
  assert.equal(push.hasOut(), true);
  assert.equal(send(push, "3"), true);
  assert.deepEqual(pipes[1]?.outbound, [["3"]]);
});

test("PUSH cannot receive, and does not wait for delimiters", () => {
  const push = new Push();
  const pipe = attach(push);
  pipe.push("nobody reads this");
  push.readActivated();
  assert.equal(push.hasIn(), false);
  assert.throws(() => receive(push), { code: "ENOTSUP" });
  assert.equal(pipe.noDelay, true);
});

test("PUSH writes to a pipe again after a hiccup", () => {
  const push = new Push();
  const pipe = attach(push);
  pipe.highWaterMark = 0;
  assert.equal(send(push, "x"), false);
  pipe.highWaterMark = 1;
  push.hiccuped(pipe);
  assert.equal(send(push, "x"), true);
  push.pipeTerminated(pipe);
  assert.equal(push.hasOut(), false);
});
