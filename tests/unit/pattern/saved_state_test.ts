import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pattern, PatternHost } from "../../../src/core/pattern.ts";
import { SocketType } from "../../../src/base/socket_type.ts";
import { MultiTrie } from "../../../src/pattern/multi_trie.ts";
import { PATTERNS } from "../../../src/pattern/patterns.ts";
import { Trie } from "../../../src/pattern/trie.ts";
import {
  FakeHost,
  FakePipe,
  octets,
  receive,
} from "../../support/fake_pipe.ts";
import { seededRandom } from "../../support/seed.ts";

/** The pattern as it comes out in another thread, with the same pipes. */
function moved(
  pattern: Pattern,
  host: PatternHost,
  type: SocketType,
  pipes: readonly FakePipe[],
): Pattern {
  const state = structuredClone(pattern.save());
  for (const pipe of pipes) {
    pipe.fqIndex = pipe.lbIndex = pipe.distIndex = -1;
    pipe.patternData = null;
  }
  const successor = PATTERNS[type](host);
  successor.restore(state, new Map(pipes.map((pipe) => [pipe.node, pipe])));
  return successor;
}

test("a trie moves whole, with the counts of its prefixes", () => {
  const random = seededRandom("saved trie");
  const trie = new Trie(1);
  const keys: string[] = [];
  for (let n = 0; n < 500; n += 1) {
    const key = random.below(3000).toString(7);
    keys.push(key);
    trie.add(octets(key), 0, key.length);
  }
  for (const key of keys.splice(0, 150)) {
    trie.remove(octets(key), 0, key.length);
  }
  const successor = new Trie(2);
  successor.restore(structuredClone(trie.save()));
  assert.equal(successor.count, trie.count);
  assert.equal(successor.references, keys.length);
  for (const key of keys) {
    const distinct = successor.count;
    const gone = successor.remove(octets(key), 0, key.length);
    assert.equal(successor.count, distinct - Number(gone));
  }
  assert.equal(successor.count, 0);
});

test("a multi-trie moves whole, with its subscribers", () => {
  const trie = new MultiTrie<string>(1);
  const names = ["", "ann", "bob", "cid"];
  const add = (who: string, key: string) =>
    trie.add(who, octets(key), 0, key.length);
  for (let n = 0; n < 100; n += 1) add(names[1 + n % 3] ?? "", `topic${n % 7}`);
  trie.removeAll("bob", null);
  const successor = new MultiTrie<string>(2);
  successor.restore(
    structuredClone(trie.save((name) => names.indexOf(name))),
    (number) => names[number] ?? "",
  );
  assert.equal(successor.count, 7);
  const matches: string[] = [];
  const topic = octets("topic3!");
  successor.match(topic, 0, topic.length, {
    match: (who) => matches.push(who),
  });
  assert.deepEqual(matches.sort(), ["ann", "cid"]);
  successor.removeAll("ann", null);
  successor.removeAll("cid", null);
  assert.equal(successor.count, 0);
});

test("nothing is said to any peer when a pattern moves", () => {
  for (const type of Object.values(SocketType)) {
    const host = new FakeHost(type);
    host.options.probeRouter = false;
    const pattern = PATTERNS[type](host);
    const pipes = [new FakePipe("a"), new FakePipe("b")];
    for (const pipe of pipes) pattern.attach(pipe, false);
    const topic = octets("topic");
    const subscribes = type === SocketType.SUB || type === SocketType.XSUB;
    if (subscribes) pattern.subscribe?.(topic);
    const before = pipes.map((pipe) => pipe.commands.length);
    host.options.probeRouter = true;
    host.options.welcomeMessage = topic;
    moved(pattern, host, type, pipes);
    assert.deepEqual(pipes.map((pipe) => pipe.commands.length), before);
    assert.deepEqual(pipes.flatMap((pipe) => pipe.outbound), []);
  }
});

test("a manual XPUB that moves knows who asked, and who has gone", () => {
  const host = new FakeHost(SocketType.XPUB);
  host.options.manual = true;
  let xpub = PATTERNS[SocketType.XPUB](host);
  const gone = new FakePipe();
  const pipe = new FakePipe();
  for (const it of [gone, pipe]) {
    it.push("\x01asked");
    xpub.attach(it, false);
  }
  xpub.pipeTerminated(gone);
  xpub = moved(xpub, host, SocketType.XPUB, [pipe]);
  assert.deepEqual(receive(xpub), ["\x01asked"]);
  xpub.subscribe?.(octets("nobody"));
  assert.deepEqual(receive(xpub), ["\x01asked"]);
  xpub = moved(xpub, host, SocketType.XPUB, [pipe]);
  xpub.subscribe?.(octets("given"));
  for (const topic of ["nobody", "asked", "given"]) {
    assert.equal(xpub.trySend([octets(topic)], 1), true);
  }
  assert.deepEqual(pipe.outbound, [["given"]]);
  assert.deepEqual(receive(xpub), ["\x00asked"]);
  xpub.pipeTerminated(pipe);
  assert.deepEqual(receive(xpub), ["\x00asked"]);
});

test("a ROUTER that moves keeps those who wait for an id", () => {
  const host = new FakeHost(SocketType.ROUTER);
  let router = PATTERNS[SocketType.ROUTER](host);
  const [first, second] = [new FakePipe("twin"), new FakePipe("twin")];
  const unknown = new FakePipe(null);
  router.attach(first, false);
  router.attach(second, false);
  router.attach(unknown, true);
  router = moved(router, host, SocketType.ROUTER, [first, second, unknown]);
  second.push("from the second");
  assert.equal(receive(router), null);
  unknown.push("from the unknown");
  router.readActivated(unknown);
  assert.equal(receive(router)?.[1], "from the unknown");
  router.pipeTerminated(first);
  assert.deepEqual(receive(router), ["twin", "from the second"]);
});
