// libzmq: config.hpp (in_batch_size, out_batch_size) · runs on: io thread · RFC: –

import { addressOf, IoVector } from "../../ffi/mod.ts";

/** Bytes taken from a connection by one call. */
export const READ_BYTES_MAX: number = 64 * 1024;

/**
 * Bytes taken behind a large body by the call that may complete it: another
 * large one that follows is to be received into its own block, not copied.
 */
export const BEHIND_BYTES_MAX = 4096;

/** Stretches handed to the kernel by one call. */
export const SPANS_MAX = 64;

/** Who may have left unparsed bytes in the scratch. */
export interface ScratchTenant {
  /** Takes them out: somebody else reads now. */
  moveOut(): void;
}

/** Buffers that all engines of one I/O worker share, one after the other. */
export class EngineBuffers {
  /**
   * What was read; the unparsed rest of the read before comes first. That rest
   * stays here until another engine reads: a busy connection whose socket is
   * slow would else copy it out and in again at every turn.
   */
  readonly scratch: Uint8Array = new Uint8Array(2 * READ_BYTES_MAX);
  readonly scratchAddress: number = addressOf(this.scratch);
  readonly input: IoVector = new IoVector(2);
  readonly output: IoVector = new IoVector(SPANS_MAX);
  #tenant: ScratchTenant | null = null;

  /** Gives the scratch to an engine that is about to read. */
  claim(engine: ScratchTenant): void {
    if (this.#tenant === engine) return;
    this.#tenant?.moveOut();
    this.#tenant = engine;
  }

  /** The engine has ended; nothing of it is left here. */
  leave(engine: ScratchTenant): void {
    if (this.#tenant === engine) this.#tenant = null;
  }
}
