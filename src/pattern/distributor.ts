// libzmq: dist.{hpp,cpp} · runs on: app thread · RFC: 29

import type { PatternHost, PipesByName } from "../core/pattern.ts";
import type { OutPart, Pipe } from "../core/pipe_contract.ts";
import { ActiveArray } from "./active_array.ts";
import type { SavedArray } from "./active_array.ts";

class DistributorArray extends ActiveArray {
  indexOf(pipe: Pipe): number {
    return pipe.distIndex;
  }

  setIndex(pipe: Pipe, index: number): void {
    pipe.distIndex = index;
  }
}

/**
 * Copies whole messages to all pipes that match. The array is in four groups:
 * matching, other active, other passive, and passive ones that match (a
 * message they should have had is dropped, or refused under `noDrop`).
 */
export class Distributor {
  readonly #host: PatternHost;
  readonly #pipes: DistributorArray;
  /** How many active pipes match, from the front of the array. */
  #matching: number;
  /** How many passive pipes match, from the end of the array. */
  #blocked: number;

  constructor(host: PatternHost) {
    this.#host = host;
    this.#pipes = new DistributorArray();
    this.#matching = 0;
    this.#blocked = 0;
  }

  /** All pipes; not to be changed. */
  get pipes(): readonly Pipe[] {
    return this.#pipes.items;
  }

  /** Adds a pipe, writable until it says otherwise. */
  attach(pipe: Pipe): void {
    this.unmatch();
    this.#pipes.add(pipe);
  }

  /** Whether the pipe is still here. */
  has(pipe: Pipe): boolean {
    return this.#pipes.has(pipe);
  }

  /** There is room in the pipe again. */
  activated(pipe: Pipe): void {
    this.unmatch();
    this.#pipes.activate(pipe);
  }

  /** Takes the pipe out; nothing happens when it is not here. */
  pipeTerminated(pipe: Pipe): void {
    this.unmatch();
    this.#pipes.remove(pipe);
  }

  /** Forgets what matched. */
  unmatch(): void {
    this.#matching = 0;
    this.#blocked = 0;
  }

  /** Marks a pipe as matching; once is enough, twice does no harm. */
  match(pipe: Pipe): void {
    const pipes = this.#pipes;
    const index = pipe.distIndex;
    if (index < this.#matching) return;
    if (index < pipes.active) {
      pipes.swap(index, this.#matching);
      this.#matching++;
      return;
    }
    const end = pipes.items.length - this.#blocked;
    if (index >= end) return;
    pipes.swap(index, end - 1);
    this.#blocked++;
  }

  /** Marks every active pipe as matching. */
  matchAll(): void {
    this.#matching = this.#pipes.active;
    this.#blocked = this.#pipes.items.length - this.#pipes.active;
  }

  /** Matching pipes no longer match and all others do. */
  reverseMatch(): void {
    const pipes = this.#pipes;
    const before = this.#matching;
    this.#matching = 0;
    for (let index = before; index < pipes.active; index++) {
      pipes.swap(index, this.#matching);
      this.#matching++;
    }
    // Only the count of this group is ever used, so nobody has to move.
    this.#blocked = pipes.items.length - pipes.active - this.#blocked;
  }

  /** Whether every pipe that matches has room. */
  checkWrite(): boolean {
    if (this.#blocked > 0) return false;
    for (let index = 0; index < this.#matching; index++) {
      const pipe = this.#pipes.items[index] as Pipe;
      // The pipe stays active: it has to match again when the send is retried.
      if (!pipe.checkWrite()) return false;
    }
    return true;
  }

  /**
   * Sends one message to the matching pipes and forgets what matched. A pipe
   * without room misses the message and is passive until `activated`.
   */
  send(parts: readonly OutPart[], from: number, count: number): void {
    if (this.#matching > 1) {
      this.#sendShared(parts, from, count);
    } else if (this.#matching === 1) {
      this.#sendToMatching(parts, from, count);
    }
    this.unmatch();
  }

  /** Members; what matches is forgotten between two messages anyway. */
  save(): SavedArray {
    return this.#pipes.save();
  }

  /** Goes on where another one, now saved, stopped. */
  restore(saved: SavedArray, pipes: PipesByName): void {
    this.#pipes.restore(saved, pipes);
  }

  #sendShared(parts: readonly OutPart[], from: number, count: number): void {
    const host = this.#host;
    if (host.share === undefined) {
      this.#sendToMatching(parts, from, count);
      return;
    }
    const shared = host.share(parts, from + count);
    this.#sendToMatching(shared, from, count);
    if (shared !== parts) host.unshare?.(shared, parts);
  }

  #sendToMatching(
    parts: readonly OutPart[],
    from: number,
    count: number,
  ): void {
    const pipes = this.#pipes;
    let index = 0;
    while (index < this.#matching) {
      const pipe = pipes.items[index] as Pipe;
      if (pipe.checkWrite() && pipe.write(parts, from, count)) {
        index++;
        continue;
      }
      this.#matching--;
      pipes.swap(index, this.#matching);
      pipes.deactivate(this.#matching);
    }
  }
}
