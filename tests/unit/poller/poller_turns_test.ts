import assert from "node:assert/strict";
import {
  FD_SETSIZE,
  maxFiles,
  monotonicMs,
  receive,
  spawnWorker,
  wake,
} from "../../../ffi/mod.ts";
import { EVENTS_PER_TURN_MAX } from "../../../src/poller/poller.ts";
import { within } from "../../support/wait.ts";
import { type Backend, type Case, forEveryBackend } from "./contract.ts";
import type { WakeData } from "./fixtures/wake_worker.ts";
import { test } from "node:test";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const scratch = new Uint8Array(64);

/** Both ends of each, and what the runtime itself has open. */
const MANY = 1000;

const many: Record<string, Case> = {
  "serves 1,000 descriptors, each its own bytes": (stage) => {
    const all = Array.from({ length: MANY }, (_, index) => {
      const [watched, other] = stage.reader();
      if (index % 3 !== 0) stage.write(other);
      return watched;
    });
    assert.equal(stage.poller.load, MANY);
    const expected = all.map((_, index) => index % 3 !== 0 ? 1 : 0);
    stage.turnsUntil(
      () => all.every(({ bytes }, index) => bytes === expected[index]),
      "every byte",
    );
    stage.turns(4);
    assert.deepEqual(all.map(({ bytes }) => bytes), expected);
    for (const { handle } of all) stage.poller.remove(handle);
    assert.equal(stage.poller.load, 0);
  },
};

const turns: Record<string, Case> = {
  "tells a bounded number per turn, and all in turn": (stage) => {
    // Select has no room for twice a turn's worth of pairs: only one end of
    // each is kept, which is ready to write for ever.
    const count = EVENTS_PER_TURN_MAX + 100;
    const all = Array.from({ length: count }, () => {
      const [a] = stage.pair();
      return stage.add(a).want(false, true);
    });
    let earlier = 0;
    for (let turn = 1; turn <= 12; turn++) {
      const told = stage.poller.wait(0);
      assert.ok(told <= EVENTS_PER_TURN_MAX, `${told} in one turn`);
      const now = all.reduce((sum, { log }) => sum + log.length, 0);
      assert.equal(now - earlier, told, "counted as told");
      earlier = now;
    }
    // None of them is exhausted, so each turn is full; nobody is left out.
    const told = all.map(({ log }) => log.length);
    assert.ok(Math.min(...told) >= 6, `${Math.min(...told)} at least`);
  },
  "goes on where it stopped, whoever is removed": (stage) => {
    const count = 2 * EVENTS_PER_TURN_MAX + 88;
    let all = Array.from({ length: count / 2 }, () => stage.pair()).flat()
      .map((fd) => stage.add(fd).want(false, true));
    stage.turns();
    const told = all.filter(({ log }) => log.length > 0);
    for (const { handle } of told.slice(-50)) stage.poller.remove(handle);
    all = all.filter((watched) => !told.slice(-50).includes(watched));
    // Edge-triggered, a turn's worth of news queues up behind those of the
    // turns before, which are told again first.
    stage.turns(stage.backend.trigger === "edge" ? 5 : 2);
    const missed = all.filter(({ log }) => log.length === 0).length;
    assert.equal(missed, 0, "a round is over");
    // Each is found alone, before and behind where the last turn stopped.
    for (const watched of all) watched.want(false, false);
    stage.turns(3);
    for (const watched of all) {
      watched.log.length = 0;
      watched.want(false, true);
      stage.turns();
      assert.deepEqual(watched.log, ["out"]);
      watched.want(false, false);
    }
  },
  "lets nobody starve behind those that come and go": (stage) => {
    const count = EVENTS_PER_TURN_MAX + 60;
    const all = Array.from({ length: count }, () => {
      const [a] = stage.pair();
      const watched = stage.add(a).want(false, true);
      return watched;
    });
    // Every second one takes its interest back, and again and again.
    all.forEach((watched, index) => {
      if (index % 2 !== 0) return;
      watched.onOut = () => watched.want(false, false).want(false, true);
    });
    for (let turn = 0; turn < 40; turn++) {
      stage.turns();
      all.forEach((watched, index) => {
        if (index % 2 === turn % 2 && index % 4 === 0) {
          watched.want(false, false);
          watched.want(false, true);
        }
      });
    }
    const told = all.map(({ log }) => log.length);
    assert.ok(Math.min(...told) >= 8, `${Math.min(...told)} at least`);
  },
  "goes on after a callback that threw": (stage) => {
    const all = Array.from({ length: 10 }, () => {
      return stage.add(stage.pair()[0]).want(false, true);
    });
    let thrown = 0;
    for (const watched of all) {
      watched.onOut = () => {
        stage.poller.outputExhausted(watched.handle);
        watched.want(false, false);
        if (thrown++ < 3) throw new Error("of the callback");
      };
    }
    for (let n = 0; n < 3; n++) {
      assert.throws(() => stage.poller.wait(1000), /of the callback/);
    }
    stage.turns(2);
    assert.deepEqual(
      all.map(({ log }) => log.join()),
      all.map(() => "out"),
    );
  },
  "counts what is registered": (stage) => {
    const { poller } = stage;
    assert.equal(poller.load, 0, "without its own descriptors");
    const [a, b] = stage.pair();
    const [one, two] = [stage.add(a), stage.add(b)];
    one.want(true, true);
    assert.equal(poller.load, 2);
    poller.remove(one.handle);
    poller.remove(one.handle);
    assert.equal(poller.load, 1);
    poller.remove(two.handle);
    assert.equal(poller.load, 0);
  },
  "waits as long as it was told": (stage) => {
    const [a] = stage.pair();
    stage.add(a).want(true, false);
    // Edge-triggered, the first one is told that there is room to write.
    stage.turns();
    for (const timeoutMs of [1, 20.5, 50]) {
      const start = monotonicMs();
      assert.equal(stage.poller.wait(timeoutMs), 0);
      const tookMs = monotonicMs() - start;
      assert.ok(tookMs >= timeoutMs, `${tookMs} of ${timeoutMs} ms`);
    }
  },
  "fails loudly when it is closed": (stage) => {
    stage.poller.close();
    assert.throws(() => stage.poller.wait(0), /^RangeError: Cannot wait: /);
    assert.throws(() => stage.poller.wait(-1), /EBADF/);
    // Closing once more must not close what has the number now.
    const [a] = stage.pair();
    stage.poller.close();
    assert.ok(receive(a, scratch, 0, 1) < 0);
    stage.close(a);
  },
};

