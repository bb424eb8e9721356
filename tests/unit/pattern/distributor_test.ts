import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPart } from "../../../src/core/pipe_contract.ts";
import { Distributor } from "../../../src/pattern/distributor.ts";
import {
  type FakeHost,
  FakePipe,
  hostOf,
  octets,
  RELEASED,
} from "../../support/fake_pipe.ts";

function setUp(
  count: number,
  host: FakeHost = hostOf("PUB"),
): { distributor: Distributor; pipes: FakePipe[] } {
  const distributor = new Distributor(host);
  const pipes = Array.from({ length: count }, () => new FakePipe());
  for (const pipe of pipes) distributor.attach(pipe);
  return { distributor, pipes };
}

function sentTo(pipes: FakePipe[]): number[] {
  return pipes.map((pipe) => pipe.outbound.length);
}

test("only matching pipes get the message, once each", () => {
  const { distributor, pipes } = setUp(4);
  distributor.match(pipes[1] as FakePipe);
  distributor.match(pipes[3] as FakePipe);
  distributor.match(pipes[1] as FakePipe);
  distributor.send([octets("x")], 0, 1);
  assert.deepEqual(sentTo(pipes), [0, 1, 0, 1]);
  distributor.send([octets("y")], 0, 1);
  assert.deepEqual(sentTo(pipes), [0, 1, 0, 1]);
});

test("matchAll and reverseMatch", () => {
  const { distributor, pipes } = setUp(3);
  distributor.matchAll();
  distributor.send([octets("x")], 0, 1);
  assert.deepEqual(sentTo(pipes), [1, 1, 1]);
  distributor.match(pipes[1] as FakePipe);
  distributor.reverseMatch();
  distributor.send([octets("y")], 0, 1);
  assert.deepEqual(sentTo(pipes), [2, 1, 2]);
});

test("a full pipe misses messages until it is activated", () => {
  const { distributor, pipes } = setUp(3);
  const full = pipes[0] as FakePipe;
  full.highWaterMark = 1;
  for (let i = 0; i < 3; i++) {
    distributor.matchAll();
    distributor.send([octets("x")], 0, 1);
  }
  assert.deepEqual(sentTo(pipes), [1, 3, 3]);
  full.outbound.length = 0;
  distributor.activated(full);
  distributor.matchAll();
  distributor.send([octets("x")], 0, 1);
  assert.deepEqual(sentTo(pipes), [1, 4, 4]);
});

test("sendToAll sends to none when one of them has no room or no memory", () => {
  const { distributor, pipes } = setUp(3);
  const [first, , last] = pipes as [FakePipe, FakePipe, FakePipe];
  const sendToAll = (part: OutPart): boolean => {
    distributor.matchAll();
    return distributor.sendToAll([part], 0, 1);
  };
  last.outOfMemory = true;
  assert.equal(sendToAll(octets("x")), false);
  assert.deepEqual(sentTo(pipes), [0, 0, 0]);
  last.outOfMemory = false;
  first.highWaterMark = 0;
  assert.equal(sendToAll(octets("x")), false);
  assert.deepEqual(sentTo(pipes), [0, 0, 0]);
  first.highWaterMark = 1;
  assert.equal(sendToAll(octets("x")), true);
  assert.deepEqual(sentTo(pipes), [1, 1, 1]);
});

test("sendToAll takes the short way only if all can", () => {
  const { distributor, pipes } = setUp(3);
  const sendToAll = (...parts: OutPart[]): boolean => {
    distributor.matchAll();
    return distributor.sendToAll(parts, 0, parts.length);
  };
  for (const pipe of pipes) {
    // The first message after a rest goes the long way, to all of them.
    pipe.rested = true;
    assert.equal(sendToAll(octets("x")), true);
    pipe.rested = false;
  }
  assert.equal(sendToAll(octets("y")), true);
  assert.equal(sendToAll(octets("two"), octets("parts")), true);
  assert.deepEqual(
    pipes.map(({ outbound }) => outbound),
    pipes.map(() => [["x"], ["x"], ["x"], ["y"], ["two", "parts"]]),
  );
});

test("a part that throws is sent to nobody, and nothing is kept of it", () => {
  const host = hostOf("PUB");
  const unshared: unknown[] = [];
  Object.assign(host, {
    share: (parts: readonly OutPart[]) => [...parts],
    unshare: (shared: readonly OutPart[]) => unshared.push(shared),
  });
  const { distributor, pipes } = setUp(2, host);
  for (const method of ["send", "sendToAll"] as const) {
    distributor.matchAll();
    assert.throws(() => distributor[method]([RELEASED], 0, 1), TypeError);
  }
  assert.equal(unshared.length, 2);
  distributor.matchAll();
  assert.equal(distributor.sendToAll([octets("x")], 0, 1), true);
  assert.deepEqual(sentTo(pipes), [1, 1]);
});

