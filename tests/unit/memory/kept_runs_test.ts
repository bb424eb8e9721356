import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KeptRuns } from "../../../src/memory/kept_runs.ts";
import { H } from "../../../src/memory/layout.ts";
import {
  findPages,
  givePages,
  initPageMap,
  isFreePage,
  mapPages,
  PAGE_BYTES,
  runPages,
  takePages,
} from "../../../src/memory/page_map.ts";
import { seededRandom } from "../../support/seed.ts";

const PAGES = 4096;
const GRANULES = PAGE_BYTES / 256;

/** Kept runs over one segment, and what takes and frees its pages. */
class Fixture {
  readonly words = new Int32Array(H.SIZE);
  readonly map = new Int32Array(PAGES * PAGE_BYTES / 4);
  reachable = true;
  readonly runs = new KeptRuns(
    this.words,
    () => this.reachable ? this.map : null,
  );

  constructor() {
    initPageMap(this.map);
  }

  /** A run fresh from the map. */
  fresh(pages: number): number {
    const page = findPages(this.map, pages);
    assert.notEqual(page, 0);
    takePages(this.map, page, pages);
    return page * GRANULES;
  }

  give(ref: number): void {
    const page = ref / GRANULES;
    givePages(this.map, page, runPages(this.map, page), true);
  }

  giveAll(): void {
    for (let ref = this.runs.pop(); ref !== 0; ref = this.runs.pop()) {
      this.give(ref);
    }
  }

  get kept(): number {
    return this.words[H.KEPT_RUNS] as number;
  }
}

describe("kept runs", () => {
  test("the last one of the right length comes first", () => {
    const fixture = new Fixture();
    const { runs } = fixture;
    const refs = [3, 5, 3, 2].map((pages) => fixture.fresh(pages));
    for (const ref of refs) assert.equal(runs.push(ref), true);
    assert.equal(fixture.kept, 4);
    assert.equal(runs.take(3), refs[2]);
    assert.equal(runs.take(3), refs[0]);
    assert.equal(runs.take(3), 0);
    assert.equal(runs.take(2), refs[3]);
    assert.equal(runs.take(5), refs[1]);
    assert.equal(fixture.kept, 0);
    assert.equal(runs.pop(), 0);
  });

  test("a run is as it was once it is taken again", () => {
    const fixture = new Fixture();
    const ref = fixture.fresh(2);
    const before = fixture.map.slice();
    fixture.runs.push(fixture.fresh(2));
    fixture.runs.push(ref);
    assert.equal(fixture.runs.take(2), ref);
    fixture.give(fixture.runs.pop());
    assert.deepEqual(
      fixture.map.subarray(16, 16 + ref / GRANULES + 2),
      before.subarray(16, 16 + ref / GRANULES + 2),
    );
  });

  test("to the map their pages are in use, the last one in the list, too", () => {
    const fixture = new Fixture();
    const ref = fixture.fresh(2);
    fixture.runs.push(ref);
    const page = ref / GRANULES;
    assert.equal(isFreePage(fixture.map, page), false);
    assert.equal(isFreePage(fixture.map, page + 1), false);
    assert.notEqual(findPages(fixture.map, 1), page);
    assert.equal(findPages(fixture.map, 3), page + 2);
  });

  test("only so many are kept", () => {
    const fixture = new Fixture();
    let pushed = 0;
    while (pushed < 2000 && fixture.runs.push(fixture.fresh(2))) pushed += 1;
    assert.equal(pushed, 1024);
    assert.equal(fixture.kept, 1024);
  });

  test("one in a segment that is not to be had stays, and those below it", () => {
    const fixture = new Fixture();
    const ref = fixture.fresh(2);
    fixture.runs.push(ref);
    fixture.reachable = false;
    assert.equal(fixture.runs.take(2), 0);
    assert.equal(fixture.runs.pop(), 0);
    assert.equal(fixture.runs.push(ref + 2 * GRANULES), false);
    fixture.reachable = true;
    assert.equal(fixture.runs.pop(), ref);
  });

  test("no page is lost or given out twice, in any order", () => {
    const fixture = new Fixture();
    const random = seededRandom("kept-runs");
    const live = new Map<number, number>();
    for (let n = 0; n < 20_000; n += 1) {
      const pages = random.between(2, 4);
      if (random.chance(0.5) && live.size < 100) {
        const ref = fixture.runs.take(pages) || fixture.fresh(pages);
        assert.equal(live.has(ref), false);
        assert.equal(runPages(fixture.map, ref / GRANULES), pages);
        live.set(ref, pages);
      } else if (live.size > 0) {
        const ref = random.pick([...live.keys()]);
        live.delete(ref);
        if (!fixture.runs.push(ref)) fixture.give(ref);
      }
      if (random.chance(0.01)) {
        for (
          let ref = fixture.runs.pop();
          ref !== 0;
          ref = fixture.runs.pop()
        ) {
          fixture.give(ref);
        }
      }
    }
    fixture.giveAll();
    for (const ref of live.keys()) fixture.give(ref);
    const head = mapPages(PAGES * PAGE_BYTES);
    assert.equal(findPages(fixture.map, PAGES - head), head, "one run of all");
  });
});
