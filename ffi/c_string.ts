import { openLibc } from "./libc.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `text` in UTF-8 with the zero byte that C wants behind it. */
export function toCString(text: string): Uint8Array<ArrayBuffer> {
  const body = encoder.encode(text);
  const bytes = new Uint8Array(new ArrayBuffer(body.length + 1));
  bytes.set(body);
  return bytes;
}

/** The text in `bytes` up to the first zero byte. */
export function fromCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Reads a string that C owns, at most `lengthMax` bytes of it. */
export function cStringAt(address: number, lengthMax: number): string {
  const { library } = openLibc();
  // One byte at a time: the memory behind the zero byte may not be ours.
  let length = 0;
  while (
    length < lengthMax &&
    new Uint8Array(library.bufferAt(address + length, 1))[0] !== 0
  ) length++;
  if (length === 0) return "";
  return decoder.decode(new Uint8Array(library.bufferAt(address, length)));
}
