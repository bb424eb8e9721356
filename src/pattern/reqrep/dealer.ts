// libzmq: dealer.{hpp,cpp} · runs on: app thread · RFC: 28

import type {
  Pattern,
  PatternHost,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { FairQueue } from "../fair_queue.ts";
import { LoadBalancer } from "../load_balancer.ts";
import { writeProbe } from "../out_part.ts";

interface DealerState {
  readonly fairQueue: SavedTurns;
  readonly loadBalancer: SavedTurns;
}

/** DEALER: sends to its peers in turn, receives from them in turn. */
export class Dealer implements Pattern {
  readonly #host: PatternHost;
  readonly #fairQueue: FairQueue;
  readonly #loadBalancer: LoadBalancer;

  constructor(host: PatternHost) {
    this.#host = host;
    this.#fairQueue = new FairQueue();
    this.#loadBalancer = new LoadBalancer();
  }

  attach(pipe: Pipe): void {
    if (this.#host.options.probeRouter) writeProbe(pipe);
    this.#fairQueue.attach(pipe);
    this.#loadBalancer.attach(pipe);
  }

  readActivated(pipe: Pipe): void {
    this.#fairQueue.activated(pipe);
  }

  writeActivated(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  hiccuped(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    this.#fairQueue.pipeTerminated(pipe);
    this.#loadBalancer.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    return this.#loadBalancer.send(parts, 0, count) !== null;
  }

  trySendBytes(bytes: Uint8Array): boolean {
    return this.#loadBalancer.sendBytes(bytes);
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
    return this.#loadBalancer.hasOut();
  }

  save(): PatternState {
    const state: DealerState = {
      fairQueue: this.#fairQueue.save(),
      loadBalancer: this.#loadBalancer.save(),
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as DealerState;
    this.#fairQueue.restore(saved.fairQueue, pipes);
    this.#loadBalancer.restore(saved.loadBalancer, pipes);
  }
}
