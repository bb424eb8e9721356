// libzmq: socket_base.hpp (the x… methods) · runs on: app thread · RFC: 28, 29, 30, 31

import { FRAME_MORE } from "../base/frame_header.ts";
import type { SocketOptions } from "../base/options.ts";
import type { Message } from "../memory/message.ts";
import type { OutPart, Pipe } from "./pipe_contract.ts";

/** What a pattern may ask of the socket it serves. */
export interface PatternHost {
  /** Live record: patterns read it at each use. */
  readonly options: SocketOptions;
  /** 32 random bits as a non-negative number. */
  random32(): number;
  /**
   * Called once before a message goes to two pipes or more, so that big parts
   * can become reference-counted blocks. May return `parts` itself.
   */
  share?(parts: readonly OutPart[], count: number): readonly OutPart[];
  /**
   * Called after the fan-out when `share` returned another array. What stands
   * in `parts` as well is the user's and stays as it is.
   */
  unshare?(shared: readonly OutPart[], parts: readonly OutPart[]): void;
}

/**
 * What a pattern knows, as plain data that structured clone can copy. Pipes
 * are named by {@link Pipe.node}.
 */
export type PatternState = object;

/** The pipes of a socket that came from another thread, by their names. */
export type PipesByName = ReadonlyMap<number, Pipe>;

/** The rules of one socket type. One instance per socket. */
export interface Pattern {
  /** A new pipe. `locallyInitiated`: it comes from this socket's `connect`. */
  attach(pipe: Pipe, locallyInitiated: boolean): void;
  /** Something arrived in a pipe whose `checkRead()` had said `false`. */
  readActivated(pipe: Pipe): void;
  /** Room again in a pipe that had refused a message. */
  writeActivated(pipe: Pipe): void;
  /** The connection behind this outbound pipe was replaced. */
  hiccuped(pipe: Pipe): void;
  /** The pipe is gone; it must not be touched any more. */
  pipeTerminated(pipe: Pipe): void;
  /**
   * Sends one whole message of `count` parts, `count >= 1`.
   *
   * @returns `false` when it would block; then nothing has changed.
   * @throws {ZmqError} EFSM, EHOSTUNREACH, ENOTSUP
   */
  trySend(parts: readonly OutPart[], count: number): boolean;
  /**
   * Adds the parts of one whole message to `out`.
   *
   * @returns `false` when there is none now.
   * @throws {ZmqError} EFSM, ENOTSUP
   */
  tryReceive(out: Received): boolean;
  /**
   * Sends a message of one part if nothing stands in its way, which is most of
   * the time. Absent where there is more to it.
   *
   * @returns `false` when `trySend` must be asked; then nothing has changed.
   */
  trySendBytes?(bytes: Uint8Array): boolean;
  /**
   * Takes a message of one part if that is what comes next and is there to
   * copy. Absent where there is more to it.
   *
   * @returns `null` when `tryReceive` must be asked; then nothing has changed.
   */
  tryReceiveBytes?(): Uint8Array | null;
  /** Would `tryReceive` find something? */
  hasIn(): boolean;
  /** Would `trySend` be accepted? */
  hasOut(): boolean;
  /** SUB: adds a filter; XPUB with `manual`: subscribes the last peer. */
  subscribe?(prefix: Uint8Array): void;
  /** Reverses one `subscribe`. */
  unsubscribe?(prefix: Uint8Array): void;
  /** ROUTER: is this routing id in use? */
  hasPeer?(routingId: Uint8Array): boolean;
  /** Everything this pattern knows, for its successor on another thread. */
  save(): PatternState;
  /**
   * Takes the place of a pattern that was saved. A fresh pattern is given its
   * state instead of pipes to attach: nothing is said to any peer again.
   */
  restore(state: PatternState, pipes: PipesByName): void;
}

/** Makes the pattern of one socket type. */
export type PatternFactory = (host: PatternHost) => Pattern;

/** Slab size for the few small parts that patterns make themselves. */
const SLAB_SIZE_BYTES = 4096;

/** Stands for "none yet"; never given to users, never changed. */
const NO_PARTS: (Uint8Array | Message)[] = [];

/**
 * Where `tryReceive` puts a message. One per socket, used again for every
 * message; the `parts` array goes to the user, so `clear()` makes a new one.
 */
export class Received {
  parts: (Uint8Array | Message)[];
  /** Take zero-copy messages instead of copies. */
  asMessages: boolean;
  readonly #allocate: (size: number) => Uint8Array;
  #slab: Uint8Array;
  #slabUsed: number;

  /**
   * @param allocate Makes the memory of copied parts; its kind of typed array
   * (a Buffer, say) is what users get, since parts are `subarray`s of it.
   */
  constructor(
    asMessages: boolean = false,
    allocate: (size: number) => Uint8Array = allocateBytes,
  ) {
    this.parts = NO_PARTS;
    this.asMessages = asMessages;
    this.#allocate = allocate;
    this.#slab = allocate(0);
    this.#slabUsed = 0;
  }

  /** Forgets the message; its array stays with whoever took it. */
  clear(): void {
    this.parts = NO_PARTS;
  }

  /** Takes the front frame of a pipe. */
  takeFrom(pipe: Pipe): void {
    this.push(this.asMessages ? pipe.takeMessage() : pipe.takePart());
  }

  /** Takes the front frame and all that follow it in the same message. */
  takeRest(pipe: Pipe): void {
    let more = pipe.frameFlags & FRAME_MORE;
    this.takeFrom(pipe);
    while (more !== 0) {
      pipe.nextFrame();
      more = pipe.frameFlags & FRAME_MORE;
      this.takeFrom(pipe);
    }
  }

  /** Adds a part that the user may own. */
  push(part: Uint8Array | Message): void {
    // An array made around its first element has room for just that one.
    if (this.parts === NO_PARTS) this.parts = [part];
    else this.parts.push(part);
  }

  /** Adds a copy of `bytes[start]` to `bytes[end - 1]` as a part. */
  pushCopy(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const source = start === 0 && end === bytes.length
      ? bytes
      : bytes.subarray(start, end);
    if (size > SLAB_SIZE_BYTES / 4) {
      const copy = this.#allocate(size);
      copy.set(source);
      this.push(copy);
      return;
    }
    // A user who transfers a part's buffer detaches the slab: its length is 0
    // then, and the same test makes a new one.
    if (this.#slabUsed + size > this.#slab.length) {
      this.#slab = this.#allocate(SLAB_SIZE_BYTES);
      this.#slabUsed = 0;
    }
    const from = this.#slabUsed;
    this.#slabUsed = from + size;
    this.#slab.set(source, from);
    this.push(this.#slab.subarray(from, from + size));
  }
}

function allocateBytes(size: number): Uint8Array {
  return new Uint8Array(size);
}
