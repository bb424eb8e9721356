// What the fault guard's table says of memory that is guarded.
import { faultGuardRows, GUARD_ROWS, GuardRow, viewAt } from "../../ffi/mod.ts";

const ROW_BYTES = GuardRow.WORDS * 4;

/** Where the row of guarded memory lies that begins at this address. */
export function guardRowAddress(begin: number): number {
  const rows = faultGuardRows();
  for (let row = 0; row < GUARD_ROWS; row += 1) {
    const at = rows + row * ROW_BYTES;
    const words = wordsAt(at);
    const address = (words[GuardRow.BEGIN] as number) +
      (words[GuardRow.BEGIN + 1] as number) * 2 ** 32;
    if (words[GuardRow.OWNED] === 1 && address === begin) return at;
  }
  throw new Error(`Nobody guards what begins at ${begin}`);
}

/** Whether zeros have taken the place of guarded memory. */
export function isLost(begin: number): boolean {
  return wordsAt(guardRowAddress(begin))[GuardRow.LOST] !== 0;
}

function wordsAt(address: number): Uint32Array {
  // Safety: the rows stay where they are for the life of the process.
  return new Uint32Array(viewAt(address, ROW_BYTES).buffer);
}
