// libzmq: null_mechanism.cpp, mechanism.cpp · runs on: io thread · RFC: 23 (The NULL Security Mechanism)

import { ROUTING_ID_BYTES_MAX } from "../base/limits.ts";
import type { ProtocolError } from "../base/protocol_error.ts";
import {
  announcesRoutingId,
  legalPeer,
  type SocketType,
  socketTypeFromName,
  socketTypeName,
} from "../base/socket_type.ts";
import {
  commandDataStart,
  CommandKind,
  encodeCommand,
  wrongKind,
} from "./command_codec.ts";
import {
  findProperty,
  metadataSize,
  parseMetadata,
  type Property,
  writeMetadata,
} from "./metadata_codec.ts";

/** What a peer's READY says. */
export interface ReadyCommand {
  /** The announced type's wire name, known or not. */
  readonly socketType: string;
  /** What the peer calls itself; empty = nothing. */
  readonly routingId: Uint8Array;
  /** All properties, the two above included. */
  readonly properties: readonly Property[];
}

const encoder = new TextEncoder();
const NOTHING: Uint8Array = new Uint8Array(0);

/** Longer than any type's name, and short enough to be shown. */
const TYPE_NAME_BYTES_MAX = 32;

/**
 * Ends our part of a handshake. Types that have a routing id announce it even
 * when it is empty, as libzmq does; the others do not.
 */
export function encodeReady(
  type: SocketType,
  routingId: Uint8Array,
  more: readonly Property[] = [],
): Uint8Array {
  const properties: Property[] = [
    { name: "Socket-Type", value: encoder.encode(socketTypeName(type)) },
  ];
  if (announcesRoutingId(type)) {
    properties.push({ name: "Identity", value: routingId });
  }
  properties.push(...more);
  const metadata = new Uint8Array(metadataSize(properties));
  writeMetadata(metadata, 0, properties);
  return encodeCommand(CommandKind.READY, metadata);
}

/**
 * Reads a READY, with everything that does not depend on our own type. The
 * Socket-Type has to be there: all patterns rest on it.
 */
export function parseReady(
  bytes: Uint8Array,
  start: number,
  end: number,
): ReadyCommand | ProtocolError {
  const wrong = wrongKind(bytes, start, end, CommandKind.READY);
  if (wrong !== null) return wrong;
  const properties = parseMetadata(bytes, commandDataStart(bytes, start), end);
  if (typeof properties === "string") return properties;
  const typeName = findProperty(properties, "Socket-Type");
  if (typeName === null || typeName.length > TYPE_NAME_BYTES_MAX) {
    return "ERR_ZMTP_INVALID_METADATA";
  }
  const socketType = String.fromCharCode(...typeName);
  const routingId = routingIdOf(socketType, properties);
  if (routingId === null) return "ERR_ZMTP_INVALID_METADATA";
  return { socketType, routingId, properties };
}

/** Whether RFC 23 lets our type talk to this peer: null or the reason why not. */
export function checkReady(
  mine: SocketType,
  ready: ReadyCommand,
): ProtocolError | null {
  return legalPeer(mine, ready.socketType) ? null : "ERR_ZMTP_INVALID_METADATA";
}

/**
 * The peer's Identity; null if it breaks the rules. Only REQ, DEALER and ROUTER
 * have one: RFC 23 says to ignore those of other types, whatever they are.
 */
function routingIdOf(
  socketType: string,
  properties: readonly Property[],
): Uint8Array | null {
  const type = socketTypeFromName(socketType);
  if (type < 0 || !announcesRoutingId(type as SocketType)) return NOTHING;
  const routingId = findProperty(properties, "Identity") ?? NOTHING;
  // A leading zero is reserved for ids that a ROUTER makes up itself: a peer
  // that could choose one would pass for another.
  if (routingId.length > ROUTING_ID_BYTES_MAX || routingId[0] === 0) {
    return null;
  }
  return routingId;
}