/** A worker that wakes a poller when asked, `times` at a time. */
class Waker {
  readonly #cells = new Int32Array(new SharedArrayBuffer(16));
  readonly #ended: Promise<Error | null>;
  #asked = 0;

  constructor(backend: Backend, target: number, times: number) {
    const data: WakeData = {
      cells: this.#cells,
      target,
      library: target < -1 ? backend.library : null,
      times,
    };
    const url = new URL("./fixtures/wake_worker.ts", import.meta.url).href;
    const worker = spawnWorker(url, data);
    this.#ended = new Promise((resolve) => worker.onExit(resolve));
  }

  ask(): void {
    Atomics.store(this.#cells, 0, ++this.#asked);
    Atomics.notify(this.#cells, 0);
  }

  /** Blocks until it has woken as often as it was asked to. */
  answered(): void {
    while (Atomics.load(this.#cells, 1) < this.#asked) {
      const outcome = Atomics.wait(this.#cells, 1, this.#asked - 1, 20_000);
      assert.notEqual(outcome, "timed-out", "the worker wakes");
    }
  }

  async end(): Promise<void> {
    Atomics.store(this.#cells, 2, 1);
    this.ask();
    assert.equal(await within(this.#ended, "the worker's end"), null);
  }
}

const wakes: Record<string, Case> = {
  "is woken by every wake before it waits": ({ poller }) => {
    for (let n = 0; n < 100; n++) {
      wake(poller.wakeTarget);
      // Blocks for ever if that is no event.
      assert.equal(poller.wait(-1), 0);
    }
    const start = monotonicMs();
    poller.wait(30);
    assert.ok(monotonicMs() - start >= 30, "one wake, one turn");
  },
  "ends one wait for a doubled wake": ({ poller }) => {
    for (let n = 0; n < 3; n++) assert.equal(wake(poller.wakeTarget), 0);
    poller.wait(-1);
    const start = monotonicMs();
    poller.wait(30);
    assert.ok(monotonicMs() - start >= 30);
  },
  "takes more wakes than a pipe has room for": ({ poller }) => {
    for (let n = 0; n < 10_000; n++) assert.equal(wake(poller.wakeTarget), 0);
    poller.wait(-1);
    const start = monotonicMs();
    poller.wait(30);
    assert.ok(monotonicMs() - start >= 30, "all of them are taken out");
    wake(poller.wakeTarget);
    poller.wait(-1);
  },
  "is woken together with events": (stage) => {
    const [watched, other] = stage.reader();
    for (let round = 1; round <= 20; round++) {
      stage.write(other);
      wake(stage.poller.wakeTarget);
      stage.turnsUntil(() => watched.bytes === round, "the byte");
    }
  },
  "is woken by another thread while it waits": async (stage) => {
    const { poller, backend } = stage;
    const [watched, other] = stage.reader();
    const waker = new Waker(backend, poller.wakeTarget, 1);
    const start = monotonicMs();
    for (let n = 0; n < 300; n++) {
      waker.ask();
      poller.wait(30_000);
      waker.answered();
      // The turn may have ended by the last round's wake, come twice.
      poller.wait(0);
    }
    assert.ok(monotonicMs() - start < 20_000, "no wake was lost");
    stage.write(other);
    stage.turnsUntil(() => watched.bytes === 1, "an event after all of that");
    await waker.end();
  },
  "is woken by a thread that wakes it several times": async (stage) => {
    const { poller, backend } = stage;
    const waker = new Waker(backend, poller.wakeTarget, 7);
    const start = monotonicMs();
    for (let n = 0; n < 100; n++) {
      waker.ask();
      poller.wait(30_000);
      waker.answered();
      poller.wait(0);
    }
    assert.ok(monotonicMs() - start < 20_000, "no wake was lost");
    const quiet = monotonicMs();
    poller.wait(30);
    assert.ok(monotonicMs() - quiet >= 30, "nothing is left over");
    await waker.end();
  },
};

/** The highest number that a new descriptor may get: 2 per pair and some. */
function tooFewDescriptors(backend: Backend): string | null {
  if (backend.name === "select" && FD_SETSIZE < 2 * MANY + 100) {
    return `select takes descriptors below ${FD_SETSIZE} only`;
  }
  const limit = maxFiles();
  return limit < 2 * MANY + 200
    ? `this process may open ${limit} descriptors only`
    : null;
}

forEveryBackend("many", many, tooFewDescriptors);
forEveryBackend("turns", turns);
forEveryBackend("wakes", wakes);

test("leaves nothing behind", leaks.after);
