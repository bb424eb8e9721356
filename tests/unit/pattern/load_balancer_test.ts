import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadBalancer } from "../../../src/pattern/load_balancer.ts";
import { FakePipe, octets } from "../../support/fake_pipe.ts";

function setUp(count: number): { balancer: LoadBalancer; pipes: FakePipe[] } {
  const balancer = new LoadBalancer();
  const pipes = Array.from({ length: count }, () => new FakePipe());
  for (const pipe of pipes) balancer.attach(pipe);
  return { balancer, pipes };
}

function sendText(balancer: LoadBalancer, text: string): FakePipe | null {
  return balancer.send([octets(text)], 0, 1) as FakePipe | null;
}

test("messages go round", () => {
  const { balancer, pipes } = setUp(3);
  const takers = Array.from({ length: 6 }, () => sendText(balancer, "x"));
  assert.deepEqual(takers, [...pipes, ...pipes]);
});

test("without pipes nothing is sent", () => {
  const { balancer } = setUp(0);
  assert.equal(balancer.hasOut(), false);
  assert.equal(sendText(balancer, "x"), null);
});

test("a full pipe is left out until it is activated", () => {
  const { balancer, pipes } = setUp(2);
  const [full, free] = pipes as [FakePipe, FakePipe];
  full.highWaterMark = 1;
  assert.equal(sendText(balancer, "1"), full);
  assert.equal(sendText(balancer, "2"), free);
  assert.equal(sendText(balancer, "3"), free);
  full.outbound.length = 0;
  assert.equal(sendText(balancer, "4"), free);
  balancer.activated(full);
  const takers = [sendText(balancer, "5"), sendText(balancer, "6")];
  assert.ok(takers.includes(full) && takers.includes(free));
});

test("when all are full the send would block", () => {
  const { balancer, pipes } = setUp(2);
  for (const pipe of pipes) pipe.highWaterMark = 0;
  assert.equal(sendText(balancer, "x"), null);
  assert.equal(balancer.hasOut(), false);
  assert.ok(pipes.every((pipe) => pipe.blocked));
});

test("a pipe for which memory runs out is passed over", () => {
  const { balancer, pipes } = setUp(2);
  const [poor, rich] = pipes as [FakePipe, FakePipe];
  poor.checkWrite = () => true;
  poor.outOfMemory = true;
  assert.equal(sendText(balancer, "1"), rich);
  assert.equal(sendText(balancer, "2"), rich);
  rich.outOfMemory = true;
  rich.checkWrite = () => true;
  assert.equal(sendText(balancer, "too much"), null);
  // It may be room enough for a smaller one.
  assert.ok(balancer.hasOut());
  poor.outOfMemory = rich.outOfMemory = false;
  const takers = new Set([sendText(balancer, "3"), sendText(balancer, "4")]);
  assert.equal(takers.size, 2);
});

test("a terminated pipe gets nothing more, whatever its turn was", () => {
  for (let gone = 0; gone < 3; gone++) {
    for (let sent = 0; sent < 3; sent++) {
      const { balancer, pipes } = setUp(3);
      for (let i = 0; i < sent; i++) sendText(balancer, "x");
      const dead = pipes[gone] as FakePipe;
      dead.outbound.length = 0;
      balancer.pipeTerminated(dead);
      const takers = new Set(
        Array.from({ length: 4 }, () => sendText(balancer, "y")),
      );
      assert.equal(takers.size, 2);
      assert.ok(!takers.has(dead));
    }
  }
});

test("bytes go to the pipe whose turn it is, or nowhere", () => {
  const { balancer, pipes } = setUp(2);
  const [full, free] = pipes as [FakePipe, FakePipe];
  assert.ok(balancer.sendBytes(octets("1")));
  assert.equal(sendText(balancer, "2"), free);
  assert.deepEqual([full.outbound, free.outbound], [[["1"]], [["2"]]]);
  full.highWaterMark = 1;
  assert.equal(balancer.sendBytes(octets("3")), false);
  assert.equal(sendText(balancer, "3"), free);
  assert.ok(balancer.sendBytes(octets("4")));
  assert.deepEqual(free.outbound, [["2"], ["3"], ["4"]]);
  assert.equal(setUp(0).balancer.sendBytes(octets("x")), false);
});
