// What the kernel says about descriptors of this process: which ones belong to
// an endpoint, and how they are set. Linux only.
import { readFileSync } from "node:fs";
import {
  constants,
  getSockOptInt,
  localAddress,
  openLibc,
  parseSockaddr,
  peerAddress,
} from "../../ffi/mod.ts";
import { openDescriptors } from "./leaks.ts";

const { SOL_SOCKET, SO_ACCEPTCONN, IPPROTO_TCP } = constants;

/** Octets of Linux's struct tcp_info that are asked for. */
const TCP_INFO_SIZE = 104;
const TCP_INFO = 11;
/** tcpi_sacked: of a socket that listens, how long its queue may become. */
const TCP_INFO_BACKLOG_AT = 28;

/** The descriptors that an endpoint has in this process. */
export interface EndpointDescriptors {
  readonly listening: readonly number[];
  readonly accepted: readonly number[];
  readonly connected: readonly number[];
}

/** Finds the descriptors of `tcp://host:port` or `ipc://path`. */
export function descriptorsOf(endpoint: string): EndpointDescriptors {
  const listening: number[] = [];
  const accepted: number[] = [];
  const connected: number[] = [];
  for (const [fd, target] of openDescriptors()) {
    if (!target.startsWith("socket:")) continue;
    if (textOf(localAddress(fd)) === endpoint) {
      const listens = getSockOptInt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
      (listens ? listening : accepted).push(fd);
    } else if (textOf(peerAddress(fd)) === endpoint) connected.push(fd);
  }
  return { listening, accepted, connected };
}

function textOf(sockaddr: Uint8Array | null): string | null {
  const parsed = sockaddr === null ? null : parseSockaddr(sockaddr);
  if (parsed === null) return null;
  return parsed.family === "unix"
    ? `ipc://${parsed.address}`
    : `tcp://${parsed.address}:${parsed.port}`;
}

/** The flags of the open file, as `fcntl` and `F_GETFD` would tell them. */
export function descriptorFlags(
  fd: number,
): { closeOnExec: boolean; nonBlocking: boolean } {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  const flags = parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? "0", 8);
  return {
    closeOnExec: (flags & constants.O_CLOEXEC) !== 0,
    nonBlocking: (flags & constants.O_NONBLOCK) !== 0,
  };
}

/** How many connections may wait to be accepted by a TCP listener. */
export function tcpBacklog(fd: number): number {
  const info = sockOptBytes(fd, IPPROTO_TCP, TCP_INFO, TCP_INFO_SIZE);
  return new DataView(info.buffer).getUint32(TCP_INFO_BACKLOG_AT, true);
}

/** The interface that a socket is bound to; "" for none. */
export function boundInterface(fd: number): string {
  const name = sockOptBytes(fd, SOL_SOCKET, constants.SO_BINDTODEVICE, 16);
  return new TextDecoder().decode(name.slice(0, name.indexOf(0)));
}

function sockOptBytes(
  fd: number,
  level: number,
  name: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const length = Uint32Array.of(size);
  const result = openLibc().call.getsockopt(fd, level, name, bytes, length);
  if (result !== 0) throw new Error(`getsockopt(${level}, ${name}) failed`);
  return bytes;
}
