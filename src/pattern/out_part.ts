// libzmq: none · runs on: app thread · RFC: –

import type { OutPart, Pipe } from "../core/pipe_contract.ts";

/** A part without octets. Shared by all: typed arrays of length 0 are constant. */
export const EMPTY_PART: Uint8Array = new Uint8Array(0);

const PROBE: readonly OutPart[] = [EMPTY_PART];

/** Sends an empty message, by which a ROUTER learns of this peer. */
export function writeProbe(pipe: Pipe): void {
  if (pipe.checkWrite()) pipe.write(PROBE, 0, 1);
}

/** The octets of a part, whichever kind it is. */
export function bytesOf(part: OutPart): Uint8Array {
  return part instanceof Uint8Array ? part : part.bytes;
}

/**
 * A message with frames of our own in front of the user's. The array is used
 * again for every message, so that sending allocates nothing.
 */
export class Envelope {
  readonly parts: OutPart[];
  count: number;

  constructor() {
    this.parts = [];
    this.count = 0;
  }

  /** Adds a part behind the others. */
  push(part: OutPart): void {
    if (this.count < this.parts.length) this.parts[this.count] = part;
    else this.parts.push(part);
    this.count++;
  }

  /** Adds the first `count` parts of a message. */
  pushAll(parts: readonly OutPart[], count: number): void {
    for (let i = 0; i < count; i++) this.push(parts[i] as OutPart);
  }

  /** Forgets the parts, so that the user's memory is not kept. */
  clear(): void {
    for (let i = 0; i < this.count; i++) this.parts[i] = EMPTY_PART;
    this.count = 0;
  }
}
