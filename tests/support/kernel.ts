// A context's shared memory without a context: as many of its threads as a
// test wants, all on one JavaScript thread, each of which handles its mail
// when the test says so.
import { load, store } from "../../src/memory/shared_access.ts";
import { H, THREAD } from "../../src/memory/layout.ts";
import { PayloadSegments } from "../../src/memory/payload_segments.ts";
import type { SegmentCourier } from "../../src/memory/payload_segments.ts";
import { ControlSegment } from "../../src/memory/control_segment.ts";
import {
  type ContextHandle,
  createHandle,
  openMemory,
} from "../../src/core/context_handle.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../src/core/ctx_options.ts";
import type { CorePlatform } from "../../src/core/platform.ts";
import {
  createPipePair,
  Pipe,
  type PipeLimits,
  type PipeSink,
} from "../../src/core/pipe.ts";
import { initThread, Thread } from "../../src/core/thread.ts";
import { WIRING } from "../../src/wiring.ts";

/** What is alive in a kernel; all 0 at rest. */
export interface KernelCounts {
  pipes: number;
  owned: number;
  blocks: number;
  bytes: number;
}

/** Segments beyond the first do not travel between these threads. */
const NO_COURIER: SegmentCourier = {
  publish: () => {},
  obtain: () => {
    throw new Error("A kernel has one payload segment");
  },
  close: () => {},
};

/** The shared memory of a context and some of its threads. */
export class Kernel {
  readonly handle: ContextHandle;
  readonly control: ControlSegment;
  readonly threads: Thread[] = [];
  readonly platform: CorePlatform;

  constructor(
    options: Partial<CtxOptions> = {},
    platform: Partial<CorePlatform> = {},
    handle: ContextHandle | null = null,
  ) {
    this.platform = { ...WIRING.platform, ...platform };
    this.handle = handle ?? createHandle({
      ...defaultCtxOptions(),
      maxConnections: 64,
      maxSockets: 32,
      ...options,
    }, this.platform);
    this.control = new ControlSegment(
      this.handle.control,
      this.handle.options,
      this.platform,
    );
  }

  /** Another thread of the kernel; slots count from 0. */
  thread(slot: number = this.threads.length): Thread {
    const payload = new PayloadSegments(
      this.control,
      [this.handle.payload],
      NO_COURIER,
    );
    initThread(this.control, slot);
    const tid = this.control.layout.thread(slot) + THREAD.TID;
    store(this.control.words, tid, this.control.tid);
    const memory = openMemory(
      this.control,
      payload,
      slot,
      this.handle.options,
    );
    const thread = new Thread(memory, this.platform, () => []);
    this.threads.push(thread);
    return thread;
  }

  /** Lets all threads handle their mail until none has any. */
  settle(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const thread of this.threads) {
        if (thread.processMail()) busy = true;
      }
    }
  }

  /** One more thread takes what the limit leaves; gives it back when told. */
  hogMemory(): () => void {
    const { payload } = this.thread().memory;
    const held: [number, number][] = [];
    for (const bytes of [65_536, 4096, 256]) {
      for (let ref = 1; ref !== 0;) {
        ref = payload.allocate(bytes);
        if (ref !== 0) held.push([ref, bytes]);
      }
    }
    return () => {
      for (const [ref, bytes] of held.splice(0)) payload.free(ref, bytes);
      payload.flushCaches();
    };
  }

  counts(): KernelCounts {
    const { words } = this.control;
    return {
      pipes: load(words, H.PIPE_COUNT),
      owned: load(words, H.OWN_COUNT),
      blocks: load(words, H.BLOCK_COUNT),
      bytes: load(words, H.MEMORY_USED) * 256,
    };
  }
}

/** What a kernel at rest holds. */
export const NOTHING_ALIVE: KernelCounts = {
  pipes: 0,
  owned: 0,
  blocks: 0,
  bytes: 0,
};

/** A pipe's owner that writes down what it hears. */
export class SinkLog implements PipeSink {
  readonly calls: string[] = [];

  readActivated(): void {
    this.calls.push("readActivated");
  }
  writeActivated(): void {
    this.calls.push("writeActivated");
  }
  hiccuped(): void {
    this.calls.push("hiccuped");
  }
  hiccupAcknowledged(): void {
    this.calls.push("hiccupAcknowledged");
  }
  pipeTerminated(): void {
    this.calls.push("pipeTerminated");
  }

  /** How often the sink heard something. */
  count(call: string): number {
    return this.calls.filter((heard) => heard === call).length;
  }

  /** What was heard since the last time. */
  take(): string[] {
    return this.calls.splice(0);
  }
}

/** Both ends of a pipe. */
export interface PipeEnds {
  first: Pipe;
  second: Pipe;
  firstSink: SinkLog;
  secondSink: SinkLog;
}

/** A pipe from one thread to another, or to the same. */
export function openPipe(
  from: Thread,
  to: Thread,
  limits: Partial<PipeLimits> & { holding?: boolean } = {},
): PipeEnds {
  const record = createPipePair(from.memory, [from.mailbox, to.mailbox], {
    firstSend: 0,
    secondReceive: -1,
    secondSend: -1,
    firstReceive: 0,
    flags: 0,
    ...limits,
  });
  if (record === 0) throw new Error("The kernel has no pipe left");
  const firstSink = new SinkLog();
  const secondSink = new SinkLog();
  return {
    first: new Pipe(from, record, 0, firstSink),
    second: new Pipe(to, record, 1, secondSink, limits.holding ?? false),
    firstSink,
    secondSink,
  };
}

/** Writes a message of texts. */
export function writeTexts(pipe: Pipe, ...parts: string[]): boolean {
  const encoder = new TextEncoder();
  return pipe.write(parts.map((part) => encoder.encode(part)), 0, parts.length);
}

/** Reads a message as texts; null when there is none. */
export function readTexts(pipe: Pipe): string[] | null {
  if (!pipe.checkRead()) return null;
  const parts: string[] = [];
  for (;;) {
    const more = (pipe.frameFlags & 1) !== 0;
    parts.push(new TextDecoder().decode(Uint8Array.from(pipe.takePart())));
    if (!more) return parts;
    pipe.nextFrame();
  }
}

/** Reads all messages that are there. */
export function readAllTexts(pipe: Pipe): string[][] {
  const all: string[][] = [];
  for (;;) {
    const message = readTexts(pipe);
    if (message === null) return all;
    all.push(message);
  }
}

/** Lets both ends of a pipe go, whatever they are up to. */
export function closePipe(kernel: Kernel, { first, second }: PipeEnds): void {
  first.terminate(false);
  second.terminate(false);
  kernel.settle();
}
