// libzmq: none · runs on: any · RFC: –

import type { Poller } from "../poller/poller.ts";

/** What the sources of a loop need of it. */
export interface LoopHost {
  readonly poller: Poller;
  readonly closed: boolean;
  /** Calls a user's callback; what it throws is told after the turn. */
  tell<T>(callback: (argument: T) => void, argument: T): void;
  /** A source that is open counts in the loop's load, and ends with it. */
  sourceOpened(source: LoopSource): void;
  /** What the loop waits for has changed. */
  changed(): void;
  sourceClosed(source: LoopSource): void;
}

/** Something that a loop waits for, until it is closed. */
export interface LoopSource extends Disposable {
  /** False from {@linkcode LoopSource.close} on, or when it ended by itself. */
  readonly active: boolean;
  /** Ends it: its callback is not called any more. Twice does nothing. */
  close(): void;
}

/** What all sources have in common. */
export abstract class OpenSource implements LoopSource {
  readonly #loop: LoopHost;
  #active = true;
  #dropped = false;

  constructor(loop: LoopHost) {
    this.#loop = loop;
    loop.sourceOpened(this);
  }

  get active(): boolean {
    return this.#active;
  }

  /** Whether it was closed: what it has told is not wanted any more. */
  get dropped(): boolean {
    return this.#dropped;
  }

  close(): void {
    this.#dropped = true;
    this.end();
  }

  /** Ends by itself, with something to tell of that. */
  protected end(): void {
    if (!this.#active) return;
    this.#active = false;
    this.release();
    this.#loop.sourceClosed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Lets go of what was opened; called once. */
  protected abstract release(): void;
}
