import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type RoutingPeer,
  RoutingTable,
  sameOctets,
} from "../../../src/pattern/routing_table.ts";
import { FakePipe, octets } from "../../support/fake_pipe.ts";
import { seededRandom } from "../../support/seed.ts";

test("ids are compared whole", () => {
  const table = new RoutingTable(5);
  const peer = table.add(new FakePipe(), octets("peer"));
  assert.equal(table.find(octets("peer")), peer);
  assert.equal(table.find(octets("peer ")), null);
  assert.equal(table.find(octets("pee")), null);
  assert.equal(table.find(octets("")), null);
});

test("the table keeps a copy of the id", () => {
  const table = new RoutingTable(5);
  const id = octets("mine");
  table.add(new FakePipe(), id);
  id.fill(0);
  assert.notEqual(table.find(octets("mine")), null);
});

test("any peer with room makes the table writable", () => {
  const table = new RoutingTable(5);
  assert.equal(table.anyWritable(), false);
  const pipes = ["a", "b", "c"].map((name) => {
    const pipe = new FakePipe();
    pipe.highWaterMark = 0;
    table.add(pipe, octets(name));
    return pipe;
  });
  assert.equal(table.anyWritable(), false);
  (pipes[1] as FakePipe).highWaterMark = 1;
  assert.equal(table.anyWritable(), true);
});

test("sameOctets", () => {
  assert.ok(sameOctets(octets(""), octets("")));
  assert.ok(sameOctets(octets("ab"), octets("ab")));
  assert.ok(!sameOctets(octets("ab"), octets("ac")));
  assert.ok(!sameOctets(octets("ab"), octets("abc")));
});

test("the table agrees with a map", () => {
  const random = seededRandom("routing_table");
  const table = new RoutingTable(random.next32());
  const model = new Map<string, RoutingPeer>();
  for (let step = 0; step < 5000; step++) {
    const name = `id ${random.below(300)}`;
    const known = model.get(name);
    if (known === undefined) {
      model.set(name, table.add(new FakePipe(), octets(name)));
    } else if (random.chance(0.5)) {
      table.remove(known);
      table.remove(known);
      model.delete(name);
    }
    assert.equal(table.find(octets(name)), model.get(name) ?? null);
    assert.equal(table.count, model.size);
  }
});
