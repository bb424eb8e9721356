// libzmq: poller_base.hpp, i_poll_events.hpp · runs on: io thread · RFC: –

/** The system calls that a poller can stand on. */
export type PollerKind = "epoll" | "kqueue" | "poll" | "select";

/**
 * When the system tells of a descriptor: as long as it is ready (`level`), or
 * each time it becomes ready (`edge`).
 */
export type Trigger = "level" | "edge";

/** What an object hears of its descriptor. */
export interface PollEvents {
  /** Readable, or broken: a read will tell. */
  inEvent(): void;
  /** Writable, or broken: a write will tell. */
  outEvent(): void;
}

/** A registered descriptor. */
export interface PollHandle {
  readonly fd: number;
}

/**
 * Readiness of many descriptors on one thread.
 *
 * Both triggers keep one promise: a descriptor that is ready in a direction
 * of interest is told of in every turn, until {@link Poller.inputExhausted}
 * or {@link Poller.outputExhausted} says that a call would have blocked. An
 * edge-triggered poller remembers for that purpose what the system told it
 * once; a level-triggered one asks the system, and takes no notice of them.
 *
 * Not promised:
 * - that an event is still true when it is delivered: reads and writes cope
 *   with "would block", and then say that they are exhausted;
 * - that a descriptor without interest is silent: a connection that broke may
 *   be told of once, by `inEvent`, until its interest is set again;
 * - an order among the descriptors of one turn.
 *
 * Callbacks should not throw. If one does, so does {@link Poller.wait}, and the
 * others of that turn are told in the next one.
 *
 * Output is told before input. Removing a handle, also from inside a callback,
 * ends its events at once, even if its number is used again in the same turn.
 * Handles are removed before their descriptors are closed.
 */
export interface Poller {
  readonly kind: PollerKind;
  readonly trigger: Trigger;
  /** Descriptors registered, the wake-up's own not counted. */
  readonly load: number;
  /** What ffi's `wake` takes, in any thread, to end {@link Poller.wait}. */
  readonly wakeTarget: number;
  /**
   * A descriptor of the poller itself, readable while {@link Poller.wait}
   * would come back at once with what the system knows; absent when there is
   * none. Another thread may poll it for a thread that must not block.
   */
  readonly descriptor?: number | undefined;
  /**
   * Whether the system had no memory for a call of the last turn. The next one
   * should not be later than {@link NO_MEMORY_PAUSE_MS}, and not much sooner:
   * {@link Poller.wait} sees to that, but who polls the descriptor cannot.
   */
  readonly strained?: boolean;
  /**
   * Registers a descriptor, first without interest.
   *
   * @param exclusive Of several pollers that watch the same thing (a listening
   * socket) one is enough to be told. Advice: only epoll can follow it, and
   * may tell more than one.
   * @returns The handle, or a negative errno: EBADF for what is no open
   * descriptor, EEXIST for one that is registered, EPERM for one that cannot
   * be polled (a regular file), EMFILE for one beyond the poller's range. Where
   * the system shows no difference between two files (eventfds, to all but
   * epoll), EEXIST also for one with the number of a registered one that was
   * closed and not removed, until a turn has found that closed.
   */
  add(
    fd: number,
    events: PollEvents,
    exclusive?: boolean,
  ): PollHandle | number;
  /** Forgets a descriptor; nothing happens when it is forgotten already. */
  remove(handle: PollHandle): void;
  /** Says what is to be told, from the next turn on. */
  setInterest(handle: PollHandle, input: boolean, output: boolean): void;
  /**
   * A read would have blocked, or brought less than it had room for. An end of
   * the stream behind a short read is told of all the same.
   */
  inputExhausted(handle: PollHandle): void;
  /** A write would have blocked, or was not taken whole. */
  outputExhausted(handle: PollHandle): void;
  /**
   * One turn: waits for events and delivers them, a bounded number of them.
   *
   * @param timeoutMs -1 = for ever. Ends early, but never late, after a wake.
   * @returns How many descriptors were told of.
   * @throws {RangeError} The system cannot wait any more, which nothing here
   * can mend.
   */
  wait(timeoutMs: number): number;
  /** Closes what the poller opened, not the descriptors registered. */
  close(): void;
}

/** Descriptors told of per turn, so that timers and mail get theirs. */
export const EVENTS_PER_TURN_MAX = 256;

/** Pause after the system had no memory for a call, ms: no spinning. */
export const NO_MEMORY_PAUSE_MS = 10;
