import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SegmentExchange } from "../../../src/transport/segment_exchange.ts";
import { resolveWorkerUrl } from "../../../src/worker_platform.ts";
import { leakCheck, liveWorkers, threadNames } from "../../support/leaks.ts";
import { until } from "../../support/wait.ts";
import { TestWorker } from "../../support/worker.ts";
import type { SegmentOrder } from "../../support/workers/segment_worker.ts";

/** A context id that no other test has. */
function freshId(): string {
  return `test-${crypto.randomUUID()}`;
}

/**
 * Waits until so many workers live: threads of the test's and couriers. Now
 * and then one more shows, a runtime's own thread that has no name yet.
 */
function workersAre(count: number, what: string): Promise<void> {
  const hasNames = threadNames().length > 0;
  return until(() => !hasNames || liveWorkers() === count, what);
}

/** A thread with an exchange. */
class Peer {
  readonly #worker: TestWorker;

  private constructor(id: string) {
    this.#worker = new TestWorker("segment_worker.ts", id);
  }

  static async start(id: string): Promise<Peer> {
    const peer = new Peer(id);
    assert.equal(await peer.#worker.said("ready"), "ready");
    return peer;
  }

  /** Tells it something without waiting. */
  say(order: SegmentOrder): void {
    this.#worker.say(order);
  }

  answer(what: string): Promise<number> {
    return this.#worker.said<number>(what);
  }

  async tell(order: SegmentOrder): Promise<number> {
    this.say(order);
    return await this.answer(order.verb);
  }

  /** Closes the exchange and ends the thread. */
  async end(): Promise<void> {
    await this.tell({ verb: "close" });
    await this.kill();
  }

  /** Ends the thread, which closes nothing. */
  kill(): Promise<void> {
    return this.#worker.stop();
  }
}

describe("segment exchange", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  test("a segment goes to a thread that waits for it, as shared memory", async () => {
    const id = freshId();
    const [maker, user] = [await Peer.start(id), await Peer.start(id)];
    user.say({ verb: "obtain", index: 1, leave: 22 });
    await maker.tell({ verb: "publish", index: 1, mark: 11 });
    assert.equal(await user.answer("the mark"), 11);
    assert.equal(await maker.tell({ verb: "look", index: 1 }), 22);
    await maker.end();
    await user.end();
  });

  test("one who comes late asks, and gets the one that it asked for", async () => {
    const id = freshId();
    const maker = await Peer.start(id);
    for (const index of [1, 2, 3]) {
      await maker.tell({ verb: "publish", index, mark: 10 * index });
    }
    const late = await Peer.start(id);
    for (const index of [3, 1, 2]) {
      const mark = await late.tell({ verb: "obtain", index, leave: index });
      assert.equal(mark, 10 * index);
    }
    assert.equal(await maker.tell({ verb: "look", index: 2 }), 2);
    await maker.end();
    await late.end();
  });

  test("a second obtain gives the same memory", async () => {
    const id = freshId();
    const maker = await Peer.start(id);
    const user = await Peer.start(id);
    await maker.tell({ verb: "publish", index: 1, mark: 5 });
    assert.equal(await user.tell({ verb: "obtain", index: 1, leave: 6 }), 5);
    assert.equal(await user.tell({ verb: "obtain", index: 1, leave: 7 }), 6);
    await maker.end();
    await user.end();
  });

  test("who obtained a segment answers when its maker is gone", async () => {
    const id = freshId();
    const maker = await Peer.start(id);
    const keeper = await Peer.start(id);
    await maker.tell({ verb: "publish", index: 4, mark: 44 });
    await keeper.tell({ verb: "obtain", index: 4, leave: 45 });
    await maker.end();
    const late = await Peer.start(id);
    assert.equal(await late.tell({ verb: "obtain", index: 4, leave: 0 }), 45);
    await keeper.end();
    await late.end();
  });

  test("the thread of the test takes part, blocking", async () => {
    const id = freshId();
    const exchange = new SegmentExchange(id, resolveWorkerUrl(null));
    const peer = await Peer.start(id);
    const size = 64 << 20;
    await peer.tell({ verb: "publish", index: 1, mark: 1, byteLength: size });
    const buffer = exchange.obtain(1);
    assert.equal(buffer.byteLength, size);
    new Int32Array(buffer, size - 4)[0] = 77;
    assert.equal(await peer.tell({ verb: "look", index: 1 }), 77);
    exchange.close();
    await peer.end();
  });

  test("a segment that went with its maker is not waited for much", async () => {
    const id = freshId();
    const exchange = new SegmentExchange(id, resolveWorkerUrl(null));
    const lost = { code: "EOWNERDEAD", message: /payload segment 7 ended/ };
    let looks = 0;
    const makerLives = () => ++looks === 0;
    assert.throws(() => exchange.obtain(7, makerLives), lost);
    const start = performance.now();
    assert.throws(() => exchange.obtain(7, makerLives), lost);
    const took = performance.now() - start;
    assert.ok(took < 3000, `took ${took} ms although the courier runs`);
    assert.equal(looks, 2, "its life is looked at when hope is fading");
    const peer = await Peer.start(id);
    await peer.tell({ verb: "publish", index: 7, mark: 70 });
    assert.equal(exchange.obtain(7, makerLives).byteLength, 4096);
    exchange.close();
    await peer.end();
  });

  test("contexts do not hear each other", async () => {
    const [mine, other] = [freshId(), freshId()];
    const stranger = await Peer.start(other);
    await stranger.tell({ verb: "publish", index: 1, mark: 666 });
    const user = await Peer.start(mine);
    user.say({ verb: "obtain", index: 1, leave: 0 });
    // While a question among the strangers goes its way, so does the user's.
    const witness = await Peer.start(other);
    await witness.tell({ verb: "obtain", index: 1, leave: 667 });
    const maker = await Peer.start(mine);
    await maker.tell({ verb: "publish", index: 1, mark: 11 });
    assert.equal(await user.answer("its own context's mark"), 11);
    assert.equal(await stranger.tell({ verb: "look", index: 1 }), 667);
    for (const peer of [stranger, user, witness, maker]) await peer.end();
  });
});

