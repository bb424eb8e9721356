import { Buffer } from "node:buffer";

/**
 * Bytes of this JS thread's own, not zeroed. A node Buffer, which both
 * runtimes have, so that programs may use its methods.
 */
export function allocateBytes(length: number): Uint8Array {
  return Buffer.allocUnsafeSlow(length);
}
