// libzmq: socket_base.cpp (bind) · runs on: app thread · RFC: –

import type { Endpoint } from "../base/endpoint.ts";
import type { SocketOptions } from "../base/options.ts";

/** A listening descriptor, made where its errors can be thrown. */
export interface Listening {
  fd: number;
  /** The endpoint with wildcards resolved. */
  endpoint: string;
  /** Whether the path of a Unix-domain socket goes with its listener. */
  temporary: boolean;
  /** Octets of a message with its frame headers at most; no limit if absent. */
  messageBytesMax?: number;
  /**
   * Above 0 for what is more than a descriptor: when its I/O thread dies, others
   * would go on to take it for alive, until {@link Binder.endLease} is called.
   * Tells it from what has the descriptor's number later.
   */
  lease?: number;
  /** Undoes it all, when no listener can be made for it. */
  discard(): void;
}

/**
 * How one protocol makes listening descriptors. Apart from its
 * {@link ./transport.ts | transport}, which only I/O threads load.
 */
export interface Binder {
  readonly protocols: readonly string[];
  /**
   * Looks at what an endpoint's text does not show, such as how long a path may
   * be on this system, or which sockets may connect: at a connect, later errors
   * have nowhere to go.
   *
   * @throws {ZmqError} What the system would say.
   */
  check?(endpoint: Endpoint, options: SocketOptions): void;
  /**
   * Binds and listens.
   *
   * @throws {ZmqError} The operating system's refusal.
   */
  listen(endpoint: Endpoint, options: SocketOptions): Listening;
  /**
   * Ends a lease in the place of the thread, which is no more. Does nothing
   * when that is no lease of this binder, or has ended.
   */
  endLease?(fd: number, lease: number): void;
}
