import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cleanPages,
  extendPages,
  findPages,
  givePages,
  initPageMap,
  isFreePage,
  mapPages,
  PAGE_BYTES,
  takePages,
} from "../../../src/memory/page_map.ts";
import { seededRandom } from "../../support/seed.ts";

const PAGES = 256;

function newMap(): Int32Array {
  const map = new Int32Array(PAGES * PAGE_BYTES / 4);
  initPageMap(map);
  return map;
}

function take(map: Int32Array, pages: number): number {
  const page = findPages(map, pages);
  if (page !== 0) takePages(map, page, pages);
  return page;
}

test("the map itself is never given out", () => {
  const map = newMap();
  assert.equal(mapPages(PAGES * PAGE_BYTES), 1);
  assert.equal(mapPages(2 ** 31 - PAGE_BYTES), 33);
  assert.equal(isFreePage(map, 0), false);
  assert.equal(take(map, PAGES), 0);
  assert.equal(take(map, PAGES - 1), 1);
  assert.equal(take(map, 1), 0, "the segment is full");
});

test("the last page can be used, and what lies behind it not", () => {
  const map = newMap();
  assert.equal(isFreePage(map, PAGES - 1), true);
  assert.equal(isFreePage(map, PAGES), false);
  assert.equal(take(map, PAGES - 2), 1);
  assert.equal(findPages(map, 2), 0);
  assert.equal(take(map, 1), PAGES - 1);
});

test("neighbours that come free are one run", () => {
  const map = newMap();
  const pages = [0, 1, 2, 3].map(() => take(map, 4)) as number[];
  assert.deepEqual(pages, [1, 5, 9, 13]);
  givePages(map, 5, 4, true);
  givePages(map, 9, 4, false);
  assert.equal(findPages(map, 8), 5);
  assert.equal(takePages(map, 5, 8), 4, "of the eight, four were dirty");
  assert.equal(findPages(map, 1), 17);
});

test("what is given back must be what was taken", () => {
  const map = newMap();
  const page = take(map, 4);
  assert.throws(() => givePages(map, page, 3, false), /freed as it was taken/);
  assert.throws(() => givePages(map, page + 1, 3, false), /as it was taken/);
  givePages(map, page, 4, false);
  assert.throws(() => givePages(map, page, 4, false), /as it was taken/);
});

test("random runs never overlap, and none is refused that would fit", () => {
  const random = seededRandom("page map");
  const map = newMap();
  const used = new Uint8Array(PAGES).fill(0);
  used[0] = 1;
  const live: { page: number; pages: number }[] = [];
  for (let step = 0; step < 20_000; step += 1) {
    if (random.chance(0.5)) {
      const pages = random.chance(0.1) ? random.between(1, 64) : 4;
      const page = findPages(map, pages);
      const text = String.fromCharCode(...used);
      const first = text.indexOf("\0".repeat(pages));
      assert.equal(page, Math.max(first, 0), `${pages} pages, step ${step}`);
      if (page === 0) continue;
      takePages(map, page, pages);
      used.fill(1, page, page + pages);
      live.push({ page, pages });
    } else if (live.length > 0) {
      const index = random.below(live.length);
      const [{ page, pages }] = live.splice(index, 1) as [typeof live[0]];
      givePages(map, page, pages, random.chance(0.5));
      used.fill(0, page, page + pages);
    }
  }
  for (const { page, pages } of live) givePages(map, page, pages, false);
  assert.equal(findPages(map, PAGES - 1), 1, "all of it is one run again");
});

