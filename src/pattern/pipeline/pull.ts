// libzmq: pull.{hpp,cpp} · runs on: app thread · RFC: 30

import { ZmqError } from "../../base/errors.ts";
import type {
  Pattern,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { FairQueue } from "../fair_queue.ts";

/** PULL: takes messages from its peers, in turn. */
export class Pull implements Pattern {
  readonly #fairQueue: FairQueue;

  constructor() {
    this.#fairQueue = new FairQueue();
  }

  attach(pipe: Pipe): void {
    this.#fairQueue.attach(pipe);
  }

  readActivated(pipe: Pipe): void {
    this.#fairQueue.activated(pipe);
  }

  writeActivated(): void {}
  hiccuped(): void {}

  pipeTerminated(pipe: Pipe): void {
    this.#fairQueue.pipeTerminated(pipe);
  }

  trySend(): boolean {
    throw new ZmqError("ENOTSUP");
  }

  tryReceive(out: Received): boolean {
    const pipe = this.#fairQueue.front();
    if (pipe === null) return false;
    out.takeRest(pipe);
    this.#fairQueue.advance();
    return true;
  }

  tryReceiveBytes(): Uint8Array | null {
    return this.#fairQueue.takeBytes();
  }

  hasIn(): boolean {
    return this.#fairQueue.front() !== null;
  }

  hasOut(): boolean {
    return false;
  }

  save(): PatternState {
    return this.#fairQueue.save();
  }

  restore(state: PatternState, pipes: PipesByName): void {
    this.#fairQueue.restore(state as SavedTurns, pipes);
  }
}
