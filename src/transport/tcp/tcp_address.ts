// libzmq: tcp_address.{hpp,cpp}, ip_resolver.{hpp,cpp} · runs on: any · RFC: –

import {
  constants,
  errnoName,
  interfaceIndex,
  interfaces,
  localAddress,
  lookupHost,
  parseIp,
  parseSockaddr,
  peerAddress,
  sockaddrIn,
  sockaddrIn6,
} from "../../../ffi/mod.ts";
import type { HostPort } from "../../base/endpoint.ts";
import { formatHostPort } from "../../base/endpoint.ts";
import { systemError, ZmqError } from "../../base/errors.ts";

/** A resolved address. */
export interface TcpAddress {
  readonly family: number;
  readonly sockaddr: Uint8Array;
}

/**
 * The address of literal text with an optional zone; null for anything else.
 *
 * @param ipv6 Whether IPv6 addresses are allowed.
 */
export function literalAddress(
  host: string,
  zone: string,
  port: number,
  ipv6: boolean,
): TcpAddress | null {
  const version = parseIp(host);
  if (version === 4) {
    const sockaddr = sockaddrIn(host, port);
    return sockaddr && { family: constants.AF_INET, sockaddr };
  }
  if (version !== 6 || !ipv6) return null;
  const scope = scopeOf(zone);
  const sockaddr = scope < 0 ? null : sockaddrIn6(host, port, scope);
  return sockaddr && { family: constants.AF_INET6, sockaddr };
}

/** An address as {@link lookupHost} prints it: perhaps with a scope id. */
export function lookedUpAddress(text: string, port: number): TcpAddress | null {
  const percent = text.indexOf("%");
  return percent < 0 ? literalAddress(text, "", port, true) : literalAddress(
    text.slice(0, percent),
    text.slice(percent + 1),
    port,
    true,
  );
}

/**
 * Where to bind: `*`, an address, the name of an interface, or a name that
 * resolves. App thread; may block for the last of these.
 *
 * @throws {ZmqError} ENODEV, also for an IPv6 address without `ipv6`.
 */
export function bindAddress(endpoint: HostPort, ipv6: boolean): TcpAddress {
  const { host, port, zone } = endpoint;
  if (host === "*") {
    const any = literalAddress(ipv6 ? "::" : "0.0.0.0", "", port, ipv6);
    if (any !== null) return any;
  }
  if (parseIp(host) !== 0) {
    const literal = literalAddress(host, zone, port, ipv6);
    if (literal === null) throw new ZmqError("ENODEV");
    return literal;
  }
  return interfaceAddress(host, port, ipv6) ?? namedAddress(host, port, ipv6);
}

/** The address of an interface, IPv4 unless only IPv6 is there; null if none. */
export function interfaceAddress(
  name: string,
  port: number,
  ipv6: boolean,
): TcpAddress | null {
  const found = interfaces().filter((entry) => entry.name === name);
  const entry = found.find(({ family }) => family === "inet") ??
    (ipv6 ? found[0] : undefined);
  if (entry === undefined) return null;
  return literalAddress(entry.address, String(entry.scopeId), port, ipv6);
}

function namedAddress(host: string, port: number, ipv6: boolean): TcpAddress {
  const { errno, addresses } = lookupHost(host, ipv6 ? 0 : 4);
  const first = addresses[0];
  const address = first === undefined ? null : lookedUpAddress(first, port);
  if (address !== null) return address;
  if (errno === 0 || errnoName(-errno) === "ENOENT") {
    throw new ZmqError("ENODEV");
  }
  throw systemError(errnoName(-errno), errno);
}

/** A descriptor's own address as an endpoint. */
export function localEndpoint(fd: number): string {
  return endpointOf(localAddress(fd));
}

/** The peer's address as an endpoint. */
export function peerEndpoint(fd: number): string {
  return endpointOf(peerAddress(fd));
}

/** Whether a connection leads from a socket to itself. */
export function isSelfConnection(fd: number): boolean {
  const local = localAddress(fd);
  const peer = peerAddress(fd);
  return local !== null && peer !== null && local.length === peer.length &&
    local.every((octet, index) => octet === peer[index]);
}

function endpointOf(sockaddr: Uint8Array | null): string {
  const parsed = sockaddr === null ? null : parseSockaddr(sockaddr);
  if (parsed === null) return "tcp://";
  const zone = parsed.scopeId === 0 ? "" : String(parsed.scopeId);
  return `tcp://${
    formatHostPort({ host: parsed.address, port: parsed.port, zone })
  }`;
}

/**
 * A zone's interface index: a number, or the name of an interface; negative
 * when there is none of that name.
 */
function scopeOf(zone: string): number {
  if (zone === "") return 0;
  if (!/^[0-9]{1,10}$/.test(zone)) return interfaceIndex(zone) || -1;
  const index = Number(zone);
  return index <= 0xffffffff ? index : -1;
}
