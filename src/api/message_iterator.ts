// libzmq: none · runs on: app thread · RFC: –

import { ReceiveForm } from "./pending_operation.ts";
import type { SocketState } from "./socket_state.ts";

/**
 * Receives one message after the other. Made by hand, because an async
 * generator would add promises of its own to each message.
 *
 * @typeParam M A message.
 */
export class MessageIterator<M> implements AsyncIterableIterator<M, undefined> {
  readonly #state: SocketState;
  /**
   * The public socket: a program that goes on iterating uses it, although
   * nothing but this iterator may refer to it any more.
   */
  protected readonly owner: object;

  /**
   * Iterates over what the socket receives.
   *
   * @param owner The public socket.
   */
  constructor(state: SocketState, owner: object) {
    this.#state = state;
    this.owner = owner;
  }

  /** The next message. */
  next(): Promise<IteratorResult<M, undefined>> {
    const state = this.#state;
    if (state.closed) return Promise.resolve({ value: undefined, done: true });
    try {
      return state.receive(ReceiveForm.ITERATION) as Promise<
        IteratorResult<M, undefined>
      >;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}
