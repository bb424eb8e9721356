// Litmus shapes of a queue in shared memory, in the accesses that it ships.
import { type Geometry, geometryOf } from "../../src/shm/layout.ts";
import type { RingMemory } from "../../src/shm/ring_memory.ts";
import {
  placeOf,
  PLACES,
  type Shape,
  type ShapeName,
  SHAPES,
} from "./litmus.ts";

/** Bytes that are copied from and to a place. */
const RECORD_BYTES = 32;

/** With as many words as the places need, and room for what was seen. */
export const RING_GEOMETRY: Geometry = geometryOf(2 ** 18, 8, 0);

// Of the whole file, as copies count.
const byteOf = (place: number): number => placeOf(place).x * 4;

/** As the producer publishes a record, and a consumer copies it out. */
const record: Shape<RingMemory> = (memory, round, side, seen) => {
  const bytes = new Uint8Array(RECORD_BYTES);
  if (side === 0) {
    bytes.fill(round);
    for (let place = 0; place < PLACES; place++) {
      memory.copyIn(byteOf(place), bytes);
      memory.store(placeOf(place).y, round);
    }
    return;
  }
  const byte = round & 0xff;
  for (let place = 0; place < PLACES; place++) {
    const at = byteOf(place);
    seen[place] = 0;
    if (memory.load(placeOf(place).y) !== round) continue;
    memory.copyOut(bytes, 0, at, at + RECORD_BYTES);
    seen[place] = bytes.every((each) => each === byte) ? 1 : 2;
  }
};

/**
 * As the producer says that it overwrites a record, and a consumer finds out
 * that it has read some of the new one: 2 is new bytes without the intent.
 */
const overwrite: Shape<RingMemory> = (memory, round, side, seen) => {
  for (let place = 0; place < PLACES; place++) {
    const { x, y } = placeOf(place);
    if (side === 0) {
      memory.store(y, round);
      memory.fenceAfterStore(y);
      memory.put(x, round);
      continue;
    }
    const isNew = memory.get(x) === round;
    memory.fenceBeforeLoad();
    const isKnown = memory.load(y) === round;
    seen[place] = isNew ? (isKnown ? 1 : 2) : 0;
  }
};

/** All shapes that are tried on a mapped file. */
export type RingShapeName = ShapeName | "record" | "overwrite";
export const RING_SHAPES: Readonly<Record<RingShapeName, Shape<RingMemory>>> = {
  ...SHAPES,
  record,
  overwrite,
};

/** Whether it is the name of one of them. */
export function isRingShape(name: string): name is RingShapeName {
  return Object.hasOwn(RING_SHAPES, name);
}
