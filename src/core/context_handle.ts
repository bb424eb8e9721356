// libzmq: none · runs on: any · RFC: –

import { store } from "../memory/shared_access.ts";
import { H, THREAD } from "../memory/layout.ts";
import { ContextMemory } from "../memory/context_memory.ts";
import { ControlSegment } from "../memory/control_segment.ts";
import { PayloadSegments } from "../memory/payload_segments.ts";
import { GRANULE_BYTES } from "../memory/size_class.ts";
import type { SegmentCourier } from "../memory/payload_segments.ts";
import { REAPER_SLOT } from "./choose_io_thread.ts";
import { Command } from "./command.ts";
import type { CtxOptions } from "./ctx_options.ts";
import type { CorePlatform } from "./platform.ts";

/** Everything another thread needs to join a context; structured-clonable. */
export interface ContextHandle {
  /** Tells contexts of one process apart. */
  readonly id: string;
  readonly options: CtxOptions;
  readonly control: SharedArrayBuffer;
  /** The first payload segment; later ones come by courier. */
  readonly payload: SharedArrayBuffer;
}

/** Makes the shared memory of a new context. */
export function createHandle(
  options: CtxOptions,
  platform: CorePlatform,
): ContextHandle {
  const control = ControlSegment.allocate(options);
  const payload = PayloadSegments.allocateFirst();
  const words = new Int32Array(control);
  store(words, H.SEGMENT_COUNT, 1);
  const granules = Math.ceil(options.memoryLimit / GRANULE_BYTES);
  store(words, H.MEMORY_LIMIT, granules);
  store(words, H.CREATOR_TID, platform.gettid());
  const id = `${platform.random32().toString(36)}-${
    platform.random32().toString(36)
  }`;
  return { id, options: { ...options }, control, payload };
}

/** Opens a context's memory on this thread. */
export function openMemory(
  control: ControlSegment,
  payload: PayloadSegments,
  slot: number,
  options: CtxOptions,
): ContextMemory {
  return new ContextMemory(control, payload, slot, options.inlineMessageMax);
}

/** Opens the shared parts of a context on this JavaScript thread. */
export function openSegments(
  handle: ContextHandle,
  platform: CorePlatform,
): { control: ControlSegment; payload: PayloadSegments } {
  const control = new ControlSegment(
    handle.control,
    handle.options,
    platform,
  );
  const courier: SegmentCourier = platform.segmentCourier({
    id: handle.id,
    workerUrl: handle.options.workerUrl,
  });
  const payload = new PayloadSegments(control, [handle.payload], courier);
  // The reaper lives as long as the context, the thread that makes a segment
  // perhaps not.
  const reaper = control.layout.thread(REAPER_SLOT) + THREAD.NODE;
  payload.onAdded = () => control.post(reaper, Command.SEGMENT);
  return { control, payload };
}
