// libzmq: push.{hpp,cpp} · runs on: app thread · RFC: 30

import { ZmqError } from "../../base/errors.ts";
import type { Pattern, PatternState, PipesByName } from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { LoadBalancer } from "../load_balancer.ts";

/** PUSH: gives each message to one of its peers, in turn. */
export class Push implements Pattern {
  readonly #loadBalancer: LoadBalancer;

  constructor() {
    this.#loadBalancer = new LoadBalancer();
  }

  attach(pipe: Pipe): void {
    // Nobody here reads, so nobody would ever see the peer's delimiter.
    pipe.setNoDelay();
    this.#loadBalancer.attach(pipe);
  }

  readActivated(): void {}

  writeActivated(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  hiccuped(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    this.#loadBalancer.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    return this.#loadBalancer.send(parts, 0, count) !== null;
  }

  trySendBytes(bytes: Uint8Array): boolean {
    return this.#loadBalancer.sendBytes(bytes);
  }

  tryReceive(): boolean {
    throw new ZmqError("ENOTSUP");
  }

  hasIn(): boolean {
    return false;
  }

  hasOut(): boolean {
    return this.#loadBalancer.hasOut();
  }

  save(): PatternState {
    return this.#loadBalancer.save();
  }

  restore(state: PatternState, pipes: PipesByName): void {
    this.#loadBalancer.restore(state as SavedTurns, pipes);
  }
}
