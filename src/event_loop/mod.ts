// libzmq: none · runs on: any · RFC: –
/**
 * Event loops: descriptors, timers, wake-ups from other threads, signals, ends
 * of processes and changes of files under one name, as the operating system
 * tells of them.
 *
 * {@linkcode EventLoop} blocks the thread that runs it, and calls back; it
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
 * an {@linkcode AsyncEventLoop} needs `--allow-read=<its folder>` as well,
 * because its thread starts from it.
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
 * function acceptAll(server: Watch): void {
 *   try {
 *     for (;;) {
 *       const fd = acceptConnection(server.fd);
 *       if (fd < 0) return server.inputExhausted();
 *       loop.watch(fd, { readable: echo, writable: drain }, { read: true });
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
