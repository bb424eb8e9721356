// libzmq: none · runs on: any · RFC: –

import type { MemoryPlatform } from "../memory/platform.ts";
import type { SegmentCourier } from "../memory/payload_segments.ts";

/** Keeps a JavaScript thread's event loop alive while retained. */
export interface KeepAlive {
  retain(): void;
  release(): void;
}

/** A started worker. */
export interface WorkerHandle {
  /**
   * Calls back once, from the event loop, when the worker is gone: with the
   * error that ended it, or null when it ended by itself.
   */
  onExit(callback: (error: Error | null) => void): void;
  terminate(): void;
}

/** What a worker of a context is told at its start. */
export interface WorkerData {
  readonly role: "io" | "reaper";
  readonly slot: number;
  /** A ContextHandle. */
  readonly context: unknown;
  /** Entry module, or null for the one beside this library. */
  readonly url: string | null;
}

/** The context that a courier is for. */
export interface CourierContext {
  readonly id: string;
  /** Entry module of its workers, or null for the one beside this library. */
  readonly workerUrl: string | null;
}

/**
 * What the core needs of the operating system and the runtime, passed in so
 * that a simulator can stand in for it. `src/wiring.ts` fills it from ffi.
 */
export interface CorePlatform extends MemoryPlatform {
  /** Whether this is the thread that the process ends with. */
  isMainThread(): boolean;
  /** CLOCK_MONOTONIC in milliseconds; one origin for all threads. */
  monotonicMs(): number;
  /**
   * Hands octets to the kernel without blocking: how many it took, or negative
   * errno.
   */
  send(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  /** 32 random bits, as an integer from 0 on. */
  random32(): number;
  /**
   * Resolves after so many milliseconds, or when the function that is given
   * to `onStart` is called.
   */
  delay(
    timeoutMs: number,
    onStart: (wake: () => void) => void,
  ): Promise<void>;
  /** Calls back after so many milliseconds, unless the process ends before. */
  callLater(delayMs: number, callback: () => void): void;
  /** A timer that also keeps the event loop alive while retained. */
  keepAlive(callback: () => void, periodMs: number): KeepAlive;
  /** Starts a worker that neither keeps the process alive nor needs us. */
  spawnWorker(data: WorkerData): WorkerHandle;
  /**
   * Brings payload segments that one thread made to the others.
   *
   * @throws {ZmqError} ENOTSUP when there is no module to start threads from.
   */
  segmentCourier(context: CourierContext): SegmentCourier;
}
