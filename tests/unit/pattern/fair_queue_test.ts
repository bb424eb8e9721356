import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "../../../src/pattern/fair_queue.ts";
import { FakePipe, latin } from "../../support/fake_pipe.ts";

function take(queue: FairQueue): string | null {
  const pipe = queue.front();
  if (pipe === null) return null;
  const text = latin(pipe.takePart());
  queue.advance();
  return text;
}

function pipeWith(queue: FairQueue, ...texts: string[]): FakePipe {
  const pipe = new FakePipe();
  for (const text of texts) pipe.push(text);
  queue.attach(pipe);
  return pipe;
}

test("messages are taken in turn from all pipes", () => {
  const queue = new FairQueue();
  pipeWith(queue, "a1", "a2", "a3");
  pipeWith(queue, "b1", "b2");
  pipeWith(queue, "c1");
  const order = Array.from({ length: 7 }, () => take(queue));
  assert.deepEqual(order.slice(0, 3), ["a1", "b1", "c1"]);
  assert.deepEqual(order.slice(3, 6).sort(), ["a2", "a3", "b2"]);
  assert.equal(order[6], null);
});

test("a busy pipe cannot starve others", () => {
  const queue = new FairQueue();
  const busy = pipeWith(queue, "busy");
  const rare = pipeWith(queue);
  take(queue);
  for (let i = 0; i < 10; i++) busy.push("busy");
  if (busy.asleep) queue.activated(busy);
  assert.equal(take(queue), "busy");
  rare.push("rare");
  queue.activated(rare);
  const next = [take(queue), take(queue)];
  assert.ok(next.includes("rare"));
});

test("an empty pipe is not asked again before it is activated", () => {
  const queue = new FairQueue();
  const pipe = pipeWith(queue);
  assert.equal(queue.front(), null);
  pipe.push("unheard");
  assert.equal(queue.front(), null);
  queue.activated(pipe);
  assert.equal(take(queue), "unheard");
});

test("activating twice does no harm", () => {
  const queue = new FairQueue();
  const pipe = pipeWith(queue, "one");
  queue.activated(pipe);
  queue.activated(pipe);
  assert.equal(take(queue), "one");
  assert.equal(take(queue), null);
});

test("front stays the same until advance", () => {
  const queue = new FairQueue();
  const first = pipeWith(queue, "x");
  pipeWith(queue, "y");
  assert.equal(queue.front(), first);
  assert.equal(queue.front(), first);
});

test("commands that strayed into the pipe are dropped", () => {
  const queue = new FairQueue();
  const pipe = new FakePipe();
  pipe.pushCommand("\x09SUBSCRIBEx");
  pipe.push("message");
  pipe.pushCommand("\x06CANCELx");
  queue.attach(pipe);
  assert.equal(take(queue), "message");
  assert.equal(take(queue), null);
  assert.equal(pipe.waiting, 0);
});

test("terminated pipes leave the order of the others intact", () => {
  const queue = new FairQueue();
  const pipes = ["a", "b", "c", "d"].map((name) =>
    pipeWith(queue, name, name, name)
  );
  assert.equal(take(queue), "a");
  queue.pipeTerminated(pipes[1] as FakePipe);
  queue.pipeTerminated(pipes[3] as FakePipe);
  const seen = Array.from({ length: 5 }, () => take(queue));
  assert.deepEqual(seen.sort(), ["a", "a", "c", "c", "c"]);
  queue.pipeTerminated(pipes[0] as FakePipe);
  queue.pipeTerminated(pipes[2] as FakePipe);
  assert.equal(queue.front(), null);
});

test("bytes are taken from the pipe whose turn it is, or from none", () => {
  const queue = new FairQueue();
  const first = pipeWith(queue, "a1", "a2");
  const second = pipeWith(queue);
  second.push("b1", "of two parts");
  const bytes = (): string | null => {
    const taken = queue.takeBytes();
    return taken && latin(taken);
  };
  assert.equal(bytes(), "a1");
  assert.equal(bytes(), null, "what comes next has two parts");
  queue.front()?.skipMessage();
  queue.advance();
  assert.equal(bytes(), "a2");
  assert.equal(queue.front(), null);
  first.push("unheard");
  assert.equal(bytes(), null);
  queue.activated(first);
  assert.equal(take(queue), "unheard");
});
