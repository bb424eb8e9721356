// What a scenario is: a few threads that run real sources over one piece of
// shared memory, and what must hold whatever their order.

/** How an execution ended. */
export interface End {
  /** The thread that was stopped for ever at some step, or -1. */
  readonly stopped: number;
  /** Threads that sleep and that nobody is left to wake. */
  readonly asleep: readonly number[];
}

/** The scene of one execution, made anew for each. */
export interface Stage {
  /** What the threads do, in the order of their names. */
  readonly threads: readonly (() => void)[];
  /**
   * For a search of states: all objects that a thread which waits goes on
   * with between two turns of its loop, or while it waits. They tell its state
   * better than what it has seen until then; null where they do not.
   */
  heap?(thread: number, waits: boolean): readonly unknown[] | null;
  /**
   * Whether the end is a good one. Called for ends without sleepers, and for
   * others when {@link Stage.mayEnd} says so.
   */
  check(end: End): void;
  /** What tells good ends apart, where searches are compared by them. */
  end?(): readonly unknown[];
  /** Whether threads may be asleep like this at the end; by default never. */
  mayEnd?(end: End): boolean;
}

/**
 * The scheduling points of a search by commands: where a thread is about to
 * receive some or to wait; where it is about to send one, too; and where it
 * looks for mail after all that it has sent.
 */
export type SchedulingPoints =
  | "receive"
  | "send and receive"
  | "send, look and receive";

/** How far a scenario is searched, and what may happen in it. */
export interface Search {
  /** Sleeps that may end for no reason. */
  readonly spurious?: number;
  /** Sleeps with a limit that may end because time has passed. */
  readonly timeouts?: number;
  /** Threads that may stop for ever, one in each execution. */
  readonly stops?: readonly number[];
  /** Times that a thread may be interrupted which could go on. */
  readonly preemptions?: number;
  /** Threads change places at commands only; at every access when not given. */
  readonly scheduleAt?: SchedulingPoints;
  /** Functions, by name, at whose accesses they do, too. */
  readonly scheduleIn?: readonly string[];
  /**
   * States that were met before are not gone on from: what a scenario does
   * from then on follows from its memory and from what its threads have seen.
   */
  readonly states?: boolean;
  /** Nothing that a thread has seen is forgotten for being of no more use. */
  readonly remembers?: boolean;
  /** More executions than this are a mistake in the scenario. */
  readonly limit?: number;
}

/** A scenario. */
export interface Scenario {
  readonly name: string;
  /** What it shows. */
  readonly what: string;
  readonly threads: readonly string[];
  readonly search?: Search;
  /** How far `deno task explore:deep` goes instead. */
  readonly deep?: Search;
  set(): Stage;
  /** Before the first execution of a search, or of walks. */
  begin?(): void;
  /** Whether all executions together came to what they must. */
  finish?(): void;
}
