// libzmq: none · runs on: app thread · RFC: –

import { clearImmediate, setImmediate } from "node:timers";
import type { ZmqError } from "../base/errors.ts";

/** What every waiting operation takes besides its message. */
export interface OperationOptions {
  /**
   * Cancels the operation: its promise is rejected with the signal's reason.
   * A cancelled send has sent nothing and a cancelled receive has taken
   * nothing.
   */
  readonly signal?: AbortSignal;
}

/**
 * A send or receive that could not proceed at once, with everything that may
 * end it. Whoever ends it calls `finish` first, which undoes all of that.
 *
 * Owner: the thread of its socket.
 */
export class PendingOperation {
  /** What the application awaits. */
  readonly promise: Promise<unknown>;
  /** What to hand out in the end. */
  readonly form: ReceiveForm;
  /**
   * What the last attempt said, where that only holds until the socket's state
   * changes; null when it just would have blocked.
   */
  refusal: ZmqError | null;
  /** True until the event loop has turned, when fairness asked for that. */
  deferred = false;

  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: ReturnType<typeof setImmediate> | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  /** Makes the promise; nothing can end it yet. */
  constructor(form: ReceiveForm, refusal: ZmqError | null = null) {
    this.form = form;
    this.refusal = refusal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Calls back after a time, if that is limited (a negative one is not). */
  expireAfter(milliseconds: number, onExpired: () => void): void {
    if (milliseconds < 0) return;
    this.#timer = setTimeout(onExpired, milliseconds);
  }

  /** Calls back when the signal is aborted. */
  abortOn(signal: AbortSignal, onAbort: () => void): void {
    this.#signal = signal;
    this.#onAbort = onAbort;
    signal.addEventListener("abort", onAbort, { once: true });
  }

  /** Lets the event loop turn once before anything is tried. */
  deferTurn(onTurn: () => void): void {
    this.deferred = true;
    this.#turn = setImmediate(onTurn);
  }

  /** Takes back every callback that was asked for. */
  finish(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    if (this.#signal !== undefined && this.#onAbort !== undefined) {
      this.#signal.removeEventListener("abort", this.#onAbort);
    }
    this.#timer =
      this.#turn =
      this.#signal =
      this.#onAbort =
        undefined;
  }

  /** Fulfils the promise. */
  resolve(value: unknown): void {
    this.#resolve(value);
  }

  /** Rejects the promise. */
  reject(reason: unknown): void {
    this.#reject(reason);
  }
}

/** What a receive hands out: parts, Messages, or an iterator's result. */
export const ReceiveForm = { PARTS: 0, MESSAGES: 1, ITERATION: 2 } as const;

/** One of the numbers in `ReceiveForm`. */
export type ReceiveForm = typeof ReceiveForm[keyof typeof ReceiveForm];
