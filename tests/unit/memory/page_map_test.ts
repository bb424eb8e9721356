import assert from "node:assert/strict";
import { test } from "node:test";
import {
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
