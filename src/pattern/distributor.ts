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
    const shared = this.#share(parts, from + count);
    try {
      this.#sendToMatching(shared, from, count);
    } finally {
      this.#unshare(shared, parts);
      this.unmatch();
    }
  }

  /**
   * Sends one message to all matching pipes or, when one of them has no room or
   * no memory for it, to none of them. Forgets what matched.
   */
  sendToAll(parts: readonly OutPart[], from: number, count: number): boolean {
    if (!this.checkWrite()) {
      this.unmatch();
      return false;
    }
    const bytes = loneBytes(parts, from, count);
    if (bytes !== null && this.#bytesToAll(bytes)) {
      this.unmatch();
      return true;
    }
    const shared = this.#share(parts, from + count);
    try {
      return this.#sendToAll(shared, from, count);
    } finally {
      this.#unshare(shared, parts);
      this.unmatch();
    }
  }

  /** Members; what matches is forgotten between two messages anyway. */
  save(): SavedArray {
    return this.#pipes.save();
  }

  /** Goes on where another one, now saved, stopped. */
  restore(saved: SavedArray, pipes: PipesByName): void {
    this.#pipes.restore(saved, pipes);
  }

  #share(parts: readonly OutPart[], count: number): readonly OutPart[] {
    if (this.#matching < 2) return parts;
    return this.#host.share?.(parts, count) ?? parts;
  }

  #unshare(shared: readonly OutPart[], parts: readonly OutPart[]): void {
    if (shared !== parts) this.#host.unshare?.(shared, parts);
  }

  /** Writes to all if all can take it without more ado, else to none. */
  #bytesToAll(bytes: Uint8Array): boolean {
    const { items } = this.#pipes;
    const matching = this.#matching;
    for (let i = 0; i < matching; i++) {
      if (!(items[i] as Pipe).hasRoomFor(bytes)) return false;
    }
    for (let i = 0; i < matching; i++) (items[i] as Pipe).writeBytes(bytes);
    return true;
  }

  #sendToAll(parts: readonly OutPart[], from: number, count: number): boolean {
    const { items } = this.#pipes;
    const matching = this.#matching;
    let prepared = 0;
    try {
      while (
        prepared < matching &&
        (items[prepared] as Pipe).prepare(parts, from, count)
      ) prepared++;
    } finally {
      // Also when a part throws.
      if (prepared < matching) {
        for (let i = 0; i < prepared; i++) (items[i] as Pipe).rollback();
      }
    }
    if (prepared < matching) return false;
    for (let i = 0; i < matching; i++) (items[i] as Pipe).commit();
    return true;
  }

  #sendToMatching(
    parts: readonly OutPart[],
    from: number,
    count: number,
  ): void {
    const pipes = this.#pipes;
    // What goes to several pipes is written by the I/O workers, side by side.
    const isFanOut = this.#matching > 1;
    const bytes = loneBytes(parts, from, count);
    let index = 0;
    while (index < this.#matching) {
      const pipe = pipes.items[index] as Pipe;
      const written = (bytes !== null && pipe.writeBytes(bytes)) ||
        (pipe.checkWrite() &&
          (isFanOut
            ? queueMessage(pipe, parts, from, count)
            : pipe.write(parts, from, count)));
      if (written) {
        index++;
        continue;
      }
      this.#matching--;
      pipes.swap(index, this.#matching);
      pipes.deactivate(this.#matching);
    }
  }
}

/** The only part of a message, if that is bytes of the user's own. */
function loneBytes(
  parts: readonly OutPart[],
  from: number,
  count: number,
): Uint8Array | null {
  const first = parts[from];
  return count === 1 && first instanceof Uint8Array ? first : null;
}

/** Writes a message into a pipe, never to the connection behind it. */
function queueMessage(
  pipe: Pipe,
  parts: readonly OutPart[],
  from: number,
  count: number,
): boolean {
  if (!pipe.prepare(parts, from, count)) return false;
  pipe.commit();
  return true;
}
