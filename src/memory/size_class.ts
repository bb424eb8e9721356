// libzmq: none · runs on: any · RFC: –

import { PAGE_BYTES } from "./page_map.ts";

/** Smallest unit of allocation, bytes. */
export const GRANULE_BYTES = 256;
export const GRANULE_SHIFT = 8;

/** Queue chunks at full size, bytes. */
export const CHUNK_BYTES = 65536;

/** Size classes, bytes: cells of a page, a page, a chunk. */
export const CLASS_BYTES: readonly number[] = [
  256,
  512,
  1024,
  2048,
  4096,
  8192,
  PAGE_BYTES,
  CHUNK_BYTES,
];
/** The class of a whole page; smaller ones are cells of a page. */
export const PAGE_CLASS = 6;

/** Size of what an allocation of so many bytes takes. */
export function allocationSize(bytes: number): number {
  if (bytes <= PAGE_BYTES / 2) {
    let size = GRANULE_BYTES;
    while (size < bytes) size <<= 1;
    return size;
  }
  if (bytes > CHUNK_BYTES - PAGE_BYTES && bytes <= CHUNK_BYTES) {
    return CHUNK_BYTES;
  }
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** The class of what {@link allocationSize} gave; -1 = a run of its own. */
export function classOf(size: number): number {
  if (size === CHUNK_BYTES) return PAGE_CLASS + 1;
  if (size > PAGE_BYTES) return -1;
  return 31 - Math.clz32(size) - GRANULE_SHIFT;
}
