// libzmq: address.{hpp,cpp}, ip_resolver.{hpp,cpp}, socket_base.cpp (parse_uri) · runs on: any · RFC: –

import type { ErrorCode } from "./error_codes.ts";
import { ZmqError } from "./errors.ts";
import {
  HOST_CHARACTERS_MAX,
  INPROC_NAME_BYTES_MAX,
  IPC_PATH_BYTES_MAX,
  PORT_MAX,
  SHM_NAME_BYTES_MAX,
  SHM_SLOT_BYTES_DEFAULT,
  SHM_SLOTS_DEFAULT,
} from "./limits.ts";

/** What an endpoint is parsed for; the two roles allow different things. */
export type EndpointRole = "bind" | "connect";

/** A host and a port, not yet resolved. */
export interface HostPort {
  /**
   * An address without brackets and zone, a host name, an interface name, or
   * `"*"`, which stands for all interfaces.
   */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The zone of a link-local address (`%eth0`), or "". */
  readonly zone: string;
}

/** `tcp://[source;]host:port` */
export interface TcpEndpoint extends HostPort {
  readonly protocol: "tcp";
  /** Where a connection is to come from; only for connect. */
  readonly source: HostPort | null;
}

/** `ipc://path`, `ipc://@name`, `ipc://*` */
export interface IpcEndpoint {
  readonly protocol: "ipc";
  /** The path; for abstract names, the name without `@`. */
  readonly path: string;
  /** A name in Linux' abstract namespace instead of a file. */
  readonly abstract: boolean;
  /** The path is for bind to choose; `path` is `"*"`. */
  readonly wildcard: boolean;
}

/** `inproc://name` */
export interface InprocEndpoint {
  readonly protocol: "inproc";
  readonly name: string;
}

/** `shm://name`, `shm://name?slots=4096&slotSize=1024`, `shm://*` */
export interface ShmEndpoint {
  readonly protocol: "shm";
  readonly name: string;
  /** Slots in the ring; a connect goes by what the other side has chosen. */
  readonly slots: number;
  /** Bytes of a slot. */
  readonly slotSize: number;
  /** The name is for bind to choose; `name` is `"*"`. */
  readonly wildcard: boolean;
}

/** A parsed endpoint. */
export type Endpoint =
  | TcpEndpoint
  | IpcEndpoint
  | InprocEndpoint
  | ShmEndpoint;

const encoder = new TextEncoder();

function refuse(code: ErrorCode, text: string): ZmqError {
  return new ZmqError(code, { address: text });
}

/**
 * Parses the text of an endpoint.
 *
 * Only what the text itself shows is judged here. Whether a host exists is the
 * transport's business: for connect, names resolve later and again and again.
 * The codes are libzmq's. Ports and brackets that it accepts in a connect, only
 * to fail for ever afterwards, are refused at once.
 *
 * @throws {ZmqError} EINVAL for malformed text, EPROTONOSUPPORT for an unknown
 * transport, ENOCOMPATPROTO for one that no socket type here can use,
 * ENAMETOOLONG for ipc, inproc and shm names, ENODEV for a bind to no device.
 */
export function parseEndpoint(
  text: string,
  role: EndpointRole,
): Endpoint {
  if (typeof text !== "string") {
    throw new TypeError("Address must be a string");
  }
  const separator = text.indexOf("://");
  if (separator <= 0 || separator + 3 === text.length) {
    throw refuse("EINVAL", text);
  }
  const address = text.slice(separator + 3);
  switch (text.slice(0, separator)) {
    case "tcp":
      return parseTcp(text, address, role);
    case "ipc":
      return parseIpc(text, address, role);
    case "inproc":
      return parseInproc(text, address);
    case "shm":
      return parseShm(text, address, role);
    case "udp":
      // Known, but only for RADIO, DISH and DGRAM, which do not exist here.
      throw refuse("ENOCOMPATPROTO", text);
    default:
      throw refuse("EPROTONOSUPPORT", text);
  }
}

/** The text of an endpoint, such as what `lastEndpoint` shows. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.protocol) {
    case "tcp":
      return endpoint.source === null
        ? `tcp://${formatHostPort(endpoint)}`
        : `tcp://${formatHostPort(endpoint.source)};${
          formatHostPort(endpoint)
        }`;
    case "ipc":
      return `ipc://${endpoint.abstract ? "@" : ""}${endpoint.path}`;
    case "inproc":
      return `inproc://${endpoint.name}`;
    case "shm":
      return `shm://${endpoint.name}${formatRing(endpoint)}`;
  }
}

/** The text of a host and a port; addresses with colons get brackets. */
export function formatHostPort(address: HostPort): string {
  const host = address.zone === ""
    ? address.host
    : `${address.host}%${address.zone}`;
  return host.includes(":")
    ? `[${host}]:${address.port}`
    : `${host}:${address.port}`;
}

function parseInproc(text: string, name: string): InprocEndpoint {
  if (encoder.encode(name).length > INPROC_NAME_BYTES_MAX) {
    throw refuse("ENAMETOOLONG", text);
  }
  return { protocol: "inproc", name };
}

/** The part of an endpoint that says how large the ring is, or "". */
function formatRing({ slots, slotSize }: ShmEndpoint): string {
  const chosen: string[] = [];
  if (slots !== SHM_SLOTS_DEFAULT) chosen.push(`slots=${slots}`);
  if (slotSize !== SHM_SLOT_BYTES_DEFAULT) chosen.push(`slotSize=${slotSize}`);
  return chosen.length === 0 ? "" : `?${chosen.join("&")}`;
}

