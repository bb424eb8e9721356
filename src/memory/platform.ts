// libzmq: none · runs on: any · RFC: –

/**
 * What the memory and core layers need of the operating system, passed in so
 * that a simulator can stand in for it. `src/core/platform.ts` fills it
 * from `ffi/mod.ts`.
 */
export interface MemoryPlatform {
  /** The address of a view's first byte, the same in every thread. */
  addressOf(view: ArrayBufferView): number;
  /** A view of memory that belongs to somebody else. */
  viewAt(address: number, length: number): Uint8Array;
  /** Gives whole pages inside the range back to the system. */
  madviseFree(address: number, length: number): number;
  /** The kernel's id of this thread. */
  gettid(): number;
  /** Whether a thread of this process with that id still runs. */
  threadAlive(tid: number): boolean;
  /** Private bytes for the user, not zeroed; a node Buffer. */
  allocateBytes(length: number): Uint8Array;
  /**
   * Copies `source[from]` to `source[to - 1]` to `target[at]` on; either may
   * be shared.
   */
  copyBytes(
    target: Uint8Array,
    at: number,
    source: Uint8Array,
    from: number,
    to: number,
  ): void;
  /** Wakes a thread that sleeps in its poller; never blocks. */
  wake(target: number): void;
}
