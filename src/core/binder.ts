// libzmq: socket_base.cpp (bind) · runs on: app thread · RFC: –

import type { Endpoint } from "../base/endpoint.ts";
import type { SocketOptions } from "../base/options.ts";

/**
 * What an I/O thread was handed that is more than a descriptor: when the thread
 * dies, others would go on to take it for alive.
 */
export interface Lease {
  /** Above 0; tells it from what has the same descriptor's number later. */
  readonly number: number;
  /** Whether it has not come to its end yet. */
  readonly held: boolean;
  /** Ends it in the place of the thread, which is no more. */
  end(): void;
}

/** A listening descriptor, made where its errors can be thrown. */
export interface Listening {
  fd: number;
  /** The endpoint with wildcards resolved. */
  endpoint: string;
  /** Whether the path of a Unix-domain socket goes with its listener. */
  temporary: boolean;
  /** Octets of a message with its frame headers at most; no limit if absent. */
  messageBytesMax?: number;
  /** What is to be ended even if its I/O thread cannot. */
  lease?: Lease;
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
}
