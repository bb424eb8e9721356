import { fromCString } from "./c_string.ts";
import { constants } from "./constants.ts";
import { host } from "./host.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./ip_text.ts";
import { structLayout } from "./struct_layout.ts";

// Ports and addresses are in network byte order; family and scope id are in
// the host's, which is little-endian on every host with tables.
const PORT = 2;
const IN_ADDRESS = 4;
const IN6_ADDRESS = 8;
const IN6_SCOPE_ID = 24;
const UN_PATH = 2;

/** What a sockaddr says. */
export interface ParsedSockaddr {
  readonly family: "inet" | "inet6" | "unix";
  /** IP text without zone; a path; "@name" when abstract; "" when unnamed. */
  readonly address: string;
  readonly port: number;
  /** Index of the interface a link-local address belongs to, or 0. */
  readonly scopeId: number;
}

function newSockaddr(size: number, family: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  if (structLayout.sockaddrHasLength) {
    bytes[0] = size;
    bytes[1] = family;
  } else {
    bytes[0] = family;
  }
  return bytes;
}

function setPort(bytes: Uint8Array, port: number): void {
  if (!(port >= 0 && port <= 0xffff)) {
    throw new RangeError(`Cannot make a sockaddr: port is ${port}`);
  }
  bytes[PORT] = port >> 8;
  bytes[PORT + 1] = port & 0xff;
}

/** struct sockaddr_in; null when `text` is not an IPv4 address. */
export function sockaddrIn(text: string, port: number): Uint8Array | null {
  const address = parseIpv4(text);
  if (address === null) return null;
  const bytes = newSockaddr(structLayout.sockaddrInSize, constants.AF_INET);
  setPort(bytes, port);
  bytes.set(address, IN_ADDRESS);
  return bytes;
}

/** struct sockaddr_in6; null when `text` is not an IPv6 address. */
export function sockaddrIn6(
  text: string,
  port: number,
  scopeId: number = 0,
): Uint8Array | null {
  const address = parseIpv6(text);
  if (address === null) return null;
  const bytes = newSockaddr(structLayout.sockaddrIn6Size, constants.AF_INET6);
  setPort(bytes, port);
  bytes.set(address, IN6_ADDRESS);
  new DataView(bytes.buffer).setUint32(IN6_SCOPE_ID, scopeId, true);
  return bytes;
}

/**
 * struct sockaddr_un of a path or, on Linux, of the abstract name behind "@";
 * null when it is empty or too long.
 */
export function sockaddrUn(path: string): Uint8Array | null {
  const name = new TextEncoder().encode(path);
  const isAbstract = host.os === "linux" && path.startsWith("@");
  if (isAbstract) name[0] = 0;
  // A path ends with a zero byte; an abstract name ends with the length.
  const length = name.length + (isAbstract ? 0 : 1);
  if (name.length === 0 || length > structLayout.sockaddrUnPathSize) {
    return null;
  }
  const bytes = newSockaddr(UN_PATH + length, constants.AF_UNIX);
  bytes.set(name, UN_PATH);
  return bytes;
}

/** Reads a sockaddr as the kernel gave it; null for another family. */
export function parseSockaddr(bytes: Uint8Array): ParsedSockaddr | null {
  if (bytes.length < 2) return null;
  switch (structLayout.sockaddrHasLength ? bytes[1] : bytes[0]) {
    case constants.AF_INET:
      if (bytes.length < structLayout.sockaddrInSize) return null;
      return {
        family: "inet",
        address: formatIpv4(bytes.subarray(IN_ADDRESS, IN_ADDRESS + 4)),
        port: portOf(bytes),
        scopeId: 0,
      };
    case constants.AF_INET6:
      if (bytes.length < structLayout.sockaddrIn6Size) return null;
      return parseIn6(bytes);
    case constants.AF_UNIX:
      return {
        family: "unix",
        address: unixName(bytes.subarray(UN_PATH)),
        port: 0,
        scopeId: 0,
      };
    default:
      return null;
  }
}

function portOf(bytes: Uint8Array): number {
  return (bytes[PORT] as number) << 8 | (bytes[PORT + 1] as number);
}

function parseIn6(bytes: Uint8Array): ParsedSockaddr {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const address = bytes.slice(IN6_ADDRESS, IN6_ADDRESS + 16);
  let scopeId = view.getUint32(IN6_SCOPE_ID, true);
  const isLinkLocal = address[0] === 0xfe &&
    ((address[1] as number) & 0xc0) === 0x80;
  if (isLinkLocal && host.os !== "linux") {
    // The BSD kernels keep the scope id in the second group and let it show.
    const embedded = (address[2] as number) << 8 | (address[3] as number);
    if (scopeId === 0) scopeId = embedded;
    address[2] = 0;
    address[3] = 0;
  }
  return {
    family: "inet6",
    address: formatIpv6(address),
    port: portOf(bytes),
    scopeId,
  };
}

function unixName(path: Uint8Array): string {
  const isAbstract = path.length > 1 && path[0] === 0 && host.os === "linux";
  if (!isAbstract) return fromCString(path);
  return `@${new TextDecoder().decode(path.subarray(1))}`;
}
