// libzmq: none · runs on: app thread · RFC: 23 (Framing)

import { ZmqError } from "../base/errors.ts";
import { headerSize } from "../base/frame_header.ts";
import type { OutPart } from "./pipe_contract.ts";

/** Octets of a message with its frame headers. */
export function encodedSize(parts: readonly OutPart[], count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const part = parts[i] as OutPart;
    const size = part instanceof Uint8Array ? part.length : part.size;
    total += headerSize(size) + size;
  }
  return total;
}

/** @throws {ZmqError} EMSGSIZE: no endpoint of the socket could take it whole. */
export function checkMessageSize(
  parts: readonly OutPart[],
  count: number,
  sizeMax: number,
): void {
  const size = encodedSize(parts, count);
  if (size <= sizeMax) return;
  throw new ZmqError("EMSGSIZE", {
    message: `Message too long: ${size} bytes with its headers, and the ring ` +
      `of a shm:// endpoint has ${sizeMax}; bind with more slots or larger ones`,
  });
}