test("dirty pages are cleaned from the last one on, and counted once", () => {
  const map = newMap();
  const [first, second] = [take(map, 10), take(map, 6)];
  take(map, 4);
  const last = take(map, 8);
  givePages(map, first, 10, true);
  givePages(map, second, 6, false);
  givePages(map, last, 8, true);
  assert.deepEqual(cleanPages(map, PAGES + 1, 5), { page: last + 3, pages: 5 });
  assert.deepEqual(cleanPages(map, last + 3, 5), { page: last, pages: 3 });
  assert.deepEqual(cleanPages(map, last, 64), { page: first, pages: 10 });
  assert.equal(cleanPages(map, PAGES, 64).pages, 0);
  assert.equal(findPages(map, 16), first, "they are as free as before");
  assert.equal(takePages(map, first, 16), 0);
});

test("a search that failed is made again when a run that long came free", () => {
  const map = newMap();
  const runs = Array.from({ length: 51 }, () => take(map, 5)) as number[];
  assert.equal(take(map, 5), 0);
  for (const [at, pages] of [[20, 5], [22, 5], [21, 15]] as const) {
    givePages(map, runs[at] as number, 5, false);
    assert.equal(findPages(map, pages + 1), 0);
    assert.equal(findPages(map, pages), runs[20]);
  }
  // More free neighbours than are counted.
  for (const page of runs.slice(23)) givePages(map, page, 5, false);
  assert.equal(findPages(map, 31 * 5), runs[20]);
});

test("a run is lengthened into free pages only, and freed whole", () => {
  const map = newMap();
  const [first, gap, last] = [take(map, 3), take(map, 4), take(map, 2)];
  assert.equal(extendPages(map, first, 3, 1), -1);
  givePages(map, gap, 4, true);
  assert.equal(extendPages(map, first, 3, 5), -1);
  assert.equal(isFreePage(map, gap), true, "a refusal takes nothing");
  assert.equal(extendPages(map, first, 3, 3), 3, "all three were dirty");
  assert.equal(take(map, 1), gap + 3);
  assert.throws(() => extendPages(map, first, 3, 1), /as it was taken/);
  const rest = PAGES - last - 2;
  assert.equal(extendPages(map, last, 2, rest + 1), -1, "beyond the end");
  assert.equal(extendPages(map, last, 2, rest), 0);
  assert.equal(take(map, 1), 0);
  givePages(map, first, 6, false);
  assert.equal(findPages(map, 6), first);
  givePages(map, last, 2 + rest, false);
  assert.equal(findPages(map, 7), last);
});

test("the hints never point into a run that is in use", () => {
  const map = newMap();
  const [RUN_HINT, HINT, PAGE_MAP, CONTINUED] = [3, 0, 16, -1];
  // So many gaps that a search behind them puts the hint for longer runs.
  const cells = Array.from({ length: 40 }, () => take(map, 1));
  for (let i = 0; i < 40; i += 2) givePages(map, cells[i] as number, 1, false);
  givePages(map, cells[1] as number, 1, false);
  const run = (cells[39] as number) + 1;
  takePages(map, run, 5);
  const single = run + 5;
  takePages(map, single, 1);
  const gap = take(map, 4);
  assert.equal(gap, single + 1);
  take(map, 4);
  givePages(map, gap, 4, false);
  assert.equal(map[RUN_HINT], gap);
  // Three pages from the single one on are too few to move the hint.
  takePages(map, gap + 3, 1);
  takePages(map, gap + 2, 1);
  givePages(map, single, 1, false);
  assert.equal(map[RUN_HINT], gap);
  assert.equal(extendPages(map, run, 5, 3), 0);
  for (const hint of [HINT, RUN_HINT]) {
    const at = map[hint] as number;
    assert.notEqual(map[PAGE_MAP + at], CONTINUED, `hint ${hint} at ${at}`);
  }
});

test("a search for single pages begins behind those already found in use", () => {
  const map = newMap();
  const first = take(map, 2);
  const behind = take(map, 2);
  givePages(map, first, 2, false);
  takePages(map, first, 1);
  takePages(map, first + 1, 1);
  assert.equal(take(map, 1), behind + 2);
  const HINT = 0;
  assert.equal(map[HINT], behind + 3);
});
