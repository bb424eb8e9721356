// Litmus shapes: what two sides do to each of many places of memory that they
// share, at about the same time.

/** Places that one round goes through. */
export const PLACES: number = 1 << 15;

/** Words at the start: how often a side has come to a meeting. */
const ARRIVED = 0;
const HEAD = 16;

/** Words of a place: far enough apart not to share a line of the cache. */
const STRIDE = 32;
const X = 0;
const Y = 16;

/** Words that the sides share. */
export const LITMUS_WORDS: number = HEAD + PLACES * STRIDE;

/** The accesses that are tried. */
export interface LitmusMemory {
  load(index: number): number;
  store(index: number, value: number): void;
  add(index: number, value: number): number;
  get(index: number): number;
  put(index: number, value: number): void;
}

/** What one side does in a round, and where it notes what it saw. */
export type Shape<Memory> = (
  memory: Memory,
  round: number,
  side: 0 | 1,
  seen: Uint8Array,
) => void;

/** Message passing, and store buffers: by atomics or, to compare, without. */
export type ShapeName = "message" | "buffer" | "plain-buffer";
export const SHAPES: Readonly<Record<ShapeName, Shape<LitmusMemory>>> = {
  message: (memory, round, side, seen) => {
    if (side === 0) sendAll(memory, round);
    else receiveAll(memory, round, seen);
  },
  buffer: exchangeAll,
  "plain-buffer": exchangeAllPlain,
};

/** How one side takes part. */
export interface Part<Memory> {
  readonly memory: Memory;
  readonly side: 0 | 1;
  readonly rounds: number;
  readonly shape: Shape<Memory>;
  /** By place, of the last round. */
  readonly seen: Uint8Array;
}

/** One side's part of all rounds; calls back after each. */
export function play<Memory extends LitmusMemory>(
  { memory, side, rounds, shape, seen }: Part<Memory>,
  checked: () => void,
): void {
  for (let round = 1; round <= rounds; round++) {
    meet(memory, 2 * round - 1);
    shape(memory, round, side, seen);
    meet(memory, 2 * round);
    checked();
  }
}

/** Whether the other side has come to the first meeting. */
export function hasArrived(memory: LitmusMemory): boolean {
  return memory.load(ARRIVED) > 0;
}

/** Adds what both sides saw to a table, at `side 0's * 4 + side 1's`. */
export function count(
  seen: readonly [Uint8Array, Uint8Array],
  outcomes: number[],
): void {
  const [mine, theirs] = seen;
  for (let place = 0; place < PLACES; place++) {
    const outcome = (mine[place] as number) * 4 + (theirs[place] as number);
    outcomes[outcome] = (outcomes[outcome] as number) + 1;
  }
}

/** The words of a place, for shapes that are told elsewhere. */
export function placeOf(place: number): { x: number; y: number } {
  const at = HEAD + place * STRIDE;
  return { x: at + X, y: at + Y };
}

/** Waits until both have come. */
function meet(memory: LitmusMemory, meeting: number): void {
  memory.add(ARRIVED, 1);
  while (memory.load(ARRIVED) < 2 * meeting);
}

function sendAll(memory: LitmusMemory, round: number): void {
  for (let place = 0; place < PLACES; place++) {
    const at = HEAD + place * STRIDE;
    // Ordering: published by the store below.
    memory.put(at + X, round);
    memory.store(at + Y, round);
  }
}

/** 0: no flag yet; 1: flag and message; 2: a flag without its message. */
function receiveAll(
  memory: LitmusMemory,
  round: number,
  seen: Uint8Array,
): void {
  for (let place = 0; place < PLACES; place++) {
    const at = HEAD + place * STRIDE;
    if (memory.load(at + Y) !== round) seen[place] = 0;
    else seen[place] = memory.get(at + X) === round ? 1 : 2;
  }
}

/** Each stores its own and then looks at the other's: 1 when that is there. */
function exchangeAll(
  memory: LitmusMemory,
  round: number,
  side: 0 | 1,
  seen: Uint8Array,
): void {
  const mine = side === 0 ? X : Y;
  const others = side === 0 ? Y : X;
  for (let place = 0; place < PLACES; place++) {
    const at = HEAD + place * STRIDE;
    memory.store(at + mine, round);
    seen[place] = memory.load(at + others) === round ? 1 : 0;
  }
}

function exchangeAllPlain(
  memory: LitmusMemory,
  round: number,
  side: 0 | 1,
  seen: Uint8Array,
): void {
  const mine = side === 0 ? X : Y;
  const others = side === 0 ? Y : X;
  for (let place = 0; place < PLACES; place++) {
    const at = HEAD + place * STRIDE;
    memory.put(at + mine, round);
    seen[place] = memory.get(at + others) === round ? 1 : 0;
  }
}
