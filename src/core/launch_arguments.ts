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
  options: SocketOptions;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Leaves the arguments in a block with one reference; 0 without memory. */
export function storeArguments(
  memory: ContextMemory,
  launch: LaunchArguments,
): Ref {
  const text = encoder.encode(
    JSON.stringify(
      launch,
      (_key, value) =>
        value instanceof Uint8Array ? { bytes: [...value] } : value,
    ),
  );
  const ref = memory.blocks.allocate(text.length, true);
  if (ref !== 0) memory.blocks.bytes(ref, 0, text.length).set(text);
  return ref;
}

/** Reads arguments; the reference stays with the caller. */
export function loadArguments(
  memory: ContextMemory,
  ref: Ref,
): LaunchArguments {
  const { blocks } = memory;
  const text = decoder.decode(blocks.bytes(ref, 0, blocks.length(ref)).slice());
  return JSON.parse(
    text,
    (_key, value) =>
      Array.isArray(value?.bytes) ? Uint8Array.from(value.bytes) : value,
  );
}
