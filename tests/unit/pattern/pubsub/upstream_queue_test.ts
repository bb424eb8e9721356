import assert from "node:assert/strict";
import { test } from "node:test";
import { Received } from "../../../../src/core/pattern.ts";
import {
  UpstreamFlag,
  UpstreamQueue,
} from "../../../../src/pattern/pubsub/upstream_queue.ts";
import { FakePipe, latin, octets } from "../../../support/fake_pipe.ts";
import { seededRandom } from "../../../support/seed.ts";

function take(queue: UpstreamQueue): { flags: number; parts: string[] } {
  const out = new Received();
  const flags = queue.take(out);
  return { flags, parts: out.parts.map((part) => latin(part as Uint8Array)) };
}

function user(queue: UpstreamQueue, ...parts: string[]): void {
  parts.forEach((part, index) => {
    const more = index < parts.length - 1;
    queue.pushUserPart(more, octets(part), 0, part.length);
  });
}

test("messages come out whole and in order", () => {
  const queue = new UpstreamQueue();
  assert.equal(queue.empty, true);
  queue.pushSubscription(1, octets("..topic.."), 2, 7, null);
  user(queue, "a", "", "c");
  queue.pushSubscription(0, octets(""), 0, 0, null);
  assert.equal(queue.userMessages, 1);
  assert.deepEqual(take(queue), { flags: 0, parts: ["\x01topic"] });
  const { flags, parts } = take(queue);
  assert.deepEqual(parts, ["a", "", "c"]);
  assert.equal(flags, UpstreamFlag.USER);
  assert.equal(queue.userMessages, 0);
  assert.deepEqual(take(queue).parts, ["\x00"]);
  assert.equal(queue.empty, true);
});

test("an unfinished user message can be ended", () => {
  const queue = new UpstreamQueue();
  queue.endUserMessage();
  queue.pushUserPart(true, octets("a"), 0, 1);
  queue.pushUserPart(true, octets("b"), 0, 1);
  queue.endUserMessage();
  queue.endUserMessage();
  assert.equal(queue.userMessages, 1);
  user(queue, "c");
  assert.deepEqual(take(queue).parts, ["a", "b"]);
  assert.deepEqual(take(queue).parts, ["c"]);
});

test("origins stay with their subscriptions", () => {
  const queue = new UpstreamQueue();
  const pipes = Array.from({ length: 50 }, () => new FakePipe());
  for (const pipe of pipes) {
    queue.pushSubscription(1, octets("x"), 0, 1, pipe);
    queue.pushSubscription(0, octets("x"), 0, 1, null);
  }
  for (const pipe of pipes) {
    assert.equal(take(queue).flags, UpstreamFlag.ORIGIN);
    assert.equal(queue.takeOrigin(), pipe);
    assert.equal(take(queue).flags, 0);
  }
  assert.equal(queue.empty, true);
});

test("the queue agrees with an array, small and big parts mixed", () => {
  const random = seededRandom("upstream_queue");
  const queue = new UpstreamQueue();
  const model: string[][] = [];
  for (let step = 0; step < 4000; step++) {
    if (random.chance(Math.floor(step / 500) % 2 === 0 ? 0.7 : 0.3)) {
      const size = random.chance(0.02) ? 100_000 : random.below(40);
      const text = String.fromCharCode(random.below(256)).repeat(size);
      if (random.chance(0.5)) {
        queue.pushSubscription(1, octets(text), 0, text.length, null);
        model.push(["\x01" + text]);
      } else {
        const message = Array.from(
          { length: random.between(1, 3) },
          () => text,
        );
        user(queue, ...message);
        model.push(message);
      }
    } else if (model.length > 0) {
      assert.deepEqual(take(queue).parts, model.shift());
    }
    assert.equal(queue.empty, model.length === 0);
  }
});
