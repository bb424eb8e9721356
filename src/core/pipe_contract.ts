// libzmq: pipe.hpp (the part that patterns use) · runs on: app thread · RFC: –

import type { Message } from "../memory/message.ts";

/** One part of an outgoing message: bytes to copy, or a zero-copy message. */
export type OutPart = Uint8Array | Message;

/**
 * One end of the two-way queue between a socket and its peer, as far as the
 * patterns need it. `core/pipe.ts` implements it.
 *
 * None of these calls may call back into the pattern: `pipeTerminated`,
 * `readActivated` and `writeActivated` come from the command loop only.
 */
export interface Pipe {
  /** Names this end of the pipe, in every thread of the context. */
  readonly node: number;
  /** Place in the pattern's fair queue, -1 while in none. Owner: fair queue. */
  fqIndex: number;
  /** Place in the load balancer, -1 while in none. Owner: load balancer. */
  lbIndex: number;
  /** Place in the distributor, -1 while in none. Owner: distributor. */
  distIndex: number;
  /** Whatever the pattern wants to find again from the pipe. Starts `null`. */
  patternData: object | null;

  /**
   * The peer's own routing id. `null`: not known yet (a connecting side whose
   * handshake is not done); empty: the peer gave none. May change when the
   * connection behind the pipe does.
   */
  readonly routingId: Uint8Array | null;
  /** The id given to `connect(endpoint, routingId)`, else `null`. */
  readonly assignedRoutingId: Uint8Array | null;

  /**
   * Is there a complete message, or a ZMTP command, at the front? `false`
   * puts this end to sleep, so that `readActivated` follows the next arrival.
   * Entries of the pipe's own (delimiter, "connection changed") are consumed.
   */
  checkRead(): boolean;
  /** MORE and COMMAND bits of the front frame; valid after `checkRead()`. */
  readonly frameFlags: number;
  /** Memory that holds the front frame's body. Shared: never keep it. */
  readonly frameBytes: Uint8Array;
  /** Where the body starts in `frameBytes`. */
  readonly frameStart: number;
  /** Octets in the front frame's body. */
  readonly frameLength: number;
  /** Copies the front frame out as bytes the user owns, and passes it. */
  takePart(): Uint8Array;
  /**
   * Takes a message that is one inline frame of a run already seen, as bytes
   * the user owns. `null`: whatever else there is, `checkRead()` will tell.
   */
  takeBytes(): Uint8Array | null;
  /** Hands the front frame out without a copy, and passes it. */
  takeMessage(): Message;
  /** Passes the front frame. */
  skipFrame(): void;
  /**
   * Moves to the next frame of the same message. Call it after a frame that
   * carried MORE was taken or skipped; the frame is always there.
   */
  nextFrame(): void;
  /** Drops the front frame and all that follow it in the same message. */
  skipMessage(): void;

  /** Whether messages may be written at all: nobody has begun to end it. */
  readonly open: boolean;
  /**
   * Room for one more message? `false` marks the writer as blocked, so that
   * `writeActivated` follows when there is room again.
   */
  checkWrite(): boolean;
  /**
   * Writes `parts[from]` to `parts[from + count - 1]` as one message and
   * flushes it. The high-water mark is not checked again. `false`: memory ran
   * out and nothing was written; as after `checkWrite()`, `writeActivated`
   * follows.
   */
  write(parts: readonly OutPart[], from: number, count: number): boolean;
  /** Whether {@link writeBytes} takes these bytes. */
  hasRoomFor(bytes: Uint8Array): boolean;
  /**
   * Writes and flushes a message of one part, if there is credit and the
   * current chunk has room. `false`: nothing was written, and `checkWrite()`
   * and `write()` tell whether it can be. So it is for the first message after
   * a rest, which `write()` may hand to the kernel itself.
   */
  writeBytes(bytes: Uint8Array): boolean;
  /**
   * As `write`, but nobody sees the message yet: `commit` or `rollback` comes
   * before anything else is written.
   */
  prepare(parts: readonly OutPart[], from: number, count: number): boolean;
  /** Flushes what was prepared. */
  commit(): void;
  /** Takes back an unfinished message. */
  rollback(): void;
  /**
   * Writes a ZMTP command frame (SUBSCRIBE, CANCEL) with this body, outside
   * the high-water mark, and flushes it. The bytes are copied.
   */
  writeCommand(body: Uint8Array): void;

  /** This side will not read: do not wait for the peer's delimiter. */
  setNoDelay(): void;
  /** Starts the end of this pipe; `delay` lets unread messages be read first. */
  terminate(delay: boolean): void;
}
