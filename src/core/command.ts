// libzmq: command.hpp · runs on: any · RFC: –

/**
 * Commands between threads. They travel as bits in the intrusive node of the
 * object they concern, so that sending one needs no memory; what two commands
 * of one node mean together is independent of their order, or the handler
 * processes them in the order given here.
 */
export const Command = {
  /** Start living on your thread. Counted by sequence numbers. */
  PLUG: 1,
  /** A pipe for this socket. Counted by sequence numbers. */
  BIND: 2,
  /** The high-water marks of the pipe changed. */
  PIPE_HWM: 8,
  /** The connection behind the pipe was replaced. */
  HICCUP: 16,
  /** Answer to a hiccup: where the new content begins is set. */
  HICCUP_ACK: 32,
  /** Something to read for one who slept. */
  ACTIVATE_READ: 64,
  /** Room for one who found none. */
  ACTIVATE_WRITE: 128,
  PIPE_TERM: 256,
  PIPE_TERM_ACK: 512,
  /** The endpoint gave up for good. */
  TERM_ENDPOINT: 1024,
  /** A child asks its owner to be terminated. */
  TERM_REQ: 2048,
  /** An owner tells its child to die. */
  TERM: 4096,
  TERM_ACK: 8192,
  /** A closed socket for the reaper. */
  REAP: 16384,
  /** A payload segment was added: the reaper keeps it for all. */
  SEGMENT: 65536,
  /** A thread is to end. */
  STOP: 32768,
} as const;

/** An object that commands are sent to. Lives on one thread. */
export interface CommandTarget {
  /** Handles all commands in `bits`. */
  processCommands(bits: number): void;
}
