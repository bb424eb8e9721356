// Random sequences of everything that both ends of a queue can do, beside a
// model that is a list.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  assertNothingUsed,
  pattern,
  type View,
  viewMemory,
} from "../../support/memory_fixture.ts";
import { SeededRandom, seededRandom } from "../../support/seed.ts";
import { MORE, QueuePair } from "./fixtures/queue_pair.ts";

const SEQUENCES = 3000;
const STEPS = 120;

interface Frame {
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A queue, and what it should hold. */
class Modelled {
  readonly #random: SeededRandom;
  readonly #pair: QueuePair;
  readonly #holding: boolean;
  #number = 0;
  /** Frames by how far they have come. */
  #unfinished: Frame[] = [];
  #complete: Frame[] = [];
  #visible: Frame[] = [];
  /** Read, not committed. */
  #read: Frame[] = [];
  #asleep = false;

  constructor(view: View, random: SeededRandom, holding: boolean) {
    this.#random = random;
    this.#holding = holding;
    this.#pair = new QueuePair({ view, holding });
    this.#pair.writer.beginMessage();
  }

  step(): void {
    const pair = this.#pair;
    switch (this.#random.below(holdingSteps(this.#holding))) {
      case 0:
      case 1:
      case 2:
        return this.#writeFrames();
      case 3:
        return this.#rollBack();
      case 4:
      case 5:
        return this.#flush();
      case 6:
      case 7:
        return this.#readSome();
      case 8:
        if (this.#unfinished.length === 0) pair.move();
        if (this.#holding && this.#unfinished.length === 0) this.#goBack();
        return;
      case 9:
        pair.commit();
        this.#read = [];
        return;
      case 10:
        pair.rewind();
        return this.#goBack();
    }
  }

  end(): void {
    this.#pair.destroy();
    this.#pair.giveRecord();
  }

  #writeFrames(): void {
    const random = this.#random;
    const { writer } = this.#pair;
    const last = random.chance(0.7);
    const flags = last ? 0 : MORE;
    const size = this.#size();
    const body = pattern(size, ++this.#number);
    if (random.chance(0.15)) this.#pair.writeBlock(flags, body);
    else assert.ok(writer.writeFrame(flags, body));
    this.#unfinished.push({ flags, body });
    if (!last) return;
    writer.completeMessages(1);
    this.#complete.push(...this.#unfinished);
    this.#unfinished = [];
  }

  #size(): number {
    const random = this.#random;
    if (random.chance(0.7)) return random.below(120);
    if (random.chance(0.8)) return random.between(200, 300);
    return random.pick([4000, 4071, 4072, 9000, 32768]);
  }

  #rollBack(): void {
    this.#pair.writer.rollback();
    this.#unfinished = [];
  }

  #flush(): void {
    const woken = !this.#pair.writer.flush();
    const expected = this.#asleep && this.#complete.length > 0;
    assert.equal(woken, expected, "the reader is woken when it sleeps");
    if (expected) this.#asleep = false;
    this.#visible.push(...this.#complete);
    this.#complete = [];
  }

  #readSome(): void {
    for (let left = this.#random.below(8); left >= 0; left -= 1) {
      const frame = this.#pair.take();
      const expected = this.#visible.shift();
      if (expected === undefined) {
        assert.equal(frame, null);
        this.#asleep = true;
        return;
      }
      assert.deepEqual(frame, expected);
      if (this.#holding) this.#read.push(expected);
    }
  }

  #goBack(): void {
    this.#visible.unshift(...this.#read);
    this.#read = [];
  }
}

function holdingSteps(holding: boolean): number {
  return holding ? 11 : 9;
}

describe("a queue is a list:", () => {
  for (const holding of [false, true]) {
    test(
      `${SEQUENCES} random sequences, ${
        holding ? "holding" : "freeing"
      } reader`,
      { timeout: 120_000 },
      () => {
        const seeds = seededRandom("queue model");
        const view = viewMemory();
        for (let sequence = 0; sequence < SEQUENCES; sequence += 1) {
          const seed = seeds.next32();
          const model = new Modelled(view, new SeededRandom(seed), holding);
          try {
            for (let step = 0; step < STEPS; step += 1) model.step();
            model.end();
            assertNothingUsed(view);
          } catch (error) {
            throw new Error(`Sequence ${sequence}, seed ${seed}`, {
              cause: error,
            });
          }
        }
      },
    );
  }
});
