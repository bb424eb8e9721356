// A poller under random use against a model that knows what must be ready.
import assert from "node:assert/strict";
import { Pair, Poller, pollSync } from "../../mod.ts";
import { DescriptorPair } from "../support/descriptor_pair.ts";
import { type Scenario, scenario, TRANSPORTS } from "../support/scenario.ts";
import { type SeededRandom, seededRandom } from "../support/seed.ts";
import { nextTurn, until, within } from "../support/wait.ts";

/** Something that can be made readable, and what the model knows of it. */
interface Source {
  readonly target: Pair | number;
  readonly name: string;
  /** Messages or bytes that are there. */
  count: number;
  /** In the poller: whether it is waited for; undefined when it is not in. */
  wanted: boolean | undefined;
  put(): void;
  /** Takes one, or all; how many. */
  take(): number;
  /** Whether what was put has arrived. */
  arrived(): boolean;
}

async function sockets(s: Scenario): Promise<Source[]> {
  const found: Source[] = [];
  for (const transport of [...TRANSPORTS, "inproc"] as const) {
    const [near, far] = [s.open(Pair), s.open(Pair)];
    await s.join(near, far, transport);
    found.push({
      target: near,
      name: `${transport} ${found.length}`,
      count: 0,
      wanted: undefined,
      put: () => far.sendSync("x"),
      take: () => (near.receiveSync(), 1),
      arrived: () => near.readable,
    });
  }
  return found;
}

function descriptors(s: Scenario, count: number): Source[] {
  return Array.from({ length: count }, (_, n) => {
    const pair = DescriptorPair.in(s);
    return {
      target: pair.fd,
      name: `descriptor ${n}`,
      count: 0,
      wanted: undefined,
      put: () => pair.write(),
      take: () => pair.read(),
      arrived: () => true,
    };
  });
}

/** A poller and what should be in it. */
class Model {
  readonly poller: Poller<string> = new Poller();
  readonly sources: readonly Source[];
  readonly #random: SeededRandom;

  constructor(sources: readonly Source[], random: SeededRandom) {
    this.sources = sources;
    this.#random = random;
  }

  /** Names of what must be reported. */
  get ready(): string[] {
    return this.sources
      .filter(({ wanted, count }) => wanted === true && count > 0)
      .map(({ name }) => name).sort();
  }

  /** Puts something in, takes something out, or changes the poller. */
  async step(): Promise<void> {
    const source = this.#random.pick(this.sources);
    const { target, name } = source;
    const dice = this.#random.below(10);
    if (dice < 4) await this.put(source);
    else if (dice < 8) {
      await this.take(source);
    } else if (source.wanted === undefined) {
      source.wanted = this.#random.chance(0.7);
      this.poller.add(target, { readable: source.wanted }, name);
    } else if (this.#random.chance(0.6)) {
      source.wanted = !source.wanted;
      this.poller.modify(target, { readable: source.wanted });
    } else {
      this.poller.remove(target);
      source.wanted = undefined;
    }
  }

  async take(source: Source): Promise<void> {
    if (source.count === 0) return;
    source.count -= source.take();
    // A later one may still be under way.
    if (source.count > 0) await until(() => source.arrived(), "the next one");
  }

  async put(source: Source): Promise<void> {
    source.put();
    source.count += 1;
    await until(() => source.arrived(), `what ${source.name} was sent`);
  }

  /** Waits in one of the ways; compares what comes with the model. */
  async check(): Promise<void> {
    const { poller, ready } = this;
    const names = (events: { data: string }[]): string[] =>
      events.map(({ data }) => data).sort();
    const timeout = this.#random.pick([0, 0.2, 2]);
    switch (this.#random.below(3)) {
      case 0:
        assert.deepEqual(names(poller.waitAllSync(timeout)), ready);
        break;
      case 1: {
        const event = poller.waitSync(timeout);
        if (event === undefined) assert.deepEqual(ready, []);
        else assert.ok(ready.includes(event.data), event.data);
        break;
      }
      case 2:
        assert.deepEqual(names(await poller.wait(timeout)), ready);
    }
  }

  /** A wait that something ends which happens after its beginning. */
  async checkPending(): Promise<void> {
    const waited = this.sources.filter(({ wanted }) => wanted === true);
    if (waited.length === 0 || this.ready.length > 0) return;
    const abort = new AbortController();
    const waiting = this.poller.wait(Infinity, { signal: abort.signal });
    for (let turns = this.#random.below(3); turns > 0; turns -= 1) {
      await nextTurn();
    }
    if (this.#random.chance(0.2)) {
      abort.abort();
      await assert.rejects(waiting, { name: "AbortError" });
      return;
    }
    const source = this.#random.pick(waited);
    source.put();
    source.count += 1;
    const events = await within(waiting, `to hear of ${source.name}`);
    assert.deepEqual(events.map(({ data }) => data), [source.name]);
  }
}

scenario("a poller under random use says what a model says", async (s) => {
  const random = seededRandom("poller");
  const model = new Model(
    [...await sockets(s), ...descriptors(s, 3)],
    random,
  );
  s.defer(() => model.poller.close());
  for (let round = 0; round < 4000; round += 1) {
    await model.step();
    if (random.chance(0.3)) await model.check();
    if (random.chance(0.3)) await model.checkPending();
  }
});

scenario("no answer of the watcher is lost in 3,000 waits", async (s) => {
  const sources = descriptors(s, 2);
  const pollers = sources.map(({ target, name }) => {
    const poller = new Poller<string>();
    s.defer(() => poller.close());
    poller.add(target, undefined, name);
    return poller;
  });
  const random = seededRandom("watcher");
  const loops = sources.map(async (source, n) => {
    for (let round = 0; round < 1500; round += 1) {
      const abort = new AbortController();
      const waiting = pollers[n]?.wait(Infinity, { signal: abort.signal });
      if (random.chance(0.5)) await nextTurn();
      if (random.chance(0.1)) {
        abort.abort();
        await assert.rejects(waiting as Promise<unknown>);
        continue;
      }
      source.put();
      assert.equal((await waiting)?.[0]?.data, source.name);
      assert.equal(source.take(), 1);
    }
  });
  await Promise.all(loops);
});

scenario("what somebody else took ends no wait", async (s) => {
  const [source] = descriptors(s, 1) as [Source];
  const poller = new Poller();
  s.defer(() => poller.close());
  poller.add(source.target);
  // The watcher is up.
  assert.deepEqual(await poller.wait(100), []);
  for (let round = 0; round < 5; round += 1) {
    let events: unknown[] | null = null;
    const waiting = poller.wait().then((found) => events = found);
    await nextTurn();
    source.put();
    // Blocked: the watcher's answer has come, and nobody has heard it.
    pollSync([], 20);
    assert.equal(source.take(), 1);
    await nextTurn();
    await nextTurn();
    assert.equal(events, null);
    source.put();
    await within(waiting, "what is there");
    assert.equal(source.take(), 1);
  }
});
