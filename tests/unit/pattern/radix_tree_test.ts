import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT_PLACE } from "../../../src/pattern/branch_table.ts";
import { RadixTree } from "../../../src/pattern/radix_tree.ts";
import { latin, octets } from "../../support/fake_pipe.ts";
import { seededRandom } from "../../support/seed.ts";

function insert(tree: RadixTree, key: string, value: number): void {
  const bytes = octets(key);
  tree.setValue(tree.insert(bytes, 0, bytes.length), value);
}

function find(tree: RadixTree, key: string): number {
  const bytes = octets(key);
  return tree.find(bytes, 0, bytes.length);
}

function remove(tree: RadixTree, key: string): void {
  const node = find(tree, key);
  tree.setValue(node, 0);
  tree.prune(node);
}

function keys(tree: RadixTree): string[] {
  const found: string[] = [];
  tree.forEach((key) => found.push(latin(key)));
  return found;
}

test("a common prefix makes one node above the two", () => {
  const tree = new RadixTree(0);
  insert(tree, "checkpoint", 1);
  assert.equal(tree.nodeCount, 2);
  insert(tree, "checklist", 2);
  assert.equal(tree.nodeCount, 4);
  const place = tree.step(ROOT_PLACE, octets("check"), 0, 5);
  assert.equal(tree.lengthAt(place), 5);
  insert(tree, "check", 3);
  assert.equal(tree.nodeCount, 4);
});

test("removing joins what was split", () => {
  const tree = new RadixTree(0);
  for (const key of ["ab", "abcd", "abce", "x"]) insert(tree, key, 1);
  for (const key of ["abce", "ab", "x"]) remove(tree, key);
  assert.equal(tree.nodeCount, 2);
  assert.deepEqual(keys(tree), ["abcd"]);
  remove(tree, "abcd");
  assert.equal(tree.nodeCount, 1);
});

test("joined labels that lay apart keep their octets", () => {
  const tree = new RadixTree(0);
  insert(tree, "prefix-one", 1);
  insert(tree, "prefix-two-and-more", 2);
  remove(tree, "prefix-one");
  assert.equal(tree.nodeCount, 2);
  assert.equal(latin(tree.keyOf(find(tree, "prefix-two-and-more"))).length, 19);
  assert.deepEqual(keys(tree), ["prefix-two-and-more"]);
});

test("nodes keep their numbers while others come and go", () => {
  const tree = new RadixTree(0);
  insert(tree, "middle/end", 1);
  const node = find(tree, "middle/end");
  insert(tree, "mid", 2);
  insert(tree, "middle/other", 3);
  assert.equal(find(tree, "middle/end"), node);
  remove(tree, "mid");
  remove(tree, "middle/other");
  assert.equal(find(tree, "middle/end"), node);
});

test("the walk gives prefixes first and every key once", () => {
  const tree = new RadixTree(0);
  const all = ["", "a", "ab", "abc", "b", "bcd", "bce"];
  for (const key of all) insert(tree, key, 1);
  const found = keys(tree);
  assert.deepEqual([...found].sort(), all);
  assert.ok(found.indexOf("a") < found.indexOf("ab"));
  assert.ok(found.indexOf("ab") < found.indexOf("abc"));
});

test("keys of every octet value work, at every place", () => {
  const tree = new RadixTree(0);
  for (let octet = 0; octet < 256; octet++) {
    insert(tree, String.fromCharCode(octet), octet + 1);
    insert(tree, "x" + String.fromCharCode(octet, octet), octet + 1);
  }
  for (let octet = 0; octet < 256; octet++) {
    const node = find(tree, String.fromCharCode(octet));
    assert.equal(tree.value(node), octet + 1);
  }
  assert.equal(keys(tree).length, 512);
});

test("a key lies anywhere in its octets", () => {
  const tree = new RadixTree(0);
  const bytes = octets("..topic..");
  const node = tree.insert(bytes, 2, 7);
  tree.setValue(node, 5);
  assert.equal(find(tree, "topic"), node);
  assert.equal(tree.find(bytes, 2, 6), -1);
});

test("a topic of a megabyte is one node, and its memory comes back", () => {
  const tree = new RadixTree(0);
  const empty = tree.bytes;
  const long = new Uint8Array(1 << 20).fill(0x61);
  tree.setValue(tree.insert(long, 0, long.length), 1);
  tree.setValue(tree.insert(long, 0, long.length - 1), 1);
  assert.equal(tree.nodeCount, 3);
  assert.equal(tree.keyOf(tree.find(long, 0, long.length)).length, 1 << 20);
  for (const end of [long.length - 1, long.length]) {
    const node = tree.find(long, 0, end);
    tree.setValue(node, 0);
    tree.prune(node);
  }
  tree.compact();
  assert.equal(tree.bytes, empty);
});

test("ten thousand nested prefixes need no stack", () => {
  const bytes = new Uint8Array(10_000).fill(0x62);
  const chain = new RadixTree(0);
  for (let end = 1; end <= 10_000; end++) {
    chain.setValue(chain.insert(bytes, 0, end), 1);
  }
  assert.equal(chain.nodeCount, 10_001);
  let count = 0;
  chain.forEach(() => count++);
  assert.equal(count, 10_000);
  for (let end = 1; end <= 10_000; end++) {
    const node = chain.find(bytes, 0, end);
    chain.setValue(node, 0);
    chain.prune(node);
  }
  assert.equal(chain.nodeCount, 1);
});

test("the tree agrees with a map through compactions", () => {
  const random = seededRandom("radix_tree");
  const tree = new RadixTree(random.next32());
  const model = new Map<string, number>();
  const alphabet = ["a", "b", "ab", "\x00", "\xff", "ccc"];
  for (let step = 0; step < 20000; step++) {
    const growing = Math.floor(step / 2500) % 2 === 0;
    let key = "";
    for (let i = random.below(7); i > 0; i--) key += random.pick(alphabet);
    if (!model.has(key) && random.chance(growing ? 0.9 : 0.05)) {
      insert(tree, key, step + 1);
      model.set(key, step + 1);
    } else if (model.has(key) && random.chance(growing ? 0.1 : 0.95)) {
      remove(tree, key);
      model.delete(key);
      tree.compact();
    }
    const node = find(tree, key);
    const value = node < 0 ? 0 : tree.value(node);
    assert.equal(value, model.get(key) ?? 0);
    if (node >= 0) assert.equal(latin(tree.keyOf(node)), key);
    if (step % 500 === 0) {
      assert.deepEqual(keys(tree).sort(), [...model.keys()].sort());
      // A node has a value or at least two children; so at most twice as many.
      assert.ok(tree.nodeCount <= 2 * model.size + 1);
    }
  }
});
