// libzmq: mechanism.cpp (add_property, parse_metadata) · runs on: io thread · RFC: 23 (Connection Metadata)

import { readUint32, writeUint32 } from "../base/frame_header.ts";
import {
  METADATA_NAME_BYTES_MAX,
  METADATA_PROPERTIES_MAX,
} from "../base/limits.ts";
import type { ProtocolError } from "../base/protocol_error.ts";

/** One entry of a connection's metadata. */
export interface Property {
  /** As the sender wrote it; upper and lower case do not matter. */
  readonly name: string;
  readonly value: Uint8Array;
}

const NAME_PATTERN = /^[A-Za-z0-9_.+-]+$/;
const VALUE_SIZE_OCTETS = 4;

/** Octets that the property takes in a list. */
export function propertySize(property: Property): number {
  return 1 + property.name.length + VALUE_SIZE_OCTETS + property.value.length;
}

/** Octets that the list takes. */
export function metadataSize(properties: readonly Property[]): number {
  return properties.reduce((size, item) => size + propertySize(item), 0);
}

/**
 * Writes a list of properties and gives the position behind it. The names are
 * ours or were checked when they were set, hence a bad one is a mistake here.
 */
export function writeMetadata(
  bytes: Uint8Array,
  offset: number,
  properties: readonly Property[],
): number {
  let position = offset;
  for (const { name, value } of properties) {
    if (name.length > METADATA_NAME_BYTES_MAX || !NAME_PATTERN.test(name)) {
      throw new RangeError(`Cannot send a property named "${name}"`);
    }
    bytes[position++] = name.length;
    for (let i = 0; i < name.length; i++) {
      bytes[position++] = name.charCodeAt(i);
    }
    writeUint32(bytes, position, value.length);
    bytes.set(value, position + VALUE_SIZE_OCTETS);
    position += VALUE_SIZE_OCTETS + value.length;
  }
  return position;
}

/**
 * Reads a list of properties that takes exactly the octets from `start` to
 * `end`. The values are copies. A name may occur once: which of two would hold
 * is something peers could disagree about.
 */
export function parseMetadata(
  bytes: Uint8Array,
  start: number,
  end: number,
): Property[] | ProtocolError {
  const properties: Property[] = [];
  const seen = new Set<string>();
  let position = start;
  while (position < end) {
    const nameSize = bytes[position] as number;
    const valueSizeAt = position + 1 + nameSize;
    const valueAt = valueSizeAt + VALUE_SIZE_OCTETS;
    if (nameSize === 0 || valueAt > end) return "ERR_ZMTP_INVALID_METADATA";
    const name = readName(bytes, position + 1, valueSizeAt);
    if (name === null) return "ERR_ZMTP_INVALID_METADATA";
    // Sizes of 2^31 and more are forbidden; no list is long enough for them.
    const valueEnd = valueAt + readUint32(bytes, valueSizeAt);
    if (valueEnd > end || properties.length === METADATA_PROPERTIES_MAX) {
      return "ERR_ZMTP_INVALID_METADATA";
    }
    const key = name.toLowerCase();
    if (seen.has(key)) return "ERR_ZMTP_INVALID_METADATA";
    seen.add(key);
    properties.push({ name, value: bytes.slice(valueAt, valueEnd) });
    position = valueEnd;
  }
  return properties;
}

/** The value of the property with a name in any case, or null. */
export function findProperty(
  properties: readonly Property[],
  name: string,
): Uint8Array | null {
  const key = name.toLowerCase();
  const found = properties.find((item) => item.name.toLowerCase() === key);
  return found === undefined ? null : found.value;
}

/** The text of a name, or null if one of its octets is none of a name's. */
function readName(
  bytes: Uint8Array,
  start: number,
  end: number,
): string | null {
  let name = "";
  for (let i = start; i < end; i++) {
    name += String.fromCharCode(bytes[i] as number);
  }
  return NAME_PATTERN.test(name) ? name : null;
}
