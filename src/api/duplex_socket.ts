// libzmq: zmq_send(3), zmq_recv(3) · runs on: app thread · RFC: –

import type { MessageLike } from "./message_parts.ts";
import { readOption, writeOption } from "./option_access.ts";
import type { OperationOptions } from "./pending_operation.ts";
import { ReadableSocket } from "./readable_socket.ts";
import { stateOf } from "./socket_settings.ts";
import type { Writable } from "./writable_socket.ts";

/** A socket that can send and receive. */
export abstract class DuplexSocket extends ReadableSocket implements Writable {
  // A class has one parent only, so these members are the same as those of
  // WritableSocket; both only pass calls on.
  /**
   * How many network hops multicast packets survive.
   *
   * Not supported yet: only the default can be set.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   * @default {1}
   */
  get multicastHops(): number {
    return readOption(stateOf(this), "multicastHops") as number;
  }

  set multicastHops(value: number) {
    writeOption(stateOf(this), "multicastHops", value);
  }

  /**
   * The operating system's send buffer for each connection, in bytes; -1 as it
   * likes.
   *
   * @default {-1}
   */
  get sendBufferSize(): number {
    return readOption(stateOf(this), "sendBufferSize") as number;
  }

  set sendBufferSize(value: number) {
    writeOption(stateOf(this), "sendBufferSize", value);
  }

  /**
   * How many messages may be queued for each peer before sending waits or,
   * where the socket's type says so, drops; 0 means no limit. Takes effect at
   * once.
   *
   * @default {1000}
   */
  get sendHighWaterMark(): number {
    return readOption(stateOf(this), "sendHighWaterMark") as number;
  }

  set sendHighWaterMark(value: number) {
    writeOption(stateOf(this), "sendHighWaterMark", value);
  }

  /**
   * How long `send` and `sendSync` wait until the message can be queued, in
   * milliseconds: -1 for ever, 0 not at all. Takes effect at once.
   *
   * @default {-1}
   */
  get sendTimeout(): number {
    return readOption(stateOf(this), "sendTimeout") as number;
  }

  set sendTimeout(value: number) {
    writeOption(stateOf(this), "sendTimeout", value);
  }

  /**
   * Sends a message. It is queued for a peer, or for all of them, by the rules
   * of the socket's type; the promise says that it was queued, not that it has
   * arrived. Only one send may be pending at a time.
   *
   * @param message One part, or an array of the message's parts. An empty
   *   array sends nothing.
   * @param options How to cancel a send that waits.
   * @returns A promise for the message being queued. Rejected with the
   *   signal's reason, or with a {@linkcode ZmqError}: EAGAIN if `sendTimeout`
   *   passed or the socket was closed, EFSM if until then it was not this
   *   socket's turn to send (REQ, REP), EHOSTUNREACH if there is no such peer
   *   or until then was none at all, ETERM, EOWNERDEAD, ENOMEM.
   * @throws {TypeError} There is no message, or it cannot be sent.
   * @throws {ZmqError} EBUSY if a send is pending or a bind is under way,
   *   EMSGSIZE if the message is larger than the ring of a queue (`shm://`) that
   *   the socket is bound to, EBADF if the socket is closed.
   */
  send(
    message: MessageLike | readonly MessageLike[],
    options?: OperationOptions,
  ): Promise<void> {
    return stateOf(this).send(message, options);
  }

  /**
   * Sends a message, blocking the thread for at most `sendTimeout` until it
   * can be queued.
   *
   * @param message One part, or an array of the message's parts.
   * @throws {TypeError} There is no message, or it cannot be sent.
   * @throws {ZmqError} What `send` rejects or throws; EFSM and EHOSTUNREACH at
   *   once.
   */
  sendSync(message: MessageLike | readonly MessageLike[]): void {
    stateOf(this).sendSync(message);
  }

  /**
   * Sends a message if it can be queued now. Never waits.
   *
   * @param message One part, or an array of the message's parts.
   * @returns Whether it was sent.
   * @throws {TypeError} There is no message, or it cannot be sent.
   * @throws {ZmqError} What `send` rejects or throws, except EAGAIN.
   */
  trySend(message: MessageLike | readonly MessageLike[]): boolean {
    return stateOf(this).trySend(message);
  }
}
