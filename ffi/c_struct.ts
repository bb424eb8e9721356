import { openLibc } from "./libc.ts";

/** A struct that C owns, for reading fields; valid until C frees it. */
export function structAt(address: number, size: number): DataView {
  return new DataView(openLibc().library.bufferAt(address, size));
}

/** The pointer stored at `offset`. User addresses are below 2^53. */
export function pointerAt(struct: DataView, offset: number): number {
  return Number(struct.getBigUint64(offset, true));
}
