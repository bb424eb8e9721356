// libzmq: array.hpp · runs on: app thread · RFC: –

import type { PipesByName } from "../core/pattern.ts";
import type { Pipe } from "../core/pipe_contract.ts";
import { namesOf, pipesNamed } from "./saved_pipes.ts";

/** An {@link ActiveArray} on its way to another thread. */
export interface SavedArray {
  /** All pipes, the active ones first. */
  readonly pipes: readonly number[];
  readonly active: number;
}

/** An array of which one pipe has its turn, on its way to another thread. */
export interface SavedTurns extends SavedArray {
  readonly current: number;
}

/**
 * Pipes in two groups, the active ones in front. Each pipe carries its own
 * place, so finding, moving and removing one is O(1). A pipe may be in several
 * such arrays, one for each place field; subclasses name the field.
 */
export abstract class ActiveArray {
  /** All pipes; `items[0]` to `items[active - 1]` are the active ones. */
  readonly items: Pipe[];
  /** How many pipes are active. */
  active: number;

  constructor() {
    this.items = [];
    this.active = 0;
  }

  /** The place a pipe says it has; -1 when in no array. */
  abstract indexOf(pipe: Pipe): number;
  /** Notes a pipe's place in the pipe. */
  abstract setIndex(pipe: Pipe, index: number): void;

  /** Adds a pipe, active. */
  add(pipe: Pipe): void {
    this.setIndex(pipe, this.items.length);
    this.items.push(pipe);
    this.activate(pipe);
  }

  /** Whether the pipe is here, active or not. */
  has(pipe: Pipe): boolean {
    const index = this.indexOf(pipe);
    return index >= 0 && this.items[index] === pipe;
  }

  /** Makes a pipe active; nothing happens when it is, or is not here. */
  activate(pipe: Pipe): void {
    if (!this.has(pipe)) return;
    const index = this.indexOf(pipe);
    if (index < this.active) return;
    this.swap(index, this.active);
    this.active++;
  }

  /** Makes the active pipe at a place passive; the last active one moves in. */
  deactivate(index: number): void {
    this.active--;
    this.swap(index, this.active);
  }

  /** Takes a pipe out; nothing happens when it is not here. */
  remove(pipe: Pipe): void {
    if (!this.has(pipe)) return;
    if (this.indexOf(pipe) < this.active) this.deactivate(this.indexOf(pipe));
    this.swap(this.indexOf(pipe), this.items.length - 1);
    this.items.pop();
    this.setIndex(pipe, -1);
  }

  /** Members, order and activity. */
  save(): SavedArray {
    return { pipes: namesOf(this.items), active: this.active };
  }

  /** Makes an empty array what another one was. */
  restore(saved: SavedArray, pipes: PipesByName): void {
    for (const pipe of pipesNamed(pipes, saved.pipes)) {
      this.setIndex(pipe, this.items.length);
      this.items.push(pipe);
    }
    this.active = saved.active;
  }

  /** Exchanges two pipes. */
  swap(a: number, b: number): void {
    if (a === b) return;
    const items = this.items;
    const pipeA = items[a] as Pipe;
    const pipeB = items[b] as Pipe;
    items[a] = pipeB;
    items[b] = pipeA;
    this.setIndex(pipeB, a);
    this.setIndex(pipeA, b);
  }
}
