// libzmq: none · runs on: any · RFC: –

import { faultGuardRows, GUARD_ROWS, GuardRow, viewAt } from "../../ffi/mod.ts";
import {
  compareExchange,
  load,
  put,
  store,
  type Words,
} from "./shared_access.ts";

/** Memory whose faults are survived, until it is released. */
export class GuardedMemory {
  /** Its row: all threads have one table. */
  readonly #row: Words;

  /** Made by `guardMemory`. */
  constructor(row: Words) {
    this.#row = row;
  }

  /** Ends it; before anything else can be mapped there. */
  release(): void {
    store(this.#row, GuardRow.STATE, load(this.#row, GuardRow.STATE) + 1);
    store(this.#row, GuardRow.OWNED, 0);
  }
}

/**
 * Makes faults of a mapped file survivable: memory whose file ends before it
 * becomes zeros. Null where the system allows no such thing, or when too many
 * others have it.
 */
export function guardMemory(
  address: number,
  length: number,
): GuardedMemory | null {
  const rows = faultGuardRows();
  if (rows === 0) return null;
  const bytes = GuardRow.WORDS * 4;
  // Safety: the rows stay where they are for the life of the process.
  const { buffer } = viewAt(rows, GUARD_ROWS * bytes);
  for (let at = 0; at < buffer.byteLength; at += bytes) {
    const row = new Int32Array(buffer, at, GuardRow.WORDS);
    if (compareExchange(row, GuardRow.OWNED, 0, 1) !== 0) continue;
    // Plain: the store of the state publishes them to the handler.
    put(row, GuardRow.LOST, 0);
    putAddress(row, GuardRow.BEGIN, address);
    putAddress(row, GuardRow.END, address + length);
    store(row, GuardRow.STATE, load(row, GuardRow.STATE) + 1);
    return new GuardedMemory(row);
  }
  return null;
}

function putAddress(row: Words, index: number, address: number): void {
  put(row, index, address % 2 ** 32 | 0);
  put(row, index + 1, Math.floor(address / 2 ** 32));
}
