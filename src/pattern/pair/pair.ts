// libzmq: pair.{hpp,cpp} · runs on: app thread · RFC: 31

import { FRAME_COMMAND } from "../../base/frame_header.ts";
import type {
  Pattern,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import { nameOf, pipeNamed } from "../saved_pipes.ts";

interface PairState {
  readonly pipe: number;
}

/** PAIR: one peer, both ways. */
export class Pair implements Pattern {
  #pipe: Pipe | null;

  constructor() {
    this.#pipe = null;
  }

  attach(pipe: Pipe): void {
    // RFC 31, "The PAIR Socket Type": a second peer is refused.
    if (this.#pipe === null) this.#pipe = pipe;
    else pipe.terminate(false);
  }

  // With one pipe there is nothing to keep account of: it is asked each time.
  readActivated(): void {}
  writeActivated(): void {}
  hiccuped(): void {}

  pipeTerminated(pipe: Pipe): void {
    if (pipe === this.#pipe) this.#pipe = null;
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    const pipe = this.#pipe;
    return pipe !== null && pipe.checkWrite() && pipe.write(parts, 0, count);
  }

  trySendBytes(bytes: Uint8Array): boolean {
    return this.#pipe !== null && this.#pipe.writeBytes(bytes);
  }

  tryReceive(out: Received): boolean {
    if (!this.hasIn()) return false;
    out.takeRest(this.#pipe as Pipe);
    return true;
  }

  tryReceiveBytes(): Uint8Array | null {
    return this.#pipe === null ? null : this.#pipe.takeBytes();
  }

  hasIn(): boolean {
    const pipe = this.#pipe;
    if (pipe === null) return false;
    while (pipe.checkRead()) {
      if ((pipe.frameFlags & FRAME_COMMAND) === 0) return true;
      // A subscription that went astray (inproc checks no socket types).
      pipe.skipFrame();
    }
    return false;
  }

  hasOut(): boolean {
    return this.#pipe !== null && this.#pipe.checkWrite();
  }

  save(): PatternState {
    const state: PairState = { pipe: nameOf(this.#pipe) };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    this.#pipe = pipeNamed(pipes, (state as PairState).pipe);
  }
}
