// libzmq: tcp.cpp, ip.cpp · runs on: any · RFC: –

import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  errnoName,
  errnoNumber,
  listenSocket,
  localAddress,
  openSocket,
  parseSockaddr,
  receive,
  send,
  setSockOptInt,
  sockaddrIn,
  sockaddrIn6,
} from "../../ffi/mod.ts";
import { refused } from "./event_loop_error.ts";

/** A listening socket and where it listens. */
export interface TcpListener {
  /** The descriptor, non-blocking and close-on-exec. */
  readonly fd: number;
  /** The address, as it was given. */
  readonly address: string;
  /** The port, also when the system chose it. */
  readonly port: number;
}

const BACKLOG = 4096;

/**
 * Opens a listening TCP socket.
 *
 * @param address An IPv4 or IPv6 address, such as `"127.0.0.1"` or `"::1"`.
 * @param port 0 to 65535; 0 = the system chooses one.
 * @throws {TypeError} No address, or no port.
 * @throws {EventLoopError} EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE; see
 * bind(2).
 */
export function listenTcp(address: string, port: number): TcpListener {
  const call = "listenTcp";
  const bytes = toSockaddr(address, port, call);
  const fd = openFor(bytes, call);
  setSockOptInt(fd, constants.SOL_SOCKET, constants.SO_REUSEADDR, 1);
  let result = bindSocket(fd, bytes);
  if (result >= 0) result = listenSocket(fd, BACKLOG);
  if (result < 0) {
    closeFd(fd);
    throw refused(call, { path: `${address}:${port}` }, result);
  }
  const local = localAddress(fd);
  const bound = local === null ? null : parseSockaddr(local);
  if (bound === null && port === 0) {
    closeFd(fd);
    // Of the errors that getsockname(2) knows this one alone is possible.
    const errno = -errnoNumber("ENOBUFS");
    throw refused(call, { path: `${address}:${port}` }, errno);
  }
  return { fd, address, port: bound?.port ?? port };
}

/**
 * Begins to connect a TCP socket: it can be written when it is connected, and
 * when that failed, which the first write tells.
 *
 * @param address An IPv4 or IPv6 address.
 * @param port 1 to 65535.
 * @returns The descriptor, non-blocking and close-on-exec.
 * @throws {TypeError} No address, or no port.
 * @throws {EventLoopError} ECONNREFUSED, ENETUNREACH, EMFILE; see connect(2).
 */
export function connectTcp(address: string, port: number): number {
  const call = "connectTcp";
  if (port === 0) throw new TypeError(`${call}: 0 is no port to connect to`);
  const bytes = toSockaddr(address, port, call);
  const fd = openFor(bytes, call);
  const result = connectSocket(fd, bytes);
  if (result >= 0 || errnoName(result) === "EINPROGRESS") return fd;
  closeFd(fd);
  throw refused(call, { path: `${address}:${port}` }, result);
}

/**
 * The next connection of a listening socket.
 *
 * @returns Its descriptor, non-blocking and close-on-exec; -1 when there is
 * none.
 * @throws {EventLoopError} EMFILE, ENFILE: no descriptor left. EBADF, EINVAL:
 * `fd` does not listen; see accept(2).
 */
export function acceptConnection(fd: number): number {
  for (;;) {
    const result = acceptSocket(fd);
    if (result >= 0) return result;
    // A peer that is gone again is not the listener's failure.
    if (errnoName(result) === "ECONNABORTED") continue;
    return blockedOr(result, "acceptConnection", fd);
  }
}

/**
 * Receives what there is.
 *
 * @param into Filled from its start; not empty.
 * @returns How many bytes; 0 when the peer sends no more, -1 when there is
 * nothing now.
 * @throws {TypeError} There is no room: 0 would be no end.
 * @throws {EventLoopError} ECONNRESET, ETIMEDOUT and so on: the connection is
 * gone; see recv(2).
 */
export function receiveBytes(fd: number, into: Uint8Array): number {
  if (into.length === 0) {
    throw new TypeError("receiveBytes: the buffer is empty");
  }
  const result = receive(fd, into, 0, into.length);
  return result >= 0 ? result : blockedOr(result, "receiveBytes", fd);
}

/**
 * Sends as much as the system takes.
 *
 * @param bytes What to send, from the start.
 * @returns How many bytes it took; -1 when it takes none now.
 * @throws {EventLoopError} EPIPE, ECONNRESET and so on: the connection is
 * gone; see send(2). No signal is raised.
 */
export function sendBytes(fd: number, bytes: Uint8Array): number {
  const result = send(fd, bytes, 0, bytes.length);
  return result >= 0 ? result : blockedOr(result, "sendBytes", fd);
}

/**
 * Closes a descriptor, after its watch.
 *
 * @throws {EventLoopError} EBADF: it is not open; see close(2).
 */
export function closeDescriptor(fd: number): void {
  const result = closeFd(fd);
  if (result < 0) throw refused("closeDescriptor", { fd }, result);
}

function blockedOr(errno: number, call: string, fd: number): number {
  const name = errnoName(errno);
  if (name === "EAGAIN" || name === "EWOULDBLOCK") return -1;
  throw refused(call, { fd }, errno);
}

function toSockaddr(address: string, port: number, call: string): Uint8Array {
  if (!(Number.isInteger(port) && port >= 0 && port <= 0xffff)) {
    throw new TypeError(`${call}: ${port} is no port`);
  }
  const bytes = sockaddrIn(address, port) ?? sockaddrIn6(address, port);
  if (bytes === null) {
    throw new TypeError(`${call}: "${address}" is no address`);
  }
  return bytes;
}

function openFor(sockaddr: Uint8Array, call: string): number {
  const isInet = parseSockaddr(sockaddr)?.family === "inet";
  const fd = openSocket(isInet ? constants.AF_INET : constants.AF_INET6);
  if (fd < 0) throw refused(call, {}, fd);
  return fd;
}