test("checkWrite looks at matching pipes only and keeps them matching", () => {
  const { distributor, pipes } = setUp(2);
  const [full, free] = pipes as [FakePipe, FakePipe];
  full.highWaterMark = 0;
  distributor.match(free);
  assert.equal(distributor.checkWrite(), true);
  distributor.unmatch();
  distributor.match(full);
  assert.equal(distributor.checkWrite(), false);
  distributor.unmatch();
  full.highWaterMark = 1;
  distributor.match(full);
  assert.equal(distributor.checkWrite(), true);
  distributor.send([octets("x")], 0, 1);
  assert.deepEqual(sentTo(pipes), [1, 0]);
});

test("a passive pipe that matches is not forgotten by checkWrite", () => {
  const { distributor, pipes } = setUp(3);
  const [full, free] = pipes as [FakePipe, FakePipe];
  full.highWaterMark = 0;
  distributor.matchAll();
  distributor.send([octets("lost for one")], 0, 1);
  distributor.match(free);
  assert.equal(distributor.checkWrite(), true);
  distributor.match(full);
  distributor.match(full);
  assert.equal(distributor.checkWrite(), false);
  // Inverted: the full one does not match any more, the third does.
  distributor.reverseMatch();
  assert.equal(distributor.checkWrite(), true);
  distributor.unmatch();
  distributor.reverseMatch();
  assert.equal(distributor.checkWrite(), false);
});

test("terminated pipes leave, from every group", () => {
  const { distributor, pipes } = setUp(5);
  (pipes[2] as FakePipe).highWaterMark = 0;
  distributor.matchAll();
  distributor.send([octets("x")], 0, 1);
  distributor.pipeTerminated(pipes[2] as FakePipe);
  distributor.pipeTerminated(pipes[0] as FakePipe);
  distributor.pipeTerminated(pipes[0] as FakePipe);
  distributor.activated(pipes[2] as FakePipe);
  assert.equal(distributor.has(pipes[0] as FakePipe), false);
  assert.equal(distributor.has(pipes[1] as FakePipe), true);
  distributor.matchAll();
  distributor.send([octets("y")], 0, 1);
  assert.deepEqual(sentTo(pipes), [1, 2, 0, 2, 2]);
});

test("parts are shared for two pipes and more, and given back", () => {
  const calls: string[] = [];
  const host: FakeHost & {
    share?(parts: readonly OutPart[], count: number): readonly OutPart[];
    unshare?(shared: readonly OutPart[], parts: readonly OutPart[]): void;
  } = hostOf("PUB");
  const shared = [octets("shared")];
  host.share = (_parts, count) => {
    calls.push(`share ${count}`);
    return shared;
  };
  const parts = [octets("plain")];
  host.unshare = (given, original) => {
    assert.equal(given, shared);
    assert.equal(original, parts);
    calls.push("unshare");
  };
  const { distributor, pipes } = setUp(3, host);
  distributor.match(pipes[0] as FakePipe);
  distributor.send(parts, 0, 1);
  assert.deepEqual(calls, []);
  assert.equal(pipes[0]?.written[0]?.[0], parts[0]);
  distributor.matchAll();
  distributor.send(parts, 0, 1);
  assert.deepEqual(calls, ["share 1", "unshare"]);
  assert.deepEqual(pipes.map((pipe) => pipe.outbound.at(-1)), [
    ["shared"],
    ["shared"],
    ["shared"],
  ]);
});

test("share that gives the same array back is not undone", () => {
  const host: FakeHost & {
    share?(parts: readonly OutPart[], count: number): readonly OutPart[];
    unshare?(): void;
  } = hostOf("PUB");
  let undone = 0;
  host.share = (parts) => parts;
  host.unshare = () => undone++;
  const { distributor, pipes } = setUp(2, host);
  distributor.matchAll();
  distributor.send([octets("x")], 0, 1);
  assert.deepEqual(sentTo(pipes), [1, 1]);
  assert.equal(undone, 0);
});

test("what goes to several pipes is queued in each of them, never written at once", () => {
  class WrittenPipe extends FakePipe {
    writes = 0;
    override write(...message: Parameters<FakePipe["write"]>): boolean {
      this.writes += 1;
      return super.write(...message);
    }
  }
  const distributor = new Distributor(hostOf("PUB"));
  const pipes = [new WrittenPipe(), new WrittenPipe()] as const;
  for (const pipe of pipes) {
    pipe.rested = true;
    distributor.attach(pipe);
  }
  distributor.matchAll();
  distributor.send([octets("to both")], 0, 1);
  assert.deepEqual(pipes.map((pipe) => pipe.writes), [0, 0]);
  distributor.match(pipes[1]);
  distributor.send([octets("to one")], 0, 1);
  assert.deepEqual(pipes.map((pipe) => pipe.writes), [0, 1]);
  assert.deepEqual(sentTo([...pipes]), [1, 2]);
});
