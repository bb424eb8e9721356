// Cuts whatever file comes to be at a path, once each, at a moment and to a
// length of chance: argv is the path, a seed and for how long a file is left
// alone at most, in ms. It goes on until it is ended.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  writeSync,
} from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const SPINS_PER_TURN = 1000;

const [path = "", seed = "1", leftMs = "3"] = process.argv.slice(2);
let state = Number(seed) >>> 0 || 1;

/** A whole number below `bound`, from a xorshift of 32 bits. */
function below(bound: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The one that was cut last, and to what: numbers of files are given again. */
let last = "";

function cut(): void {
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch {
    return; // the next one is not there yet
  }
  const { ino, birthtimeMs, size } = fstatSync(fd);
  const file = `${ino} ${birthtimeMs}`;
  if (`${file} ${size}` !== last) {
    spin(below(1000) * Number(leftMs) / 1000);
    // All, all but the first page, or anything.
    const left = [0, 4096, below(size)][below(3)] as number;
    ftruncateSync(fd, left);
    last = `${file} ${left}`;
  }
  closeSync(fd);
}

writeSync(1, "ready\n");
for (;;) {
  for (let spins = 0; spins < SPINS_PER_TURN; spins += 1) cut();
  await sleep(0);
}
