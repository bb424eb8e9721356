import assert from "node:assert/strict";
import { test } from "node:test";
import { MultiTrie, RemoveResult } from "../../../src/pattern/multi_trie.ts";
import { latin, octets } from "../../support/fake_pipe.ts";
import { type SeededRandom, seededRandom } from "../../support/seed.ts";

const { NOT_FOUND, LAST_REMOVED, OTHERS_REMAIN } = RemoveResult;

function add(trie: MultiTrie<string>, key: string, who: string): boolean {
  return trie.add(who, octets(key), 0, key.length);
}

function remove(
  trie: MultiTrie<string>,
  key: string,
  who: string,
): RemoveResult {
  return trie.remove(who, octets(key), 0, key.length);
}

function match(trie: MultiTrie<string>, topic: string): string[] {
  const found: string[] = [];
  const sink = { match: (who: string) => found.push(who) };
  trie.match(octets(topic), 0, topic.length, sink);
  return found.sort();
}

function removeAll(
  trie: MultiTrie<string>,
  who: string,
): [topic: string, gone: boolean][] {
  const found: [string, boolean][] = [];
  trie.removeAll(who, (topic, gone) => found.push([latin(topic), gone]));
  return found;
}

test("unittest_mtrie: empty trie matches nothing", () => {
  const trie = new MultiTrie<string>();
  assert.deepEqual(match(trie, "foo"), []);
  assert.deepEqual(match(trie, ""), []);
});

test("unittest_mtrie: add single entry, match exact", () => {
  const trie = new MultiTrie<string>();
  assert.equal(add(trie, "foo", "p"), true);
  assert.equal(trie.count, 1);
  assert.deepEqual(match(trie, "foo"), ["p"]);
});

test("unittest_mtrie: add single entry twice", () => {
  const trie = new MultiTrie<string>();
  assert.equal(add(trie, "foo", "p"), true);
  assert.equal(add(trie, "foo", "p"), false);
  assert.equal(trie.count, 1);
  assert.deepEqual(match(trie, "foo"), ["p"]);
});

test("unittest_mtrie: add two entries with same name", () => {
  const trie = new MultiTrie<string>();
  assert.equal(add(trie, "foo", "p1"), true);
  assert.equal(add(trie, "foo", "p2"), false);
  assert.equal(trie.count, 1);
  assert.deepEqual(match(trie, "foo"), ["p1", "p2"]);
});

test("unittest_mtrie: match prefix and exact", () => {
  const trie = new MultiTrie<string>();
  assert.equal(add(trie, "foo", "p1"), true);
  assert.equal(add(trie, "foobar", "p2"), true);
  assert.equal(trie.count, 2);
  assert.deepEqual(match(trie, "foobar"), ["p1", "p2"]);
  assert.deepEqual(match(trie, "foob"), ["p1"]);
});

test("unittest_mtrie: add and remove single entry", () => {
  const trie = new MultiTrie<string>();
  add(trie, "foo", "p");
  assert.equal(remove(trie, "foo", "p"), LAST_REMOVED);
  assert.equal(trie.count, 0);
  assert.deepEqual(match(trie, "foo"), []);
});

test("unittest_mtrie: remove nonexistent from an empty trie", () => {
  const trie = new MultiTrie<string>();
  assert.equal(remove(trie, "", "p"), NOT_FOUND);
  assert.equal(remove(trie, "foo", "p"), NOT_FOUND);
  assert.equal(trie.count, 0);
});

for (
  const [what, added, removed] of [
    ["same name", "foo", "foo"],
    ["different name", "foo", "bar"],
    ["prefix", "foobar", "foo"],
    ["extension", "foo", "foobar"],
  ] as const
) {
  test(`unittest_mtrie: remove nonexistent, ${what}`, () => {
    const trie = new MultiTrie<string>();
    add(trie, added, "adder");
    assert.equal(remove(trie, removed, "remover"), NOT_FOUND);
    assert.equal(trie.count, 1);
    assert.deepEqual(match(trie, added), ["adder"]);
    if (!removed.startsWith(added)) assert.deepEqual(match(trie, removed), []);
    // Also for somebody who has other prefixes.
    add(trie, "elsewhere", "remover");
    assert.equal(remove(trie, removed, "remover"), NOT_FOUND);
    assert.equal(trie.count, 2);
  });
}