describe("segment exchange: its courier", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  test("starts when needed, one for each thread, and ends with close()", async () => {
    const id = freshId();
    const [a, b] = [await Peer.start(id), await Peer.start(id)];
    await workersAre(2, "no courier yet");
    for (const index of [1, 2, 3]) {
      await a.tell({ verb: "publish", index, mark: index });
    }
    await b.tell({ verb: "obtain", index: 3, leave: 0 });
    await b.tell({ verb: "publish", index: 4, mark: 4 });
    assert.equal(await a.tell({ verb: "obtain", index: 4, leave: 0 }), 4);
    await workersAre(4, "a courier each");
    await a.tell({ verb: "close" });
    await workersAre(3, "a's courier has ended");
    await b.tell({ verb: "close" });
    await workersAre(2, "b's courier has ended");
    await a.end();
    await b.end();
  });

  test("ends although close() came before it had started", async () => {
    for (let n = 0; n < 5; n += 1) {
      const exchange = new SegmentExchange(freshId(), resolveWorkerUrl(null));
      exchange.publish(1, new SharedArrayBuffer(4096));
      exchange.close();
      exchange.close();
    }
    await workersAre(0, "the couriers have ended");
  });

  test("close() of an exchange that did nothing does nothing", () => {
    new SegmentExchange(freshId(), resolveWorkerUrl(null)).close();
  });

  test("does not outlive a thread that ends without close()", async () => {
    const id = freshId();
    const peers = [await Peer.start(id), await Peer.start(id)];
    await peers[0]?.tell({ verb: "publish", index: 1, mark: 1 });
    await peers[1]?.tell({ verb: "obtain", index: 1, leave: 1 });
    for (const peer of peers) await peer.kill();
    await workersAre(0, "the couriers have ended");
  });
});
