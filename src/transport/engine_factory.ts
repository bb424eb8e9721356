// libzmq: none · runs on: io thread · RFC: –

import type { IoContext } from "../core/transport.ts";
import { EngineBuffers } from "../engine/engine_buffers.ts";

// Pins: the kernel is given raw addresses into these buffers, and an object
// that is known only by its address would be collected. Keyed by I/O worker.
const buffersOf: WeakMap<IoContext, EngineBuffers> = new WeakMap();

/** The buffers that all engines of an I/O worker share. */
export function engineBuffers(io: IoContext): EngineBuffers {
  let buffers = buffersOf.get(io);
  if (buffers === undefined) {
    buffers = new EngineBuffers();
    buffersOf.set(io, buffers);
    io.addObject(buffers);
  }
  return buffers;
}
