import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pipe } from "../../../src/core/pipe_contract.ts";
import { ActiveArray } from "../../../src/pattern/active_array.ts";
import { FakePipe } from "../../support/fake_pipe.ts";
import { seededRandom } from "../../support/seed.ts";

class Pipes extends ActiveArray {
  indexOf(pipe: Pipe): number {
    return pipe.lbIndex;
  }

  setIndex(pipe: Pipe, index: number): void {
    pipe.lbIndex = index;
  }
}

function activeOnes(pipes: Pipes): Set<Pipe> {
  return new Set(pipes.items.slice(0, pipes.active));
}

test("a pipe that is not in the array is left alone", () => {
  const pipes = new Pipes();
  const inside = new FakePipe();
  const outside = new FakePipe();
  pipes.add(inside);
  // As if it stood in another array of the same kind.
  outside.lbIndex = 0;
  pipes.activate(outside);
  pipes.remove(outside);
  assert.ok(pipes.has(inside));
  assert.ok(!pipes.has(outside));
  assert.equal(outside.lbIndex, 0);
});

test("removing marks the pipe as being nowhere", () => {
  const pipes = new Pipes();
  const pipe = new FakePipe();
  pipes.add(pipe);
  pipes.remove(pipe);
  assert.equal(pipe.lbIndex, -1);
  assert.ok(!pipes.has(pipe));
  assert.equal(pipes.active, 0);
});

test("groups agree with a model under random operations", () => {
  const random = seededRandom("active_array");
  const pipes = new Pipes();
  const all: FakePipe[] = [];
  const active = new Set<Pipe>();
  for (let step = 0; step < 5000; step++) {
    const choice = random.below(4);
    if (choice === 0 && all.length < 20) {
      const pipe = new FakePipe();
      pipes.add(pipe);
      all.push(pipe);
      active.add(pipe);
    } else if (choice === 1 && all.length > 0) {
      const pipe = random.pick(all);
      pipes.activate(pipe);
      active.add(pipe);
    } else if (choice === 2 && active.size > 0) {
      const pipe = random.pick([...active]);
      pipes.deactivate(pipes.indexOf(pipe));
      active.delete(pipe);
    } else if (choice === 3 && all.length > 0) {
      const pipe = all.splice(random.below(all.length), 1)[0] as FakePipe;
      pipes.remove(pipe);
      active.delete(pipe);
    }
    assert.deepEqual(activeOnes(pipes), active);
    assert.equal(pipes.items.length, all.length);
    pipes.items.forEach((pipe, index) => assert.equal(pipe.lbIndex, index));
  }
});