test("unittest_mtrie: remove nonexistent in between", () => {
  const trie = new MultiTrie<string>();
  add(trie, "foo1", "p1");
  add(trie, "foo3", "p3");
  assert.equal(remove(trie, "foo2", "p1"), NOT_FOUND);
  assert.equal(trie.count, 2);
});

test("unittest_mtrie: one removes, the other remains", () => {
  const trie = new MultiTrie<string>();
  add(trie, "foo", "p1");
  add(trie, "foo", "p2");
  assert.equal(remove(trie, "foo", "p1"), OTHERS_REMAIN);
  assert.equal(remove(trie, "foo", "p1"), NOT_FOUND);
  assert.deepEqual(match(trie, "foo"), ["p2"]);
  assert.equal(remove(trie, "foo", "p2"), LAST_REMOVED);
});

for (const reverse of [false, true]) {
  const names = ["foo1", "foo2", "foo3"];
  if (reverse) names.reverse();
  const order = reverse ? "reverse order" : "order";

  test(`unittest_mtrie: add and remove multiple in ${order}`, () => {
    const trie = new MultiTrie<string>();
    for (const name of names) assert.equal(add(trie, name, name), true);
    assert.equal(trie.count, 3);
    for (const name of names) assert.deepEqual(match(trie, name), [name]);
    for (const name of names) {
      assert.equal(remove(trie, name, name), LAST_REMOVED);
    }
    assert.equal(trie.count, 0);
  });

  test(`unittest_mtrie: remove subscribers in ${order}`, () => {
    const trie = new MultiTrie<string>();
    for (const name of names) add(trie, name, name);
    for (const name of names) {
      assert.deepEqual(removeAll(trie, name), [[name, true]]);
    }
    assert.equal(trie.count, 0);
  });
}

test("unittest_mtrie: remove subscribers of a duplicate", () => {
  const trie = new MultiTrie<string>();
  add(trie, "foo", "p1");
  add(trie, "foo", "p2");
  assert.deepEqual(removeAll(trie, "p1"), [["foo", false]]);
  assert.deepEqual(removeAll(trie, "p2"), [["foo", true]]);
  assert.deepEqual(removeAll(trie, "p2"), []);
});

test("a subscriber's prefixes go in the order in which they came", () => {
  const trie = new MultiTrie<string>();
  const topics = ["zz", "a", "zzz", "", "m", "ab"];
  for (const topic of topics) add(trie, topic, "p");
  remove(trie, "m", "p");
  assert.deepEqual(
    removeAll(trie, "p").map(([topic]) => topic),
    ["zz", "a", "zzz", "", "ab"],
  );
});

test("a number that is used again does not inherit prefixes", () => {
  const trie = new MultiTrie<string>();
  add(trie, "old", "p1");
  removeAll(trie, "p1");
  add(trie, "new", "p2");
  assert.deepEqual(match(trie, "old"), []);
  assert.equal(add(trie, "old", "p1"), true);
  assert.deepEqual(match(trie, "old"), ["p1"]);
});

test("many subscribers of few topics outlive the end of many topics", () => {
  const trie = new MultiTrie<string>();
  const stays = Array.from({ length: 500 }, (_, index) => `stays ${index}`);
  const topics = Array.from({ length: 500 }, (_, index) => `topic ${index}`);
  for (const topic of topics) add(trie, topic, "goes");
  for (const who of stays) add(trie, "shared", who);
  // The tree shrinks, the records are still many.
  removeAll(trie, "goes");
  for (const who of stays) assert.equal(add(trie, "shared", who), false);
  assert.equal(match(trie, "shared").length, 500);
  for (const who of stays.slice(1)) {
    assert.equal(remove(trie, "shared", who), OTHERS_REMAIN);
  }
  assert.equal(remove(trie, "shared", "stays 0"), LAST_REMOVED);
});

/** The same rules, written as plainly as possible. */
class Model {
  readonly topics: Map<string, Set<string>> = new Map();

  add(topic: string, who: string): boolean {
    const subscribers = this.topics.get(topic);
    if (subscribers === undefined) this.topics.set(topic, new Set([who]));
    else subscribers.add(who);
    return subscribers === undefined;
  }

