// A context's memory without a context: what src/memory is tested on.
import assert from "node:assert/strict";
import {
  addressOf,
  allocateBytes,
  copyBytes,
  gettid,
  madviseFree,
  threadAlive,
  viewAt,
  wake,
} from "../../ffi/mod.ts";
import { ContextMemory } from "../../src/memory/context_memory.ts";
import { ControlSegment } from "../../src/memory/control_segment.ts";
import { type Geometry, H, Pool, QUEUE } from "../../src/memory/layout.ts";
import { PIPE, THREAD } from "../../src/memory/layout.ts";
import { PayloadSegments } from "../../src/memory/payload_segments.ts";
import type { SegmentCourier } from "../../src/memory/payload_segments.ts";
import type { MemoryPlatform } from "../../src/memory/platform.ts";

/** The real system, as src/memory sees it. */
export const MEMORY_PLATFORM: MemoryPlatform = {
  addressOf,
  viewAt,
  madviseFree,
  gettid,
  threadAlive,
  allocateBytes,
  copyBytes,
  wake(target: number): void {
    wake(target);
  },
};

/** A small context. */
export const SMALL_GEOMETRY: Geometry = {
  ioThreads: 1,
  maxSockets: 40,
  maxConnections: 40,
};

/** Bytes that are copied into a pipe, in these tests. */
export const INLINE_MAX = 32768;

/** Hands segments over by itself: for threads that are not threads. */
export class FakeCourier implements SegmentCourier {
  readonly published: Map<number, SharedArrayBuffer> = new Map();
  readonly obtained: number[] = [];
  /** What the next publish throws. */
  failure: Error | null = null;
  closed = false;

  publish(index: number, buffer: SharedArrayBuffer): void {
    if (this.failure !== null) throw this.failure;
    this.published.set(index, buffer);
  }

  obtain(index: number, _makerLives: () => boolean): SharedArrayBuffer {
    this.obtained.push(index);
    const buffer = this.published.get(index);
    if (buffer === undefined) throw new Error(`No segment ${index}`);
    return buffer;
  }

  close(): void {
    this.closed = true;
  }
}

/** What another thread needs to see the same memory. */
export interface SharedMemory {
  readonly control: SharedArrayBuffer;
  readonly first: SharedArrayBuffer;
  readonly geometry: Geometry;
}

/** Makes the memory of a new context. */
export function shareMemory(
  geometry: Geometry = SMALL_GEOMETRY,
): SharedMemory {
  const control = ControlSegment.allocate(geometry);
  new Int32Array(control)[H.SEGMENT_COUNT] = 1;
  return { control, first: PayloadSegments.allocateFirst(), geometry };
}

/** One thread's view of a context's memory, with what made it. */
export interface View {
  readonly shared: SharedMemory;
  readonly control: ControlSegment;
  readonly payload: PayloadSegments;
  readonly memory: ContextMemory;
  readonly courier: FakeCourier;
}

/** How a view is made; all of it may be left out. */
export interface ViewOptions {
  readonly shared?: SharedMemory;
  readonly slot?: number;
  readonly courier?: FakeCourier;
  readonly platform?: Partial<MemoryPlatform>;
  readonly inlineMax?: number;
}

/** A thread's view of a new memory, or of one that is shared with others. */
export function viewMemory(options: ViewOptions = {}): View {
  const shared = options.shared ?? shareMemory();
  const courier = options.courier ?? new FakeCourier();
  const platform = { ...MEMORY_PLATFORM, ...options.platform };
  const control = new ControlSegment(shared.control, shared.geometry, platform);
  const payload = new PayloadSegments(control, [shared.first], courier);
  const slot = options.slot ?? 2;
  const inlineMax = options.inlineMax ?? INLINE_MAX;
  const memory = new ContextMemory(control, payload, slot, inlineMax);
  return { shared, control, payload, memory, courier };
}

/** A word of the context's header. */
export function header(view: View, word: number): number {
  return Atomics.load(view.control.words, word);
}

/** Sets the memory limit, in bytes. */
export function limitMemory(view: View, bytes: number): void {
  Atomics.store(view.control.words, H.MEMORY_LIMIT, bytes / 256);
}

/** Asserts that nothing is allocated. */
export function assertNothingUsed(view: View): void {
  assert.equal(header(view, H.MEMORY_USED), 0, "granules in use");
  assert.equal(header(view, H.BLOCK_COUNT), 0, "blocks alive");
}

/** A new queue; gives the word index of its record. */
export function makeQueue(view: View, hwmWriter = -1, hwmReader = -1): number {
  const record = view.control.takeRecord(Pool.PIPE);
  assert.notEqual(record, 0, "records are left");
  const queue = record + PIPE.QUEUE;
  setHwm(view, queue, hwmWriter, hwmReader);
  return queue;
}

/** Sets the high-water marks of both sides. */
export function setHwm(
  view: View,
  queue: number,
  hwmWriter: number,
  hwmReader: number,
): void {
  Atomics.store(view.control.words, queue + QUEUE.HWM_WRITER, hwmWriter);
  Atomics.store(view.control.words, queue + QUEUE.HWM_READER, hwmReader);
}

/** Word index of a thread's record, which is made to look in use. */
export function useThread(view: View, slot: number): number {
  const thread = view.control.layout.thread(slot);
  const words = view.control.words;
  Atomics.store(words, thread + THREAD.TID, gettid());
  view.control.initMailbox(thread + THREAD.MAILBOX, slot, 0);
  return thread;
}

/** Bytes that tell where they come from. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let value = (seed * 2654435761) >>> 0;
  for (let index = 0; index < length; index += 1) {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    bytes[index] = value >>> 24;
  }
  return bytes;
}
