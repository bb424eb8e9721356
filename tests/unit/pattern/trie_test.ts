import assert from "node:assert/strict";
import { test } from "node:test";
import { Trie } from "../../../src/pattern/trie.ts";
import { latin, octets } from "../../support/fake_pipe.ts";
import { seededRandom } from "../../support/seed.ts";

const WORDS = ["tester", "water", "slow", "slower", "test", "team", "toast"];

function add(trie: Trie, key: string): boolean {
  return trie.add(octets(key), 0, key.length);
}

function remove(trie: Trie, key: string): boolean {
  return trie.remove(octets(key), 0, key.length);
}

function check(trie: Trie, key: string): boolean {
  return trie.check(octets(key), 0, key.length);
}

function filled(...keys: string[]): Trie {
  const trie = new Trie();
  for (const key of keys) add(trie, key);
  return trie;
}

test("unittest_radix_tree: empty", () => {
  const trie = new Trie();
  assert.equal(trie.count, 0);
  assert.equal(trie.references, 0);
});

test("unittest_radix_tree: add single entry, same entry twice", () => {
  const trie = new Trie();
  assert.equal(add(trie, "foo"), true);
  assert.equal(add(trie, "foo"), false);
  assert.equal(trie.count, 1);
  assert.equal(trie.references, 2);
});

test("unittest_radix_tree: remove when empty", () => {
  assert.equal(remove(new Trie(), "test"), false);
});

test("unittest_radix_tree: remove single entry, and once more", () => {
  const trie = filled("temporary");
  assert.equal(remove(trie, "temporary"), true);
  assert.equal(remove(trie, "temporary"), false);
});

test("unittest_radix_tree: remove duplicate entry", () => {
  const trie = filled("test", "test");
  assert.equal(remove(trie, "test"), false);
  assert.equal(check(trie, "test"), true);
  assert.equal(remove(trie, "test"), true);
  assert.equal(check(trie, "test"), false);
});

test("unittest_radix_tree: remove common prefix", () => {
  const trie = filled("checkpoint", "checklist");
  assert.equal(remove(trie, "check"), false);
});

test("unittest_radix_tree: remove common prefix entry", () => {
  const trie = filled("checkpoint", "checklist", "check");
  assert.equal(remove(trie, "check"), true);
  assert.equal(check(trie, "checkpoint"), true);
  assert.equal(check(trie, "check"), false);
});

test("unittest_radix_tree: remove null entry", () => {
  const trie = filled("");
  assert.equal(remove(trie, ""), true);
  assert.equal(remove(trie, ""), false);
});

test("unittest_radix_tree: check empty", () => {
  assert.equal(check(new Trie(), "foo"), false);
  assert.equal(check(new Trie(), ""), false);
});

test("unittest_radix_tree: check added entry", () => {
  assert.equal(check(filled("entry"), "entry"), true);
});

test("unittest_radix_tree: check common prefix", () => {
  assert.equal(check(filled("introduce", "introspect"), "intro"), false);
});

test("unittest_radix_tree: check prefix", () => {
  const trie = filled("toasted");
  assert.equal(check(trie, "toast"), false);
  assert.equal(check(trie, "toaste"), false);
  assert.equal(check(trie, "toaster"), false);
});

test("unittest_radix_tree: check nonexistent entry", () => {
  assert.equal(check(filled("red"), "blue"), false);
});

test("unittest_radix_tree: check query longer than entry", () => {
  assert.equal(check(filled("foo"), "foobar"), true);
});

test("unittest_radix_tree: check null entry added", () => {
  assert.equal(check(filled(""), "all queries return true"), true);
  assert.equal(check(filled(""), ""), true);
});

test("unittest_radix_tree: size", () => {
  const trie = new Trie();
  for (const word of WORDS) assert.equal(add(trie, word), true);
  assert.equal(trie.references, WORDS.length);
  for (const word of WORDS) assert.equal(add(trie, word), false);
  assert.equal(trie.references, 2 * WORDS.length);
  for (const word of WORDS) assert.equal(remove(trie, word), false);
  assert.equal(trie.count, WORDS.length);
  for (const word of WORDS) assert.equal(remove(trie, word), true);
  assert.equal(trie.references, 0);
  assert.equal(trie.count, 0);
});

test("unittest_radix_tree: apply visits all", () => {
  const found: string[] = [];
  filled(...WORDS, ...WORDS).forEach((prefix) => found.push(latin(prefix)));
  assert.deepEqual(found.sort(), [...WORDS].sort());
});

test("matching reads only the part of the octets it is told", () => {
  const trie = filled("topic");
  const bytes = octets("##topic##");
  assert.equal(trie.check(bytes, 2, 7), true);
  assert.equal(trie.check(bytes, 2, 9), true);
  assert.equal(trie.check(bytes, 2, 6), false);
  assert.equal(trie.check(bytes, 0, 9), false);
});

test("the trie agrees with a naive model", () => {
  const random = seededRandom("trie");
  const trie = new Trie(random.next32());
  const model = new Map<string, number>();
  for (let step = 0; step < 10000; step++) {
    let key = "";
    for (let i = random.below(6); i > 0; i--) key += random.pick(["a", "bc"]);
    const count = model.get(key) ?? 0;
    if (random.chance(Math.floor(step / 1000) % 2 === 0 ? 0.7 : 0.2)) {
      assert.equal(add(trie, key), count === 0);
      model.set(key, count + 1);
    } else {
      assert.equal(remove(trie, key), count === 1);
      if (count > 1) model.set(key, count - 1);
      else model.delete(key);
    }
    const topic = key.slice(0, random.below(8)) + random.pick(["", "a", "cb"]);
    const matches = [...model.keys()].some((it) => topic.startsWith(it));
    assert.equal(check(trie, topic), matches);
    assert.equal(trie.count, model.size);
  }
});

test("memory comes back when the last of many topics goes", () => {
  const random = seededRandom("trie memory");
  const trie = new Trie(random.next32());
  const empty = trie.bytes;
  const topics = Array.from({ length: 20000 }, () => random.bytes(32));
  for (const topic of topics) trie.add(topic, 0, 32);
  assert.ok(trie.bytes / topics.length <= 200, `${trie.bytes} bytes`);
  for (const topic of topics) trie.remove(topic, 0, 32);
  assert.equal(trie.bytes, empty);
});
