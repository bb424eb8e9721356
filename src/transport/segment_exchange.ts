// libzmq: none · runs on: any · RFC: –

import { MessagePipe, monotonicMs, spawnWorker } from "../../ffi/mod.ts";
import { wait } from "../memory/shared_access.ts";
import { lostSegmentError } from "../memory/payload_segments.ts";
import type { SegmentCourier } from "../memory/payload_segments.ts";

/** How long a thread waits for a segment whose maker lives, ms. */
const OBTAIN_MS_MAX = 20_000;

/** How long for one whose maker does not: others would answer at once, ms. */
const ORPHAN_MS_MAX = 1_500;

/** How long its courier may take to start in between, ms. */
const COURIER_START_MS_MAX = 5_000;

/** How often it asks again, ms. */
const ASK_INTERVAL_MS = 100;

/** What a courier worker is told at its start. */
export interface CourierData {
  readonly role: "courier";
  /** Channel that all couriers of a context listen to. */
  readonly channel: string;
  readonly port: unknown;
}

/** Said by a courier to its thread, in place of an index: it runs. */
export const COURIER_RUNS = -1;

/** What threads and couriers tell each other. */
export interface SegmentNote {
  /** The segment's number, or {@link COURIER_RUNS}. */
  readonly index: number;
  /** The segment; absent = asking for it. */
  readonly buffer?: SharedArrayBuffer;
}

/**
 * Brings payload segments to threads that never return to their event loop.
 * Each thread that makes or needs one starts a courier: a small worker with an
 * event loop, which knows all segments that its context's couriers spoke of.
 */
export class SegmentExchange implements SegmentCourier {
  readonly #channel: string;
  readonly #workerUrl: string;
  readonly #known: Map<number, SharedArrayBuffer> = new Map();
  #port: MessagePipe | null = null;
  /** When the courier is sure to pass questions on. */
  #courierRunsMs = 0;
  /** Nobody wakes this word: waiting for it is a pause. */
  readonly #never: Int32Array = new Int32Array(new SharedArrayBuffer(4));

  constructor(contextId: string, workerUrl: string) {
    this.#channel = `purezmq-${contextId}`;
    this.#workerUrl = workerUrl;
  }

  publish(index: number, buffer: SharedArrayBuffer): void {
    const note: SegmentNote = { index, buffer };
    this.#courier().post(note);
  }

  obtain(
    index: number,
    makerLives: () => boolean = () => true,
  ): SharedArrayBuffer {
    const port = this.#courier();
    const begin = monotonicMs();
    let askAgain = 0;
    for (;;) {
      const found = this.#known.get(index);
      if (found !== undefined) return found;
      const note = port.take() as SegmentNote | undefined;
      if (note?.buffer !== undefined) {
        this.#known.set(note.index, note.buffer);
        continue;
      }
      const now = monotonicMs();
      if (note?.index === COURIER_RUNS) this.#courierRunsMs = now;
      if (now >= askAgain) {
        const asking = now - Math.max(begin, this.#courierRunsMs);
        if (
          now - begin > OBTAIN_MS_MAX ||
          (asking > ORPHAN_MS_MAX && !makerLives())
        ) throw lostSegmentError(index);
        port.post({ index } satisfies SegmentNote);
        askAgain = now + ASK_INTERVAL_MS;
      }
      wait(this.#never, 0, 0, 1);
    }
  }

  close(): void {
    this.#port?.post(null);
    this.#port?.close();
    this.#port = null;
  }

  #courier(): MessagePipe {
    if (this.#port !== null) return this.#port;
    const { near, far } = MessagePipe.open();
    const data: CourierData = {
      role: "courier",
      channel: this.#channel,
      port: far,
    };
    spawnWorker(this.#workerUrl, data, [far]);
    this.#courierRunsMs = monotonicMs() + COURIER_START_MS_MAX;
    return this.#port = near;
  }
}
