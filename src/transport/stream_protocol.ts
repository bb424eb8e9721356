// libzmq: none · runs on: any · RFC: –

import type { SocketOptions } from "../base/options.ts";

/** Where to connect to, resolved. */
export interface StreamTarget {
  readonly family: number;
  readonly sockaddr: Uint8Array;
  /** Local address to connect from, or null. */
  readonly source: Uint8Array | null;
}

/** What differs between the stream transports. */
export interface StreamProtocol {
  readonly protocols: readonly string[];
  /** Sets the options of a connection; both sides. */
  tune(fd: number, options: SocketOptions): void;
  /**
   * Sets what must be set before connecting.
   *
   * @returns A negative errno when it is not to be done without.
   */
  tuneConnecting(fd: number, options: SocketOptions): number;
  /** Whether both ends of a connection are the same socket. */
  isSelfConnection(fd: number): boolean;
  /** The peer as text, for messages and monitors. */
  peerText(fd: number): string;
}
