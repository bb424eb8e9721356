// libzmq: fq.{hpp,cpp} · runs on: app thread · RFC: 28, 29, 30, 31

import { FRAME_COMMAND } from "../base/frame_header.ts";
import type { PipesByName } from "../core/pattern.ts";
import type { Pipe } from "../core/pipe_contract.ts";
import { ActiveArray } from "./active_array.ts";
import type { SavedTurns } from "./active_array.ts";

class FairQueueArray extends ActiveArray {
  indexOf(pipe: Pipe): number {
    return pipe.fqIndex;
  }

  setIndex(pipe: Pipe, index: number): void {
    pipe.fqIndex = index;
  }
}

/**
 * Takes whole messages from pipes in turn. A pipe found empty becomes passive
 * until `activated`.
 */
export class FairQueue {
  readonly #pipes: FairQueueArray;
  /** Place of the pipe whose turn it is. */
  #current: number;

  constructor() {
    this.#pipes = new FairQueueArray();
    this.#current = 0;
  }

  /** Adds a pipe; it may hold messages already. */
  attach(pipe: Pipe): void {
    this.#pipes.add(pipe);
  }

  /** Something arrived in the pipe. */
  activated(pipe: Pipe): void {
    this.#pipes.activate(pipe);
  }

  /** Takes the pipe out; nothing happens when it is not here. */
  pipeTerminated(pipe: Pipe): void {
    this.#pipes.remove(pipe);
    if (this.#current >= this.#pipes.active) this.#current = 0;
  }

  /**
   * The pipe whose turn it is, with the first frame of a message at its front,
   * or `null`. Call `advance` when the message is taken; until then the answer
   * stays the same.
   */
  front(): Pipe | null {
    const pipes = this.#pipes;
    while (pipes.active > 0) {
      const pipe = pipes.items[this.#current] as Pipe;
      if (!pipe.checkRead()) {
        pipes.deactivate(this.#current);
        if (this.#current >= pipes.active) this.#current = 0;
      } else if ((pipe.frameFlags & FRAME_COMMAND) === 0) {
        return pipe;
      } else {
        // A subscription that went astray (inproc checks no socket types).
        pipe.skipFrame();
      }
    }
    return null;
  }

  /** A message of one part, if the pipe whose turn it is has it in front. */
  takeBytes(): Uint8Array | null {
    const pipes = this.#pipes;
    if (pipes.active === 0) return null;
    const bytes = (pipes.items[this.#current] as Pipe).takeBytes();
    if (bytes !== null) this.advance();
    return bytes;
  }

  /** Members and whose turn it is. */
  save(): SavedTurns {
    return { ...this.#pipes.save(), current: this.#current };
  }

  /** Goes on where another one, now saved, stopped. */
  restore(saved: SavedTurns, pipes: PipesByName): void {
    this.#pipes.restore(saved, pipes);
    this.#current = saved.current;
  }

  /** Ends the turn of the pipe that `front` gave. */
  advance(): void {
    const next = this.#current + 1;
    this.#current = next < this.#pipes.active ? next : 0;
  }
}
