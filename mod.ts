/**
 * ZeroMQ in TypeScript, for Deno and Bun: sockets that carry whole messages
 * within a program, between programs and between computers. It needs no native
 * add-on, and its peers can be any programs that use ZeroMQ.
 *
 * The classes, options and errors are those of zeromq.js (version 6), with
 * additions: calls that block the thread ({@linkcode DuplexSocket.sendSync},
 * {@linkcode ReadableSocket.receiveSync}) or never wait
 * ({@linkcode DuplexSocket.trySend}, {@linkcode ReadableSocket.tryReceive}),
 * waiting for any of several sockets and descriptors ({@linkcode Poller}),
 * `using`, `AbortSignal`, messages without copies ({@linkcode Message}), and
 * sockets that move to another Worker ({@linkcode Socket.detach}).
 *
 * Programs need the permission `--allow-ffi` under Deno, because the package
 * calls the operating system directly. With a copy of the package on the disk
 * they need `--allow-read=<its folder>` as well, because threads start from it.
 * Bundled programs say where: see {@linkcode Context.workerUrl}.
 *
 * @example A question and an answer
 * ```ts
 * import { Reply, Request } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using server = new Reply();
 * await server.bind("tcp://127.0.0.1:*");
 *
 * using client = new Request();
 * client.connect(server.lastEndpoint!);
 *
 * await client.send("What is the answer?");
 * const [question] = await server.receive();
 * assert.equal(question.toString(), "What is the answer?");
 *
 * await server.send("42");
 * const [answer] = await client.receive();
 * assert.equal(answer.toString(), "42");
 * ```
 *
 * @example Work for many
 * ```ts
 * import { Pull, Push } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using ventilator = new Push();
 * await ventilator.bind("inproc://work");
 *
 * using worker = new Pull();
 * worker.connect("inproc://work");
 *
 * for (const word of ["one", "two", "three"]) await ventilator.send(word);
 *
 * const words: string[] = [];
 * for await (const [word] of worker) {
 *   words.push(word.toString());
 *   if (words.length === 3) break;
 * }
 * assert.deepEqual(words, ["one", "two", "three"]);
 * ```
 *
 * @module
 */

export { type Capability, capability } from "./src/api/capability.ts";
export {
  type AdoptableSocket,
  Context,
  type ContextActivity,
  type ContextHandle,
  type ContextOptions,
  type ContextStatistics,
  type PollerKind,
  type Trigger,
} from "./src/api/context.ts";
export { context } from "./src/api/default_context.ts";
export type { DuplexSocket } from "./src/api/duplex_socket.ts";
export {
  type ErrorCode,
  ZmqError,
  type ZmqErrorOptions,
} from "./src/api/errors.ts";
export { Message, type MessageLike } from "./src/api/message_parts.ts";
export type { OperationOptions } from "./src/api/pending_operation.ts";
export {
  poll,
  Poller,
  type PollEvent,
  type PollInterest,
  type PollItem,
  pollSync,
} from "./src/api/poller.ts";
export type {
  MessageParts,
  Messages,
  Readable,
  ReadableSocket,
} from "./src/api/readable_socket.ts";
export {
  type IsSame,
  Socket,
  type SocketHandle,
  type SocketOptions,
  type WritableKeys,
} from "./src/api/socket.ts";
export { type SocketSettings, SocketType } from "./src/api/socket_settings.ts";
export {
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  type RouterConnectOptions,
  Subscriber,
  XPublisher,
  XSubscriber,
} from "./src/api/sockets.ts";
export { version } from "./src/api/version.ts";
export type { Writable, WritableSocket } from "./src/api/writable_socket.ts";
