// One of two processes that try litmus shapes on one mapped file: argv is the
// file's path, a side (0 or 1), a shape and how many rounds. The first side
// prints what both saw.
import process from "node:process";
import { mapFile, openSharedFile, viewAt } from "../../../ffi/mod.ts";
import { RingMemory } from "../../../src/shm/ring_memory.ts";
import { count, PLACES, play } from "../litmus.ts";
import {
  isRingShape,
  RING_GEOMETRY,
  RING_SHAPES,
} from "../litmus_ring_shapes.ts";

const [path = "", sideText, name = "", rounds] = process.argv.slice(2);
const side = sideText === "0" ? 0 : 1;
if (!isRingShape(name)) throw new Error(`No such shape: ${name}`);
const address = mapFile(
  openSharedFile(path, "existing"),
  RING_GEOMETRY.fileBytes,
);
if (address < 0) throw new Error(`Cannot map it: ${address}`);
const bytes = viewAt(address, RING_GEOMETRY.fileBytes);
const memory = new RingMemory(bytes, RING_GEOMETRY);
// Behind what is tried, where the first side finds it after each round.
const seenAt = (who: number): Uint8Array => {
  const at = RING_GEOMETRY.dataAt + who * PLACES;
  return bytes.subarray(at, at + PLACES);
};
const both = [seenAt(0), seenAt(1)] as const;
const outcomes = new Array<number>(16).fill(0);

play({
  memory,
  side,
  rounds: Number(rounds),
  shape: RING_SHAPES[name],
  seen: both[side],
}, () => {
  if (side === 0) count(both, outcomes);
});
if (side === 0) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
