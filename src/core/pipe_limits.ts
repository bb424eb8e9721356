// libzmq: session_base.cpp, socket_base.cpp (hwms, conflates) · runs on: any · RFC: –

import { PipeFlag } from "../memory/layout.ts";
import { SocketType } from "../base/socket_type.ts";
import type { SocketOptions } from "../base/options.ts";
import type { PipeLimits } from "./pipe.ts";

/** Whether a socket keeps only the newest message it sends. */
export function conflatesSending(options: SocketOptions): boolean {
  const { type } = options;
  return options.conflate && (type === SocketType.PUSH ||
    type === SocketType.PUB || type === SocketType.DEALER);
}

/** Whether a socket keeps only the newest message it receives. */
export function conflatesReceiving(options: SocketOptions): boolean {
  const { type } = options;
  return options.conflate && (type === SocketType.PULL ||
    type === SocketType.SUB || type === SocketType.DEALER);
}

/** Bounds of a pipe between a socket (first end) and its session. */
export function pipeLimits(options: SocketOptions): PipeLimits {
  return {
    firstSend: options.sendHighWaterMark,
    secondReceive: -1,
    secondSend: -1,
    firstReceive: options.receiveHighWaterMark,
    flags: pipeFlags(options),
  };
}

/** Conflation of a pipe whose first end belongs to the given socket. */
export function pipeFlags(options: SocketOptions): number {
  // Queue n is read by end n: the first end sends into queue 1.
  return (conflatesReceiving(options) ? PipeFlag.CONFLATE_FIRST : 0) |
    (conflatesSending(options) ? PipeFlag.CONFLATE_SECOND : 0);
}
