// libzmq: none · runs on: any · RFC: –

import { assert } from "../base/assert.ts";
import { get, put } from "./shared_access.ts";
import type { Words } from "./shared_access.ts";

/**
 * Which pages of a payload segment are in use: one word per page, in the
 * segment's first pages. Whoever calls holds the allocator lock, which orders
 * all plain accesses here.
 */

/** Unit of the map, bytes. */
export const PAGE_BYTES = 16384;
export const PAGE_SHIFT = 14;

/** Words of a segment's head. No page before HINT is free. */
const HINT = 0;
const PAGES = 1;
/** No more pages than so many are free in a row. */
const BOUND = 2;
/** No RUN_PAGES free pages in a row begin before RUN_HINT. */
const RUN_HINT = 3;
const RUN_PAGES = 4;
const MAP = 16;

/** Free neighbours of a freed run that are counted. */
const NEIGHBOURS_MAX = 128;
/** Runs that a search may pass before it moves the hint of longer ones. */
const HOPS_MAX = 16;

/** A page's word is the length of the run that it begins, or one of these. */
const FREE = 0;
/** Inside a run. */
const CONTINUED = -1;
/** Free, and the system still keeps its bytes. */
const FREE_DIRTY = -2;
/** Set beside the run that an unused one names: runs begin at even places. */
const LINKED = 1;

/** Pages that the map of a segment of so many bytes takes. */
export function mapPages(bytes: number): number {
  const pages = Math.floor(bytes / PAGE_BYTES);
  return Math.ceil((MAP + pages) * 4 / PAGE_BYTES);
}

/** Prepares the zeroed memory of a new segment. */
export function initPageMap(map: Words): void {
  const head = mapPages(map.byteLength);
  put(map, PAGES, Math.floor(map.byteLength / PAGE_BYTES));
  put(map, HINT, head);
  put(map, BOUND, get(map, PAGES));
  hintRun(map, head, 2);
  mark(map, 0, head);
}

/**
 * The first run of so many free pages, 0 when there is none. It is free until
 * {@link takePages} is called.
 */
export function findPages(map: Words, pages: number): number {
  if (pages > get(map, BOUND)) return 0;
  const end = get(map, PAGES);
  const far = pages >= get(map, RUN_PAGES);
  let page = get(map, far ? RUN_HINT : HINT);
  for (let hops = 0; page + pages <= end; hops++) {
    let free = 0;
    while (free < pages && isFree(map, page + free)) free++;
    if (free === pages) {
      if (pages === 1) put(map, HINT, page);
      if (!far || pages === get(map, RUN_PAGES) || hops > HOPS_MAX) {
        hintRun(map, page, pages);
      }
      return page;
    }
    page += free;
    page += get(map, MAP + page);
  }
  put(map, BOUND, pages - 1);
  return 0;
}

function hintRun(map: Words, page: number, pages: number): void {
  // Single pages have a hint of their own.
  if (pages === 1) return;
  put(map, RUN_HINT, page);
  put(map, RUN_PAGES, pages);
}

/** Takes a run that was found; returns how many of its pages are dirty. */
export function takePages(map: Words, page: number, pages: number): number {
  let dirty = 0;
  for (let i = 0; i < pages; i++) {
    if (get(map, MAP + page + i) === FREE_DIRTY) dirty++;
  }
  mark(map, page, pages);
  moveHint(map, HINT, page, pages);
  moveHint(map, RUN_HINT, page, pages);
  return dirty;
}

/** A hint never points into a run that is in use. */
function moveHint(map: Words, hint: number, page: number, pages: number): void {
  const at = get(map, hint);
  if (page <= at && at < page + pages) put(map, hint, page + pages);
}

/**
 * Lengthens a run by the pages behind it, if those are free.
 *
 * @returns How many of them are dirty; -1 when one is not free.
 */
export function extendPages(
  map: Words,
  page: number,
  pages: number,
  more: number,
): number {
  assert(get(map, MAP + page) === pages, "a run is lengthened as it was taken");
  const end = page + pages;
  if (!arePagesFree(map, end, more)) return -1;
  const dirty = takePages(map, end, more);
  mark(map, page, pages + more);
  return dirty;
}

/** Gives a run back. `dirty`: the system still keeps its bytes. */
export function givePages(
  map: Words,
  page: number,
  pages: number,
  dirty: boolean,
): void {
  assert(get(map, MAP + page) === pages, "memory is freed as it was taken");
  map.fill(dirty ? FREE_DIRTY : FREE, MAP + page, MAP + page + pages);
  if (page < get(map, HINT)) put(map, HINT, page);
  const first = freeBefore(map, page);
  const row = freeBehind(map, page + pages) - first;
  const known = page - first < NEIGHBOURS_MAX;
  const most = known && row < NEIGHBOURS_MAX ? row : get(map, PAGES);
  if (most > get(map, BOUND)) put(map, BOUND, most);
  if (most < get(map, RUN_PAGES)) return;
  const from = known ? first : get(map, HINT);
  if (from < get(map, RUN_HINT)) put(map, RUN_HINT, from);
}

/** The first of the pages before a run that are free, of those counted. */
function freeBefore(map: Words, page: number): number {
  const low = page - NEIGHBOURS_MAX;
  let first = page;
  while (first > low && isFreePage(map, first - 1)) first--;
  return first;
}

/** Where the pages behind a run that are free end, of those counted. */
function freeBehind(map: Words, page: number): number {
  const high = page + NEIGHBOURS_MAX;
  let end = page;
  while (end < high && isFreePage(map, end)) end++;
  return end;
}

/**
 * Takes the mark from the last dirty pages before `below`, at most `max` in a
 * row: whoever calls gives them to the system.
 *
 * @returns The first one and how many, which is 0 when there are none.
 */
export function cleanPages(
  map: Words,
  below: number,
  max: number,
): { page: number; pages: number } {
  let page = Math.min(below, get(map, PAGES));
  while (page > 0 && get(map, MAP + page - 1) !== FREE_DIRTY) page--;
  let pages = 0;
  while (pages < max && get(map, MAP + page - 1) === FREE_DIRTY) {
    page--;
    pages++;
    put(map, MAP + page, FREE);
  }
  return { page, pages };
}

/** Whether so many pages of the segment are free, from the first on. */
export function arePagesFree(
  map: Words,
  first: number,
  pages: number,
): boolean {
  for (let i = 0; i < pages; i++) if (!isFreePage(map, first + i)) return false;
  return true;
}

/** Whether a page of the segment is free; false beyond its end. */
export function isFreePage(map: Words, page: number): boolean {
  return page < get(map, PAGES) && isFree(map, page);
}

/** Pages of the run that begins here. */
export function runPages(map: Words, page: number): number {
  return get(map, MAP + page);
}

/**
 * Notes another run beside one of at least two pages, in the word of its second
 * page. Never a mark of a free one: that page may be looked at as a neighbour.
 */
export function setRunLink(map: Words, page: number, ref: number): void {
  put(map, MAP + page + 1, ref | LINKED);
}

/** The run that {@link setRunLink} noted. */
export function runLink(map: Words, page: number): number {
  return get(map, MAP + page + 1) & ~LINKED;
}

/** Forgets what {@link setRunLink} noted. */
export function unlinkRun(map: Words, page: number): void {
  put(map, MAP + page + 1, CONTINUED);
}

function isFree(map: Words, page: number): boolean {
  const word = get(map, MAP + page);
  return word === FREE || word === FREE_DIRTY;
}

function mark(map: Words, page: number, pages: number): void {
  put(map, MAP + page, pages);
  map.fill(CONTINUED, MAP + page + 1, MAP + page + pages);
}