function parseShm(
  text: string,
  address: string,
  role: EndpointRole,
): ShmEndpoint {
  const mark = address.indexOf("?");
  const name = mark < 0 ? address : address.slice(0, mark);
  // deno-lint-ignore no-control-regex -- they would hide in a list of files
  if (name === "" || /[/\u0000-\u001f\u007f]/.test(name)) {
    throw refuse("EINVAL", text);
  }
  if (encoder.encode(name).length > SHM_NAME_BYTES_MAX) {
    throw refuse("ENAMETOOLONG", text);
  }
  let slots: number = SHM_SLOTS_DEFAULT;
  let slotSize: number = SHM_SLOT_BYTES_DEFAULT;
  for (const pair of mark < 0 ? [] : address.slice(mark + 1).split("&")) {
    const [, key, digits] = /^(slots|slotSize)=([1-9][0-9]{0,9})$/.exec(pair) ??
      [];
    if (key === undefined) throw refuse("EINVAL", text);
    if (key === "slots") slots = Number(digits);
    else slotSize = Number(digits);
  }
  // A ring has a power of two of them.
  if (!Number.isInteger(Math.log2(slots))) throw refuse("EINVAL", text);
  const wildcard = name === "*" && role === "bind";
  return { protocol: "shm", name, slots, slotSize, wildcard };
}

function parseIpc(
  text: string,
  address: string,
  role: EndpointRole,
): IpcEndpoint {
  // A NUL would silently end the path in C, so that another file is meant.
  if (address.includes("\0")) throw refuse("EINVAL", text);
  const abstract = address.startsWith("@");
  const path = abstract ? address.slice(1) : address;
  if (path === "") throw refuse("EINVAL", text);
  // The @ counts: the kernel wants a NUL octet in its place.
  if (encoder.encode(address).length > IPC_PATH_BYTES_MAX) {
    throw refuse("ENAMETOOLONG", text);
  }
  // A connect to * means the file of that name, as in libzmq.
  const wildcard = path === "*" && !abstract && role === "bind";
  return { protocol: "ipc", path, abstract, wildcard };
}

function parseTcp(
  text: string,
  address: string,
  role: EndpointRole,
): TcpEndpoint {
  const semicolon = address.lastIndexOf(";");
  let source: HostPort | null = null;
  if (semicolon >= 0) {
    // libzmq ignores the source of a bind; saying so is kinder.
    if (role === "bind") throw refuse("EINVAL", text);
    source = parseHostPort(text, address.slice(0, semicolon), role, true);
  }
  const target = parseHostPort(
    text,
    address.slice(semicolon + 1),
    role,
    role === "bind",
  );
  return { protocol: "tcp", ...target, source };
}

/** `host:port`; the last colon separates them, so bare IPv6 addresses work. */
function parseHostPort(
  text: string,
  hostPort: string,
  role: EndpointRole,
  anyPort: boolean,
): HostPort {
  const colon = hostPort.lastIndexOf(":");
  if (colon < 0) throw refuse("EINVAL", text);
  const port = parsePort(hostPort.slice(colon + 1), anyPort);
  // A colon inside brackets, as in [::1], makes a port with a bracket: NaN.
  if (port < 0) throw refuse("EINVAL", text);
  const host = parseHost(hostPort.slice(0, colon), role);
  // What cannot be the name of anything is no device to bind to (as libzmq
  // says), and no address to connect to.
  if (host === null) {
    throw refuse(role === "bind" ? "ENODEV" : "EINVAL", text);
  }
  return { host: host.host, port, zone: host.zone };
}

/** 0 to 65535, where `*` is 0 if allowed; -1 for anything else. */
function parsePort(text: string, anyPort: boolean): number {
  if (text === "*") return anyPort ? 0 : -1;
  // Service names, signs, blanks and hexadecimal digits are not ports.
  if (!/^[0-9]{1,6}$/.test(text)) return -1;
  const port = Number(text);
  return port <= PORT_MAX ? port : -1;
}

/** Splits off brackets and zone; null when no host can be called so. */
function parseHost(
  text: string,
  role: EndpointRole,
): { host: string; zone: string } | null {
  if (text === "*") return role === "bind" ? { host: "*", zone: "" } : null;
  let inner = text;
  if (text.startsWith("[")) {
    if (!text.endsWith("]")) return null;
    inner = text.slice(1, -1);
  }
  if (inner.length > HOST_CHARACTERS_MAX) return null;
  const percent = inner.indexOf("%");
  const host = percent < 0 ? inner : inner.slice(0, percent);
  const zone = percent < 0 ? "" : inner.slice(percent + 1);
  // Only IPv6 addresses have colons or zones. Whether this is a correct one is
  // for the transport to say, which has the system's parser.
  if (host.includes(":") && /^[0-9A-Fa-f:.]+$/.test(host)) {
    return percent < 0 || /^[A-Za-z0-9._-]+$/.test(zone)
      ? { host, zone }
      : null;
  }
  if (percent >= 0) return null;
  // Interfaces, which only bind knows, can have alias names like eth0:1.
  const name = role === "bind"
    ? /^[A-Za-z0-9][A-Za-z0-9._:-]*$/
    : /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
  return name.test(host) ? { host, zone: "" } : null;
}
