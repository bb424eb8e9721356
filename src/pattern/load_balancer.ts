// libzmq: lb.{hpp,cpp} · runs on: app thread · RFC: 28, 30

import type { PipesByName } from "../core/pattern.ts";
import type { OutPart, Pipe } from "../core/pipe_contract.ts";
import { ActiveArray } from "./active_array.ts";
import type { SavedTurns } from "./active_array.ts";

class LoadBalancerArray extends ActiveArray {
  indexOf(pipe: Pipe): number {
    return pipe.lbIndex;
  }

  setIndex(pipe: Pipe, index: number): void {
    pipe.lbIndex = index;
  }
}

/**
 * Gives whole messages to pipes in turn. A pipe without room becomes passive
 * until `activated`.
 */
export class LoadBalancer {
  readonly #pipes: LoadBalancerArray;
  /** Place of the pipe whose turn it is. */
  #current: number;

  constructor() {
    this.#pipes = new LoadBalancerArray();
    this.#current = 0;
  }

  /** Adds a pipe, writable until it says otherwise. */
  attach(pipe: Pipe): void {
    this.#pipes.add(pipe);
  }

  /** There is room in the pipe again. */
  activated(pipe: Pipe): void {
    this.#pipes.activate(pipe);
  }

  /** Takes the pipe out; nothing happens when it is not here. */
  pipeTerminated(pipe: Pipe): void {
    this.#pipes.remove(pipe);
    if (this.#current >= this.#pipes.active) this.#current = 0;
  }

  /** Whether some pipe has room for a message. */
  hasOut(): boolean {
    const pipes = this.#pipes;
    while (pipes.active > 0) {
      if ((pipes.items[this.#current] as Pipe).checkWrite()) return true;
      this.#deactivateCurrent();
    }
    return false;
  }

  /** Sends one message; gives the pipe that took it, `null` if none could. */
  send(parts: readonly OutPart[], from: number, count: number): Pipe | null {
    let refused = 0;
    while (refused < this.#pipes.active && this.hasOut()) {
      const pipe = this.#pipes.items[this.#current] as Pipe;
      const written = pipe.write(parts, from, count);
      if (written || pipe.checkWrite()) {
        this.#advance();
        if (written) return pipe;
        // It has credit, but no memory for this message: a smaller one may
        // still fit.
        refused++;
      } else this.#deactivateCurrent();
    }
    return null;
  }

  /** Sends a message of one part, if the pipe whose turn it is has room. */
  sendBytes(bytes: Uint8Array): boolean {
    const pipes = this.#pipes;
    if (pipes.active === 0) return false;
    if (!(pipes.items[this.#current] as Pipe).writeBytes(bytes)) return false;
    this.#advance();
    return true;
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

  #advance(): void {
    const next = this.#current + 1;
    this.#current = next < this.#pipes.active ? next : 0;
  }

  #deactivateCurrent(): void {
    this.#pipes.deactivate(this.#current);
    if (this.#current >= this.#pipes.active) this.#current = 0;
  }
}
