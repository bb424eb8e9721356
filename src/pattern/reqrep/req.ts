// libzmq: req.{hpp,cpp} · runs on: app thread · RFC: 28

import { ZmqError } from "../../base/errors.ts";
import { FRAME_MORE, writeUint32 } from "../../base/frame_header.ts";
import type {
  Pattern,
  PatternHost,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { FairQueue } from "../fair_queue.ts";
import { LoadBalancer } from "../load_balancer.ts";
import { EMPTY_PART, Envelope, writeProbe } from "../out_part.ts";
import { nameOf, pipeNamed } from "../saved_pipes.ts";

const REQUEST_ID_BYTES = 4;

/**
 * Old replies thrown away before one send. A peer that sends faster than this
 * thread can drop must not hold it for ever.
 */
const PURGE_MESSAGES_MAX = 65536;

interface ReqState {
  readonly fairQueue: SavedTurns;
  readonly loadBalancer: SavedTurns;
  readonly requestIdBytes: Uint8Array;
  readonly requestId: number;
  readonly awaitingReply: boolean;
  readonly correlated: boolean;
  readonly replyPipe: number;
}

/** REQ: sends a request, then receives its reply, and so on in turn. */
export class Req implements Pattern {
  readonly #host: PatternHost;
  readonly #fairQueue: FairQueue;
  readonly #loadBalancer: LoadBalancer;
  readonly #envelope: Envelope;
  readonly #requestIdBytes: Uint8Array;
  #requestId: number;
  /** A request was sent and its reply not yet received. */
  #awaitingReply: boolean;
  /** The request that was sent carries an id. */
  #correlated: boolean;
  /** Where the request went; `null` once that pipe is gone. */
  #replyPipe: Pipe | null;

  constructor(host: PatternHost) {
    this.#host = host;
    this.#fairQueue = new FairQueue();
    this.#loadBalancer = new LoadBalancer();
    this.#envelope = new Envelope();
    this.#requestIdBytes = new Uint8Array(REQUEST_ID_BYTES);
    this.#requestId = host.random32();
    this.#awaitingReply = false;
    this.#correlated = false;
    this.#replyPipe = null;
  }

  attach(pipe: Pipe): void {
    if (this.#host.options.probeRouter) writeProbe(pipe);
    this.#fairQueue.attach(pipe);
    this.#loadBalancer.attach(pipe);
  }

  readActivated(pipe: Pipe): void {
    this.#fairQueue.activated(pipe);
  }

  writeActivated(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  hiccuped(pipe: Pipe): void {
    this.#loadBalancer.activated(pipe);
  }

  pipeTerminated(pipe: Pipe): void {
    // From now on any pipe may bring the reply: a peer that connected to this
    // socket keeps it queued and delivers it through its next connection.
    if (this.#replyPipe === pipe) this.#replyPipe = null;
    this.#fairQueue.pipeTerminated(pipe);
    this.#loadBalancer.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    const options = this.#host.options;
    if (this.#awaitingReply && !options.relaxed) throw new ZmqError("EFSM");
    if (!this.#loadBalancer.hasOut()) return false;
    // Before the request leaves: its own reply must not be thrown away.
    this.#purgeReplies();
    const envelope = this.#envelope;
    const correlate = options.correlate;
    if (correlate) {
      writeUint32(this.#requestIdBytes, 0, this.#requestId + 1);
      envelope.push(this.#requestIdBytes);
    }
    // RFC 28, "The REQ Socket Type": an empty frame delimits the envelope.
    envelope.push(EMPTY_PART);
    envelope.pushAll(parts, count);
    let pipe: Pipe | null = null;
    try {
      pipe = this.#loadBalancer.send(envelope.parts, 0, envelope.count);
    } finally {
      // Also when a part throws: it was released or detached meanwhile.
      envelope.clear();
      // The id of the request that is still open has to stay in place.
      if (pipe === null) writeUint32(this.#requestIdBytes, 0, this.#requestId);
    }
    if (pipe === null) return false;
    if (correlate) this.#requestId = (this.#requestId + 1) >>> 0;
    this.#correlated = correlate;
    this.#replyPipe = pipe;
    this.#awaitingReply = true;
    return true;
  }

  tryReceive(out: Received): boolean {
    if (!this.#awaitingReply) throw new ZmqError("EFSM");
    for (;;) {
      const pipe = this.#candidate();
      if (pipe === null) return false;
      if (this.#correlated) {
        pipe.skipFrame();
        pipe.nextFrame();
      }
      if (isDelimiter(pipe)) {
        pipe.skipFrame();
        pipe.nextFrame();
        out.takeRest(pipe);
        this.#fairQueue.advance();
        this.#awaitingReply = false;
        this.#replyPipe = null;
        return true;
      }
      pipe.skipMessage();
      this.#fairQueue.advance();
    }
  }

  hasIn(): boolean {
    return this.#awaitingReply && this.#candidate() !== null;
  }

  hasOut(): boolean {
    if (this.#awaitingReply && !this.#host.options.relaxed) return false;
    return this.#loadBalancer.hasOut();
  }

  save(): PatternState {
    const state: ReqState = {
      fairQueue: this.#fairQueue.save(),
      loadBalancer: this.#loadBalancer.save(),
      requestIdBytes: this.#requestIdBytes,
      requestId: this.#requestId,
      awaitingReply: this.#awaitingReply,
      correlated: this.#correlated,
      replyPipe: nameOf(this.#replyPipe),
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as ReqState;
    this.#fairQueue.restore(saved.fairQueue, pipes);
    this.#loadBalancer.restore(saved.loadBalancer, pipes);
    this.#requestIdBytes.set(saved.requestIdBytes);
    this.#requestId = saved.requestId;
    this.#awaitingReply = saved.awaitingReply;
    this.#correlated = saved.correlated;
    this.#replyPipe = pipeNamed(pipes, saved.replyPipe);
  }

  /**
   * The pipe with a reply whose first frame is right, or `null`. Everything
   * else is dropped: replies of others, to older requests, without envelope.
   */
  #candidate(): Pipe | null {
    for (;;) {
      const pipe = this.#fairQueue.front();
      if (pipe === null) return null;
      const expected = this.#replyPipe;
      if (expected === null || pipe === expected) {
        const right = this.#correlated
          ? this.#isRequestId(pipe)
          : isDelimiter(pipe);
        if (right) return pipe;
      }
      pipe.skipMessage();
      this.#fairQueue.advance();
    }
  }

  #isRequestId(pipe: Pipe): boolean {
    if ((pipe.frameFlags & FRAME_MORE) === 0) return false;
    if (pipe.frameLength !== REQUEST_ID_BYTES) return false;
    const bytes = pipe.frameBytes;
    const start = pipe.frameStart;
    const id = this.#requestIdBytes;
    return bytes[start] === id[0] && bytes[start + 1] === id[1] &&
      bytes[start + 2] === id[2] && bytes[start + 3] === id[3];
  }

  #purgeReplies(): void {
    for (let dropped = 0; dropped < PURGE_MESSAGES_MAX; dropped++) {
      const pipe = this.#fairQueue.front();
      if (pipe === null) return;
      pipe.skipMessage();
      this.#fairQueue.advance();
    }
  }
}

/** Is the front frame the empty one that ends an envelope? */
function isDelimiter(pipe: Pipe): boolean {
  return pipe.frameLength === 0 && (pipe.frameFlags & FRAME_MORE) !== 0;
}
