// libzmq: rep.{hpp,cpp} · runs on: app thread · RFC: 28

import { ZmqError } from "../../base/errors.ts";
import { FRAME_MORE } from "../../base/frame_header.ts";
import type {
  Pattern,
  PatternState,
  PipesByName,
  Received,
} from "../../core/pattern.ts";
import type { OutPart, Pipe } from "../../core/pipe_contract.ts";
import type { SavedTurns } from "../active_array.ts";
import { FairQueue } from "../fair_queue.ts";
import { EMPTY_PART, Envelope } from "../out_part.ts";
import { nameOf, pipeNamed } from "../saved_pipes.ts";

/** Label buffers worth keeping for the next request: more hops are rare. */
const LABELS_KEPT = 16;
/** Octets of a label buffer worth keeping: routing ids are no longer. */
const LABEL_BYTES_KEPT = 255;

interface RepState {
  readonly fairQueue: SavedTurns;
  readonly labels: readonly Uint8Array[];
  readonly owesReply: boolean;
  readonly requestPipe: number;
}

/** REP: receives a request, then sends its reply, and so on in turn. */
export class Rep implements Pattern {
  readonly #fairQueue: FairQueue;
  readonly #envelope: Envelope;
  /** Copies of the request's envelope frames, kept for the next request too. */
  readonly #labels: Uint8Array[];
  #labelCount: number;
  /** A request was received and its reply not yet sent. */
  #owesReply: boolean;
  /** Where the request came from; `null` once that pipe is gone. */
  #requestPipe: Pipe | null;

  constructor() {
    this.#fairQueue = new FairQueue();
    this.#envelope = new Envelope();
    this.#labels = [];
    this.#labelCount = 0;
    this.#owesReply = false;
    this.#requestPipe = null;
  }

  attach(pipe: Pipe): void {
    this.#fairQueue.attach(pipe);
  }

  readActivated(pipe: Pipe): void {
    this.#fairQueue.activated(pipe);
  }

  // Replies never wait for room, so nobody wants to know.
  writeActivated(): void {}
  hiccuped(): void {}

  pipeTerminated(pipe: Pipe): void {
    if (this.#requestPipe === pipe) this.#requestPipe = null;
    this.#fairQueue.pipeTerminated(pipe);
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    if (!this.#owesReply) throw new ZmqError("EFSM");
    const pipe = this.#requestPipe;
    // RFC 28, "The REP Socket Type": a reply that cannot go is discarded.
    if (pipe !== null && pipe.checkWrite()) {
      const envelope = this.#envelope;
      try {
        envelope.pushAll(this.#labels, this.#labelCount);
        envelope.pushAll(parts, count);
        pipe.write(envelope.parts, 0, envelope.count);
      } finally {
        // Also when a part throws: it was released or detached meanwhile.
        envelope.clear();
      }
    }
    this.#dropLabels();
    this.#owesReply = false;
    this.#requestPipe = null;
    return true;
  }

  tryReceive(out: Received): boolean {
    if (this.#owesReply) throw new ZmqError("EFSM");
    for (;;) {
      const pipe = this.#fairQueue.front();
      if (pipe === null) return false;
      const wellFormed = this.#takeEnvelope(pipe);
      if (wellFormed) out.takeRest(pipe);
      this.#fairQueue.advance();
      if (!wellFormed) continue;
      this.#requestPipe = pipe;
      this.#owesReply = true;
      return true;
    }
  }

  hasIn(): boolean {
    return !this.#owesReply && this.#fairQueue.front() !== null;
  }

  hasOut(): boolean {
    return this.#owesReply;
  }

  save(): PatternState {
    const state: RepState = {
      fairQueue: this.#fairQueue.save(),
      labels: this.#labels.slice(0, this.#labelCount),
      owesReply: this.#owesReply,
      requestPipe: nameOf(this.#requestPipe),
    };
    return state;
  }

  restore(state: PatternState, pipes: PipesByName): void {
    const saved = state as RepState;
    this.#fairQueue.restore(saved.fairQueue, pipes);
    for (const label of saved.labels) this.#labels.push(label);
    this.#labelCount = saved.labels.length;
    this.#owesReply = saved.owesReply;
    this.#requestPipe = pipeNamed(pipes, saved.requestPipe);
  }

  /**
   * Copies the frames up to the empty one and goes to the first frame of the
   * body. `false`: there is no such frame, and the message is used up.
   */
  #takeEnvelope(pipe: Pipe): boolean {
    this.#dropLabels();
    for (;;) {
      if ((pipe.frameFlags & FRAME_MORE) === 0) {
        pipe.skipMessage();
        this.#dropLabels();
        return false;
      }
      const length = pipe.frameLength;
      this.#keepLabel(pipe);
      pipe.skipFrame();
      pipe.nextFrame();
      if (length === 0) return true;
    }
  }

  /** Forgets the labels, but not the buffers that will do again. */
  #dropLabels(): void {
    const kept = Math.min(this.#labelCount, LABELS_KEPT);
    for (let i = 0; i < kept; i++) {
      const size = (this.#labels[i] as Uint8Array).length;
      if (size > LABEL_BYTES_KEPT) this.#labels[i] = EMPTY_PART;
    }
    if (this.#labels.length > LABELS_KEPT) this.#labels.length = LABELS_KEPT;
    this.#labelCount = 0;
  }

  #keepLabel(pipe: Pipe): void {
    const length = pipe.frameLength;
    const index = this.#labelCount++;
    let label = this.#labels[index];
    // Routing ids and request ids mostly have one size: no new memory then.
    if (label === undefined || label.length !== length) {
      label = length === 0 ? EMPTY_PART : new Uint8Array(length);
      this.#labels[index] = label;
    }
    const bytes = pipe.frameBytes;
    const start = pipe.frameStart;
    for (let i = 0; i < length; i++) label[i] = bytes[start + i] as number;
  }
}
