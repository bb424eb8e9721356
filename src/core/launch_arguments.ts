// libzmq: options.hpp (copied into every object) · runs on: any · RFC: –

import type { SocketOptions } from "../base/options.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import type { Ref } from "../memory/payload_segments.ts";

/** What a session or listener is told when it starts on its I/O thread. */
export interface LaunchArguments {
  /** Protocol, to find the transport. */
  protocol: string;
  /** The endpoint as the transport's text. */
  endpoint: string;
  options: Readonly<SocketOptions>;
  /** See {@link Listening.temporary}. */
  temporary?: boolean;
}

/** Arguments that were read before, with the text that they were read from. */
interface Read {
  readonly text: Uint8Array;
  readonly launch: LaunchArguments;
}

/** How many texts are remembered, and how long one may be, bytes. */
const RECENT_MAX = 16;
const RECENT_BYTES_MAX = 16384;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Leaves the arguments in a block with one reference; 0 without memory. */
export function storeArguments(
  memory: ContextMemory,
  launch: LaunchArguments,
): Ref {
  return storeEncoded(memory, encodeArguments(launch));
}

/** The text of arguments that are stored more than once. */
export function encodeArguments(launch: LaunchArguments): Uint8Array {
  return encoder.encode(
    JSON.stringify(
      launch,
      (_key, value) =>
        value instanceof Uint8Array ? { bytes: [...value] } : value,
    ),
  );
}

/** As {@link storeArguments}, of what {@link encodeArguments} gave. */
export function storeEncoded(memory: ContextMemory, text: Uint8Array): Ref {
  const ref = memory.blocks.allocate(text.length, true);
  if (ref !== 0) memory.blocks.bytes(ref, 0, text.length).set(text);
  return ref;
}

/** Reads arguments. One per I/O thread. */
export class ArgumentReader {
  readonly #memory: ContextMemory;
  /**
   * All connections of a listener are told the same, and reading it leaves
   * some hundred objects behind.
   */
  readonly #recent: Read[] = [];

  constructor(memory: ContextMemory) {
    this.#memory = memory;
  }

  /**
   * Reads arguments; the reference stays with the caller. Who reads the same
   * text later may be given the same object.
   */
  load(ref: Ref): Readonly<LaunchArguments> {
    const { blocks } = this.#memory;
    const recent = this.#recent;
    const stored = blocks.bytes(ref, 0, blocks.length(ref));
    const known = recent.find(({ text }) => equal(text, stored));
    if (known !== undefined) return known.launch;
    // A copy, since decoders refuse shared memory.
    const text = stored.slice();
    const launch: LaunchArguments = JSON.parse(
      decoder.decode(text),
      (_key, value) =>
        Array.isArray(value?.bytes) ? Uint8Array.from(value.bytes) : value,
    );
    if (text.length <= RECENT_BYTES_MAX) {
      if (recent.length === RECENT_MAX) recent.shift();
      recent.push({ text, launch });
    }
    return launch;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