  remove(topic: string, who: string): RemoveResult {
    const subscribers = this.topics.get(topic);
    if (subscribers === undefined || !subscribers.delete(who)) return NOT_FOUND;
    if (subscribers.size > 0) return OTHERS_REMAIN;
    this.topics.delete(topic);
    return LAST_REMOVED;
  }

  removeAll(who: string): [string, boolean][] {
    const found: [string, boolean][] = [];
    for (const [topic, subscribers] of this.topics) {
      if (!subscribers.has(who)) continue;
      found.push([topic, this.remove(topic, who) === LAST_REMOVED]);
    }
    return found.sort();
  }

  match(topic: string): string[] {
    const found: string[] = [];
    for (const [prefix, subscribers] of this.topics) {
      if (topic.startsWith(prefix)) found.push(...subscribers);
    }
    return found.sort();
  }
}

function randomTopic(random: SeededRandom): string {
  let topic = "";
  for (let i = random.below(6); i > 0; i--) {
    topic += random.pick(["a", "b", "ab", "long/label/", "\x00", "\xff"]);
  }
  return topic;
}

test("the multi trie agrees with a naive model", () => {
  const random = seededRandom("multi_trie");
  const trie = new MultiTrie<string>(random.next32());
  const model = new Model();
  const who = Array.from({ length: 12 }, (_, index) => `pipe ${index}`);
  for (let step = 0; step < 20000; step++) {
    const topic = randomTopic(random);
    const pipe = random.pick(who);
    const growing = Math.floor(step / 2000) % 2 === 0;
    if (random.chance(0.005)) {
      assert.deepEqual(removeAll(trie, pipe).sort(), model.removeAll(pipe));
    } else if (random.chance(growing ? 0.8 : 0.2)) {
      assert.equal(add(trie, topic, pipe), model.add(topic, pipe));
    } else {
      assert.equal(remove(trie, topic, pipe), model.remove(topic, pipe));
    }
    assert.equal(trie.count, model.topics.size);
    const query = randomTopic(random) + random.pick(["", "x"]);
    assert.deepEqual(match(trie, query), model.match(query));
  }
});

test("a random topic of 32 octets costs little, and nothing afterwards", () => {
  const random = seededRandom("multi_trie memory");
  const trie = new MultiTrie<string>(random.next32());
  const empty = trie.bytes;
  const topics = Array.from({ length: 50000 }, () => random.bytes(32));
  let most = 0;
  for (const [index, topic] of topics.entries()) {
    trie.add("p", topic, 0, 32);
    if (index > 1000) most = Math.max(most, trie.bytes / (index + 1));
  }
  assert.ok(most <= 250, `${most} bytes for each`);
  trie.add("q", octets("stays"), 0, 5);
  trie.removeAll("p", null);
  assert.ok(trie.bytes < empty + 1000, `${trie.bytes} bytes remain`);
  assert.deepEqual(match(trie, "stays here"), ["q"]);
});

test("many subscribers with the same many topics", () => {
  const trie = new MultiTrie<number>();
  const topics = Array.from({ length: 200 }, (_, i) => octets(`topic ${i}`));
  for (let who = 0; who < 200; who++) {
    for (const topic of topics) trie.add(who, topic, 0, topic.length);
  }
  const found = new Set<number>();
  trie.match(octets("topic 7"), 0, 7, { match: (who) => found.add(who) });
  assert.equal(found.size, 200);
  for (let who = 0; who < 200; who++) trie.removeAll(who, null);
  assert.equal(trie.count, 0);
});

test("a megabyte of topic is subscribed and cancelled without recursion", () => {
  const trie = new MultiTrie<string>();
  const long = new Uint8Array(1_000_000).fill(0x78);
  assert.equal(trie.add("p", long, 0, long.length), true);
  for (let end = 1; end <= 10_000; end++) trie.add("p", long, 0, end);
  const found: string[] = [];
  trie.match(long, 0, long.length, { match: (who) => found.push(who) });
  assert.equal(found.length, 10_001);
  assert.equal(trie.remove("p", long, 0, long.length), LAST_REMOVED);
  trie.removeAll("p", null);
  assert.equal(trie.count, 0);
});
