// libzmq: zmq_poller(3), zmq_poll(3) · runs on: app thread · RFC: –
/**
 * What the library itself waits with, for programs of their own.
 *
 * {@linkcode Poller}, {@linkcode poll} and {@linkcode pollSync} wait for any
 * mix of ZeroMQ sockets and descriptors; they are the same as those of
 * `@purezmq/zmq`.
 *
 * Event loops have descriptors, timers, wake-ups from other threads, signals,
 * ends of processes and changes of files under one name, as the operating
 * system tells of them: {@linkcode EventLoop} blocks the thread that runs it, and calls back; it
 * belongs in a Worker of its own. {@linkcode AsyncEventLoop} yields the same
 * things as events, on a thread that must not block.
 *
 * | Source    | Linux                                  | macOS, FreeBSD |
 * | --------- | -------------------------------------- | -------------- |
 * | socket, … | epoll, poll or select                  | kqueue, poll or select |
 * | process   | pidfd (since 5.3)                      | `EVFILT_PROC`  |
 * | file      | inotify                                | `EVFILT_VNODE` |
 * | signal    | the runtime's listener, see {@linkcode EventLoop.onSignal} | `EVFILT_SIGNAL`; in an {@linkcode AsyncEventLoop} the runtime's listener |
 *
 * Where the runtime has an API of its own for one of these, and an event loop
 * to tell it in, that API is the simpler choice. This one is for threads that
 * block, for descriptors, and for many of them.
 *
 * Programs need the permission `--allow-ffi` under Deno, because the package
 * calls the operating system directly. With a copy of the package on the disk
 * an {@linkcode AsyncEventLoop}, {@linkcode Poller.wait} with descriptors, and
 * the signals of an {@linkcode EventLoop} need `--allow-read=<its folder>` as
 * well, because their thread starts from it.
 *
 * @example A message, a visitor, or half a second
 * ```ts
 * import { Pull, Push } from "@purezmq/zmq";
 * import {
 *   closeDescriptor,
 *   connectTcp,
 *   listenTcp,
 *   poll,
 *   pollSync,
 * } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * using orders = new Pull();
 * await orders.bind("inproc://desk");
 * const door = listenTcp("127.0.0.1", 0);
 * const items = [
 *   { target: orders, readable: true, data: "an order" },
 *   { target: door.fd, readable: true, data: "a visitor" },
 * ];
 * assert.deepEqual(pollSync(items, 1), []);
 *
 * const visitor = connectTcp("127.0.0.1", door.port);
 * const events = await poll(items, 500);
 * assert.deepEqual(events.map(({ data }) => data), ["a visitor"]);
 *
 * using guest = new Push();
 * guest.connect("inproc://desk");
 * await guest.send("tea");
 * assert.equal(pollSync(items, 500).length, 2);
 * for (const fd of [visitor, door.fd]) closeDescriptor(fd);
 * ```
 *
 * @example An echo server, for ten thousand clients and more
 * ```ts
 * import {
 *   acceptConnection,
 *   closeDescriptor,
 *   connectTcp,
 *   EventLoop,
 *   EventLoopError,
 *   listenTcp,
 *   receiveBytes,
 *   sendBytes,
 *   type Watch,
 * } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * using loop = new EventLoop();
 * const buffer = new Uint8Array(64 * 1024);
 *
 * function hangUp(client: Watch): void {
 *   client.close(); // before the descriptor
 *   closeDescriptor(client.fd);
 * }
 *
 * function echo(client: Watch): void {
 *   try {
 *     const count = receiveBytes(client.fd, buffer);
 *     if (count === 0) return hangUp(client);
 *     if (count < 0) return client.inputExhausted();
 *     reply(client, buffer.subarray(0, count));
 *   } catch {
 *     hangUp(client); // ECONNRESET, for example
 *   }
 * }
 *
 * // What a slow client does not take yet: its requests wait meanwhile.
 * const unsent = new Map<Watch, Uint8Array>();
 *
 * function reply(client: Watch, bytes: Uint8Array): void {
 *   const taken = Math.max(0, sendBytes(client.fd, bytes));
 *   if (taken < bytes.length) unsent.set(client, bytes.slice(taken));
 *   else unsent.delete(client);
 *   const isSlow = taken < bytes.length;
 *   if (isSlow) client.outputExhausted();
 *   client.setInterest({ read: !isSlow, write: isSlow });
 * }
 *
 * function drain(client: Watch): void {
 *   try {
 *     const bytes = unsent.get(client);
 *     if (bytes !== undefined) reply(client, bytes);
 *   } catch {
 *     unsent.delete(client);
 *     hangUp(client);
 *   }
 * }
 *
 * function welcome(fd: number): void {
 *   try {
 *     loop.watch(fd, { readable: echo, writable: drain }, { read: true });
 *   } catch (error) {
 *     closeDescriptor(fd);
 *     throw error;
 *   }
 * }
 *
 * function acceptAll(server: Watch): void {
 *   try {
 *     for (;;) {
 *       const fd = acceptConnection(server.fd);
 *       if (fd < 0) return server.inputExhausted();
 *       welcome(fd);
 *     }
 *   } catch (error) {
 *     if (!(error instanceof EventLoopError)) throw error;
 *     // EMFILE, for example: the others wait until some have left.
 *     server.setInterest({ read: false });
 *     loop.setTimer(100, () => {
 *       if (server.active) server.setInterest({ read: true });
 *     });
 *   }
 * }
 *
 * const listener = listenTcp("127.0.0.1", 0);
 * const server = loop.watch(listener.fd, { readable: acceptAll });
 *
 * // A client, in the same loop for once.
 * let heard = "";
 * loop.watch(connectTcp("127.0.0.1", listener.port), {
 *   writable(client) {
 *     sendBytes(client.fd, new TextEncoder().encode("echo"));
 *     client.setInterest({ read: true, write: false });
 *   },
 *   readable(client) {
 *     const count = receiveBytes(client.fd, buffer);
 *     heard = new TextDecoder().decode(buffer.subarray(0, count));
 *     hangUp(client);
 *     loop.stop();
 *   },
 * }, { write: true });
 *
 * loop.run();
 * loop.runOnce(100); // the server sees its client leave
 * assert.equal(heard, "echo");
 * server.close();
 * closeDescriptor(listener.fd);
 * ```
 *
 * @example A hundred thousand time-outs, of which few come true
 * ```ts
 * import { EventLoop, type LoopTimer } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 *
 * using loop = new EventLoop();
 * const expired: number[] = [];
 * const sessions: LoopTimer[] = [];
 * for (let id = 0; id < 100_000; id++) {
 *   // Every session may be idle for a while.
 *   sessions.push(loop.setTimer(30 + id % 10, () => expired.push(id)));
 * }
 * for (const [id, timer] of sessions.entries()) {
 *   if (id % 1000 !== 0) timer.cancel(); // it said something
 * }
 *
 * // A tick that does not drift, and tells how many were left out.
 * let elapsedMs = 0;
 * loop.setTicker(10, (missedTicks) => {
 *   elapsedMs += 10 * (1 + missedTicks);
 *   if (expired.length === 100) loop.stop();
 * });
 *
 * loop.run();
 * assert.equal(expired.length, 100);
 * assert.ok(elapsedMs >= 10);
 * ```
 *
 * @example A watcher of child processes
 * ```ts
 * import { AsyncEventLoop } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 * import { spawn } from "node:child_process";
 *
 * using loop = new AsyncEventLoop();
 * const children = new Map<number, number>();
 * for (const code of [0, 3]) {
 *   const { pid } = spawn("/bin/sh", ["-c", `exit ${code}`]);
 *   if (pid === undefined) continue;
 *   loop.onProcessExit(pid);
 *   children.set(pid, code);
 * }
 *
 * let ends = 0;
 * for await (const event of loop) {
 *   if (event.type !== "exit") continue;
 *   // The runtime waits for its children, too. When it came first, Linux before
 *   // 6.15 does not know the code any more.
 *   const code = event.exitCode ?? children.get(event.pid);
 *   assert.equal(code, children.get(event.pid));
 *   if (++ends === children.size) break;
 * }
 * assert.equal(ends, 2);
 * ```
 *
 * @example A watcher of files
 * ```ts
 * import { AsyncEventLoop } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const path = mkdtempSync(`${tmpdir()}/purezmq-`) + "/settings";
 * writeFileSync(path, "volume = 3");
 *
 * const loop = new AsyncEventLoop();
 * loop.onFileChange(path);
 * writeFileSync(path, "volume = 11");
 * for await (const event of loop) {
 *   if (event.type !== "file" || event.kind !== "modified") continue;
 *   assert.equal(event.path, path);
 *   break; // closes the loop
 * }
 * rmSync(path.replace("/settings", ""), { recursive: true });
 * ```
 *
 * @example Signals, and a wake-up from another thread
 * ```ts
 * import { AsyncEventLoop, EventLoop } from "@purezmq/zmq/poller";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const loop = new AsyncEventLoop();
 * loop.onSignal("SIGUSR2");
 * loop.onWake();
 * process.kill(process.pid, "SIGUSR2");
 *
 * const told: string[] = [];
 * for await (const event of loop) {
 *   told.push(event.type);
 *   if (event.type === "wake") break;
 *   // Any thread may do this; the handle can be posted to it.
 *   EventLoop.wake(loop.wakeHandle);
 * }
 * assert.deepEqual(told, ["signal", "wake"]);
 * assert.equal(EventLoop.wake(loop.wakeHandle), false); // closed by now
 * ```
 *
 * @module
 */

export type { OperationOptions } from "./api/pending_operation.ts";
export {
  poll,
  Poller,
  type PollEvent,
  type PollInterest,
  type PollItem,
  pollSync,
} from "./api/poller.ts";
export type { Socket } from "./api/socket.ts";
export {
  acceptConnection,
  AsyncEventLoop,
  type AsyncEventLoopOptions,
  closeDescriptor,
  connectTcp,
  type ErrorCode,
  EventLoop,
  EventLoopError,
  type EventLoopOptions,
  type EventLoopSubject,
  type FileChange,
  type FileChangeKind,
  type Interest,
  listenTcp,
  type LoopEvent,
  type LoopSource,
  type LoopTimer,
  type PollerKind,
  type ProcessExit,
  receiveBytes,
  sendBytes,
  type SignalEvent,
  SignalRelay,
  type SignalRelayHandle,
  type TcpListener,
  type Trigger,
  type WakeHandle,
  type Watch,
  type WatchHandlers,
  type WatchOptions,
  ZmqError,
  type ZmqErrorOptions,
} from "./event_loop/mod.ts";
