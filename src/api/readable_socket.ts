// libzmq: zmq_recv(3) · runs on: app thread · RFC: –

import type { Message } from "../memory/message.ts";
import { MessageIterator } from "./message_iterator.ts";
import { readOption, writeOption } from "./option_access.ts";
import { type OperationOptions, ReceiveForm } from "./pending_operation.ts";
import { Socket } from "./socket.ts";
import { stateOf } from "./socket_settings.ts";

/** The parts of a received message: at least one. Buffers at run time. */
export type MessageParts = [
  Uint8Array<ArrayBuffer>,
  ...Uint8Array<ArrayBuffer>[],
];

/** The parts of a message received without a copy: at least one. */
export type Messages = [Message, ...Message[]];

/**
 * What all sockets have that can receive.
 *
 * @typeParam M What is received.
 */
export interface Readable<M extends object[] = MessageParts> {
  /** See {@linkcode ReadableSocket.receiveBufferSize}. */
  receiveBufferSize: number;
  /** See {@linkcode ReadableSocket.receiveHighWaterMark}. */
  receiveHighWaterMark: number;
  /** See {@linkcode ReadableSocket.receiveTimeout}. */
  receiveTimeout: number;
  /**
   * See {@linkcode ReadableSocket.receive}.
   *
   * @returns A promise for the message's parts.
   */
  receive(): Promise<M>;
  /**
   * Receives messages in a `for await` loop.
   *
   * @returns An iterator over received messages.
   */
  [Symbol.asyncIterator](): AsyncIterator<M, undefined>;
}

/** A socket that can receive. */
export abstract class ReadableSocket extends Socket implements Readable {
  /**
   * The operating system's receive buffer for each connection, in bytes; -1 as
   * it likes.
   *
   * @default {-1}
   */
  get receiveBufferSize(): number {
    return readOption(stateOf(this), "receiveBufferSize") as number;
  }

  set receiveBufferSize(value: number) {
    writeOption(stateOf(this), "receiveBufferSize", value);
  }

  /**
   * How many received messages may be queued for each peer before no more are
   * taken from it; 0 means no limit. Takes effect at once.
   *
   * @default {1000}
   */
  get receiveHighWaterMark(): number {
    return readOption(stateOf(this), "receiveHighWaterMark") as number;
  }

  set receiveHighWaterMark(value: number) {
    writeOption(stateOf(this), "receiveHighWaterMark", value);
  }

  /**
   * How long `receive` and `receiveSync` wait for a message, in milliseconds:
   * -1 for ever, 0 not at all. Takes effect at once.
   *
   * @default {-1}
   */
  get receiveTimeout(): number {
    return readOption(stateOf(this), "receiveTimeout") as number;
  }

  set receiveTimeout(value: number) {
    writeOption(stateOf(this), "receiveTimeout", value);
  }

  /**
   * Receives a message. Only one receive may be pending at a time; it keeps
   * the program running.
   *
   * @param options How to cancel a receive that waits.
   * @returns A promise for the message's parts, which belong to the caller.
   *   They are Buffers at run time, and may share memory with other received
   *   parts, so do not transfer their `buffer`. Rejected with the signal's
   *   reason, or with a {@linkcode ZmqError}: EAGAIN if `receiveTimeout`
   *   passed or the socket was closed, EFSM if until then it was not this
   *   socket's turn to receive (REQ, REP), ETERM, EOWNERDEAD.
   * @throws {TypeError} The options are no options.
   * @throws {ZmqError} EBUSY if a receive is pending or a bind is under way,
   *   EBADF if the socket is closed.
   */
  receive(options?: OperationOptions): Promise<MessageParts> {
    return stateOf(this).receive(ReceiveForm.PARTS, options) as Promise<
      MessageParts
    >;
  }

  /**
   * Receives a message, blocking the thread for at most `receiveTimeout`.
   *
   * @returns The message's parts, as those of `receive`.
   * @throws {ZmqError} What `receive` rejects or throws; EFSM at once, since a
   *   thread that blocks cannot make it its turn.
   */
  receiveSync(): MessageParts {
    return stateOf(this).receiveSync(ReceiveForm.PARTS) as MessageParts;
  }

  /**
   * Receives a message that is there already. Never waits.
   *
   * @returns The message's parts, as those of `receive`, or `undefined` if
   *   there is no message.
   * @throws {ZmqError} What `receive` rejects or throws, except EAGAIN.
   */
  tryReceive(): MessageParts | undefined {
    return stateOf(this).tryReceive(ReceiveForm.PARTS) as
      | MessageParts
      | undefined;
  }

  /**
   * Receives a message without copying its parts. They hold memory of the
   * context until they are released.
   *
   * @param options How to cancel a receive that waits.
   * @returns A promise for the message's parts, each to be released or sent.
   *   Rejected as that of `receive`.
   * @throws {TypeError} The options are no options.
   * @throws {ZmqError} EBUSY if a receive is pending or a bind is under way,
   *   EBADF if the socket is closed.
   */
  receiveMessage(options?: OperationOptions): Promise<Messages> {
    return stateOf(this).receive(ReceiveForm.MESSAGES, options) as Promise<
      Messages
    >;
  }

  /**
   * Receives a message without copying its parts, blocking the thread for at
   * most `receiveTimeout`.
   *
   * @returns The message's parts, each to be released or sent.
   * @throws {ZmqError} What `receive` rejects or throws.
   */
  receiveMessageSync(): Messages {
    return stateOf(this).receiveSync(ReceiveForm.MESSAGES) as Messages;
  }

  /**
   * Receives a message that is there already, without copying its parts.
   *
   * @returns The message's parts, each to be released or sent, or `undefined`
   *   if there is no message.
   * @throws {ZmqError} What `receive` rejects or throws, except EAGAIN.
   */
  tryReceiveMessage(): Messages | undefined {
    return stateOf(this).tryReceive(ReceiveForm.MESSAGES) as
      | Messages
      | undefined;
  }

  /**
   * Receives messages in a `for await` loop, until the socket is closed.
   * Leaving the loop does not close it.
   *
   * @returns An iterator over received messages. Its promises are rejected as
   *   those of `receive`, except that it is done when the socket is closed;
   *   EFSM all the same if until then it was not this socket's turn to receive.
   */
  [Symbol.asyncIterator](): AsyncIterator<MessageParts, undefined> {
    return new MessageIterator<MessageParts>(stateOf(this), this);
  }
}
