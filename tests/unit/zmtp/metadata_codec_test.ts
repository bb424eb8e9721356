import assert from "node:assert/strict";
import { test } from "node:test";
import {
  findProperty,
  metadataSize,
  parseMetadata,
  type Property,
  writeMetadata,
} from "../../../src/zmtp/metadata_codec.ts";

const encoder = new TextEncoder();

function property(name: string, value: string | Uint8Array): Property {
  return {
    name,
    value: typeof value === "string" ? encoder.encode(value) : value,
  };
}

function encode(properties: readonly Property[]): Uint8Array {
  const bytes = new Uint8Array(metadataSize(properties));
  assert.equal(writeMetadata(bytes, 0, properties), bytes.length);
  return bytes;
}

/** Parses with other octets around, which must not be looked at. */
function parse(bytes: Uint8Array): Property[] | string {
  const wider = new Uint8Array(bytes.length + 20).fill(0x41);
  wider.set(bytes, 7);
  return parseMetadata(wider, 7, 7 + bytes.length);
}

test("a property has the RFC's octets", () => {
  const expected = [1, 65, 0, 0, 0, 2, 7, 8, 2, 66, 67, 0, 0, 0, 0];
  const properties = [
    property("A", Uint8Array.of(7, 8)),
    property("BC", ""),
  ];
  assert.deepEqual([...encode(properties)], expected);
  assert.deepEqual(parse(Uint8Array.from(expected)), properties);
});

test("lists that are accepted read back as themselves", () => {
  const many = Array.from({ length: 64 }, (_, i) => property(`X-${i}`, "v"));
  const table: Property[][] = [
    [],
    [property("Socket-Type", "PUB")],
    [property("X-a.b_c+d-0", ""), property("Z", new Uint8Array(5000))],
    [property("n".repeat(255), "v")],
    many,
  ];
  for (const properties of table) {
    assert.deepEqual(parse(encode(properties)), properties);
  }
});

test("malformed lists are refused", () => {
  const good = encode([property("Name", "value")]);
  const table: [string, number[]][] = [
    ["name of length 0", [0, 0, 0, 0, 0]],
    ["name of length 0 behind a good one", [...good, 0, 0, 0, 0, 0]],
    ["name overruns", [5, 65]],
    ["name ends where the list does", [1, 65]],
    ["size is cut", [1, 65, 0, 0, 0]],
    ["value overruns by one", [1, 65, 0, 0, 0, 2, 9]],
    ["value of 2^31 - 1", [1, 65, 0x7f, 255, 255, 255, 9]],
    ["value of 2^31", [1, 65, 0x80, 0, 0, 0, 9]],
    ["value of 2^32 - 1", [1, 65, 255, 255, 255, 255, 9]],
    ["an octet behind the last", [...good, 1]],
    ["the longest name, nothing behind", [255, ...Array(255).fill(65)]],
    ["NUL in a name", [1, 0, 0, 0, 0, 0]],
    ["blank in a name", [1, 32, 0, 0, 0, 0]],
    ["colon in a name", [1, 58, 0, 0, 0, 0]],
    ["not ASCII", [2, 0xc3, 0xa9, 0, 0, 0, 0]],
    ["line break behind a name", [2, 65, 10, 0, 0, 0, 0]],
    ["the same name twice", [...good, ...good]],
    ["the same name in other case", [
      ...good,
      ...encode([property("nAME", "x")]),
    ]],
  ];
  for (const [name, octets] of table) {
    const result = parse(Uint8Array.from(octets));
    assert.equal(result, "ERR_ZMTP_INVALID_METADATA", name);
  }
  const tooMany = Array.from({ length: 65 }, (_, i) => property(`X-${i}`, ""));
  assert.equal(parse(encode(tooMany)), "ERR_ZMTP_INVALID_METADATA");
});

test("every cut of a list is refused or ends between two properties", () => {
  const parts = [property("Socket-Type", "DEALER"), property("Identity", "a")];
  const bytes = encode(parts);
  const boundary = metadataSize(parts.slice(0, 1));
  for (let length = 0; length <= bytes.length; length++) {
    const result = parse(bytes.subarray(0, length));
    const whole = length === 0 || length === boundary ||
      length === bytes.length;
    assert.equal(Array.isArray(result), whole, `${length} octets`);
  }
});

test("values are copies, also of shared memory", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(7));
  shared.set([1, 65, 0, 0, 0, 1, 9]);
  const result = parseMetadata(shared, 0, 7) as Property[];
  shared[6] = 1;
  const value = result[0]?.value;
  assert.deepEqual(value, Uint8Array.of(9));
  assert.ok(value.buffer instanceof ArrayBuffer);
});

test("names are found in any case", () => {
  const properties = [property("SOCKET-type", "PUB")];
  const found = findProperty(properties, "Socket-Type");
  assert.deepEqual(found, encoder.encode("PUB"));
  assert.equal(findProperty(properties, "Socket"), null);
});

test("a bad name of ours is our own mistake", () => {
  for (const name of ["", "a b", "é", "n".repeat(256)]) {
    assert.throws(() => encode([property(name, "")]), RangeError);
  }
});

test("random octets never throw", () => {
  let seed = 7;
  let accepted = 0;
  for (let round = 0; round < 30000; round++) {
    const bytes = new Uint8Array(round % 40);
    for (let i = 0; i < bytes.length; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      const octet = seed >>> 12;
      bytes[i] = octet % 3 === 0 ? octet & 3 : octet & 0x5f;
    }
    const result = parse(bytes);
    if (Array.isArray(result)) accepted++;
    else assert.equal(result, "ERR_ZMTP_INVALID_METADATA");
  }
  assert.ok(accepted > 0);
});
