// libzmq: none · runs on: any · RFC: –
/**
 * The event loops: what `@purezmq/zmq/poller` has of this folder.
 *
 * @module
 */

export { type ErrorCode } from "../base/error_codes.ts";
export { ZmqError, type ZmqErrorOptions } from "../base/errors.ts";
export { EventLoop, type EventLoopOptions } from "./event_loop.ts";
export {
  AsyncEventLoop,
  type AsyncEventLoopOptions,
  type LoopEvent,
} from "./async_event_loop.ts";
export type { WakeHandle } from "./loop_core.ts";
export { EventLoopError, type EventLoopSubject } from "./event_loop_error.ts";
export type { LoopSource } from "./loop_host.ts";
export type { LoopTimer } from "./loop_timer.ts";
export type {
  Interest,
  Watch,
  WatchHandlers,
  WatchOptions,
} from "./descriptor_watch.ts";
export type { FileChange, FileChangeKind } from "./file_source.ts";
export type { PollerKind, Trigger } from "../poller/poller.ts";
export type { ProcessExit } from "./process_source.ts";
export { SignalRelay, type SignalRelayHandle } from "./signal_relay.ts";
export type { SignalEvent } from "./signal_source.ts";
export {
  acceptConnection,
  closeDescriptor,
  connectTcp,
  listenTcp,
  receiveBytes,
  sendBytes,
  type TcpListener,
} from "./socket_calls.ts";
