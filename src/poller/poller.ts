// libzmq: poller_base.hpp, i_poll_events.hpp · runs on: io thread · RFC: –

/** What an object hears of its descriptor. */
export interface PollEvents {
  /** Readable, or in error: a read will tell. */
  inEvent(): void;
  /** Writable. */
  outEvent(): void;
}

/** A registered descriptor. */
export interface PollHandle {
  readonly fd: number;
}

/**
 * Readiness of many descriptors on one thread.
 *
 * Level-triggered. Not guaranteed: that an event is still true when it is
 * delivered; so every read and write must cope with "would block". Removing
 * a handle, also from inside a callback, ends its events at once, even if
 * its number is used again in the same turn.
 */
export interface Poller {
  /** Descriptors registered, for the choice of a thread. */
  readonly load: number;
  /**
   * Registers a descriptor, first without interest.
   *
   * @returns The handle, or a negative errno.
   */
  add(fd: number, events: PollEvents): PollHandle | number;
  remove(handle: PollHandle): void;
  setInterest(handle: PollHandle, input: boolean, output: boolean): void;
  /** Registers a descriptor whose only purpose is to end {@link wait}. */
  addWakeup(fd: number): number;
  /**
   * Waits for events and delivers them.
   *
   * @param timeoutMs -1 = for ever.
   */
  wait(timeoutMs: number): void;
  close(): void;
}
