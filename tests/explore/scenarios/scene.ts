// A context's memory, small and without a system, and threads on it.
import { ContextMemory } from "../../../src/memory/context_memory.ts";
import { ControlSegment } from "../../../src/memory/control_segment.ts";
import { type Geometry, H, Layout, Pool } from "../../../src/memory/layout.ts";
import { PIPE, QUEUE, THREAD } from "../../../src/memory/layout.ts";
import { initPageMap } from "../../../src/memory/page_map.ts";
import { PayloadSegments } from "../../../src/memory/payload_segments.ts";
import type { SegmentCourier } from "../../../src/memory/payload_segments.ts";
import { load, store } from "../../../src/memory/shared_access.ts";
import type { CorePlatform } from "../../../src/core/platform.ts";
import { initThread, Thread } from "../../../src/core/thread.ts";
import { zeroed } from "../buffers.ts";
import { Bells } from "./bells.ts";
import { hasStopped } from "../execution.ts";
import { constant } from "../heap.ts";

export const GEOMETRY: Geometry = {
  ioThreads: 1,
  maxSockets: 2,
  maxConnections: 2,
};

/** Bytes of the one payload segment, and what is copied into a pipe. */
const PAYLOAD_BYTES = 16 * 16384;
const INLINE_MAX = 32768;

/** Kernel thread ids begin here. */
export const FIRST_TID = 100;

/** Says that something did not come out as it must. */
export function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Expected: ${what}`);
}

/** As {@link expect}, of two values that are the same as JSON. */
export function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  expect(a === b, `${what}: ${b}, found ${a}`);
}

/** By thread: they hold nothing, so that all executions use the same. */
const platforms: CorePlatform[] = [];

/** The system as one thread of a scene sees it. */
export function platformOf(thread: number): CorePlatform {
  return platforms[thread] ??= makePlatform(thread);
}

function makePlatform(thread: number): CorePlatform {
  return constant({
    addressOf: () => 4096,
    viewAt: (_address, length) => new Uint8Array(length),
    madviseFree: () => 0,
    gettid: () => FIRST_TID + thread,
    threadAlive: (tid) => !hasStopped(tid - FIRST_TID),
    allocateBytes: (length) => new Uint8Array(length),
    copyBytes: (target, at, source, from, to) => {
      target.set(source.subarray(from, to), at);
    },
    wake: () => {},
    send: () => {
      throw new Error("A scene has no descriptors");
    },
    isMainThread: () => true,
    monotonicMs: () => 0,
    random32: () => 4,
    delay: () => Promise.resolve(),
    callLater: () => {},
    keepAlive: () => ({ retain: () => {}, release: () => {} }),
    spawnWorker: () => {
      throw new Error("A scene starts no workers");
    },
    segmentCourier: () => NO_COURIER,
  });
}

const NO_COURIER: SegmentCourier = {
  publish: () => {},
  obtain: () => {
    throw new Error("A scene has one segment");
  },
  close: () => {},
};

/** The memory of one execution. */
export class Scene {
  readonly layout: Layout = new Layout(GEOMETRY);
  readonly words: Int32Array;
  readonly #control: SharedArrayBuffer;
  readonly #payload: SharedArrayBuffer;
  readonly bells: Bells = new Bells("bells");

  constructor() {
    this.#control = zeroed("control", this.layout.sizeBytes);
    this.#payload = zeroed("payload", PAYLOAD_BYTES);
    this.words = new Int32Array(this.#control);
    initPageMap(new Int32Array(this.#payload));
    store(this.words, H.SEGMENT_COUNT, 1);
  }

  /** The memory as a thread sees it; its slot is 2 or more. */
  view(
    thread: number,
    platform: CorePlatform = platformOf(thread),
  ): ContextMemory {
    const control = new ControlSegment(this.#control, GEOMETRY, platform);
    const payload = new PayloadSegments(control, [this.#payload], NO_COURIER);
    return new ContextMemory(control, payload, 2 + thread, INLINE_MAX);
  }

  /** A thread of the context. */
  thread(thread: number): Thread {
    const memory = this.view(thread);
    initThread(memory.control, memory.slot);
    store(
      this.words,
      this.layout.thread(memory.slot) + THREAD.TID,
      memory.control.tid,
    );
    return new Thread(memory, platformOf(thread), () => {});
  }

  /** A queue between two views. */
  queue(view: ContextMemory, hwmWriter: number, hwmReader: number): number {
    const queue = view.control.takeRecord(Pool.PIPE) + PIPE.QUEUE;
    store(this.words, queue + QUEUE.HWM_WRITER, hwmWriter);
    store(this.words, queue + QUEUE.HWM_READER, hwmReader);
    return queue;
  }

  /** A word of the context's header. */
  header(word: number): number {
    return load(this.words, word);
  }
}
