// libzmq: none · runs on: io thread · RFC: 23 (Framing), 29

import { errnoName } from "../../../ffi/mod.ts";
import {
  FRAME_COMMAND,
  FRAME_LONG,
  FRAME_MORE,
  headerSizeOfFlags,
  readBodyLength,
  SHORT_HEADER_SIZE,
} from "../../base/frame_header.ts";
import type { Pipe } from "../../core/pipe.ts";
import {
  type Engine,
  EngineEnd,
  type IoContext,
  type SessionPort,
} from "../../core/transport.ts";
import {
  CANCEL_NAME_BYTES,
  SUBSCRIBE_NAME_BYTES,
  SubscriptionKind,
  subscriptionKind,
} from "../../pattern/pubsub/subscription_command.ts";
import { Trie } from "../../pattern/trie.ts";
import type { Timer } from "../../poller/timer_queue.ts";
import type { QueueAttachment } from "../../shm/queue_attachment.ts";
import { WaitEnd, type WaitOutcome } from "../../shm/queue_waiter.ts";
import type { PlacedRecord } from "../../shm/record_view.ts";
import { ShmError } from "../../shm/shm_error.ts";
import { RingWatch } from "./ring_watch.ts";

/** As long as a connection waits that is no queue, ms. */
const MEMORY_PATIENCE_MS = 1000;

/** Records looked at before others get their turn. */
const RECORDS_PER_TURN_MAX = 512;

const NOTHING = new Uint8Array(0);

function refusal(end: number): string {
  return `the wait for its queue was refused (${errnoName(-end)})`;
}

/**
 * Reads a publisher's queue for a subscriber: what it has subscribed to goes
 * from the ring into its pipe, in one copy. While the pipe is full nothing is
 * read, so that a slow subscriber loses the oldest messages in the ring.
 */
export class SubscribingEngine implements Engine {
  readonly #io: IoContext;
  readonly #session: SessionPort;
  readonly #attachment: QueueAttachment;
  readonly #watch: RingWatch;
  readonly #topics: Trie;
  /** The frames of the record that is looked at. */
  readonly #parts: Uint8Array[] = [];
  /** Copy of a message that the pipe had no memory for. */
  #held: Uint8Array | null = null;
  #memoryTimer: Timer | null = null;
  #scheduled = false;
  #ended = false;

  /** @param attachment Closed by this engine. */
  constructor(
    io: IoContext,
    session: SessionPort,
    attachment: QueueAttachment,
  ) {
    this.#io = io;
    this.#session = session;
    this.#attachment = attachment;
    this.#topics = new Trie(io.thread.platform.random32());
    this.#watch = new RingWatch(
      io,
      attachment.waitTarget,
      (end) => this.#woken(end),
    );
  }

  plug(): void {
    if (!this.#session.engineReady(NOTHING)) {
      // Never from inside attach: the session is not ready for its end yet.
      this.#io.continueLater(() =>
        this.#end(EngineEnd.CONNECTION, "the context has no room for a pipe")
      );
      return;
    }
    this.#continueLater();
  }

  restartOutput(): void {
    if (this.#ended) return;
    // Reading waits for the answer to a hiccup, after which they come again.
    if (this.#readSubscriptions()) this.#continueLater();
  }

  restartInput(): void {
    if (!this.#ended) this.#read();
  }

  pipeTerminated(): void {
    this.#letGo();
  }

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#letGo();
    this.#parts.length = 0;
    this.#watch.close();
    this.#attachment.close(false);
  }

  /** False while there is no pipe that could be read. */
  #readSubscriptions(): boolean {
    const { pipe } = this.#session;
    if (pipe === null || pipe.hiccupPending) return false;
    while (pipe.checkRead()) {
      if ((pipe.frameFlags & FRAME_COMMAND) === 0) {
        // An XSUB's own message: nobody is there to hear it.
        pipe.skipMessage();
      } else {
        this.#subscribe(pipe);
        pipe.skipFrame();
      }
      pipe.reader.commit();
    }
    return true;
  }

  #subscribe(pipe: Pipe): void {
    const { frameBytes, frameStart, frameLength } = pipe;
    const end = frameStart + frameLength;
    const kind = subscriptionKind(pipe);
    if (kind === SubscriptionKind.SUBSCRIBE) {
      const start = frameStart + SUBSCRIBE_NAME_BYTES;
      // Duplicates come, too, but only one end of them all.
      if (!this.#topics.add(frameBytes, start, end)) {
        this.#topics.remove(frameBytes, start, end);
      }
    } else if (kind === SubscriptionKind.CANCEL) {
      this.#topics.remove(frameBytes, frameStart + CANCEL_NAME_BYTES, end);
    }
  }

  #woken(end: WaitOutcome): void {
    if (this.#ended) return;
    // Waiting again would be refused again, at once.
    if (end < 0) this.#end(EngineEnd.CONNECTION, refusal(end));
    else this.#read(end === WaitEnd.CUT);
  }

  /** @param isCut Somebody has found the file too short. */
  #read(isCut = false): void {
    try {
      if (isCut) this.#attachment.checkSize();
      this.#readRecords();
    } catch (error) {
      if (!(error instanceof ShmError)) throw error;
      this.#end(EngineEnd.CONNECTION, error.message);
    }
  }

  #readRecords(): void {
    const { pipe } = this.#session;
    if (pipe === null || !this.#readSubscriptions()) return;
    const attachment = this.#attachment;
    const { reader } = attachment;
    if (this.#held !== null && !this.#writeHeld(pipe)) return;
    for (let n = 0; n < RECORDS_PER_TURN_MAX; n++) {
      // Full, or ending: the pipe tells when there is room.
      if (!pipe.checkWrite()) return;
      attachment.checkSizeNow();
      const record = reader.nextInPlace();
      if (record === null) {
        this.#atHead();
        return;
      }
      if (!this.#take(pipe, record)) return;
    }
    this.#continueLater();
  }

  /** Everything was read: sleeps, unless nothing will come any more. */
  #atHead(): void {
    const { reader, isClosed, isAlive } = this.#attachment;
    if (!isClosed && isAlive) {
      this.#watch.wait(reader.block, reader.low);
      return;
    }
    // What it wrote last may have come since the ring was looked at.
    if (reader.refresh()) this.#continueLater();
    else this.#end(EngineEnd.CONNECTION, "the publisher is gone");
  }

  /** Hands a record on; false when that has to wait, or all is over. */
  #take(pipe: Pipe, record: PlacedRecord): boolean {
    const { bytes } = record;
    const isGood = this.#split(bytes);
    const isWanted = isGood && this.#isWanted();
    const written = isWanted &&
      pipe.prepare(this.#parts, 0, this.#parts.length);
    const copy = isWanted && !written ? bytes.slice() : null;
    // Everything above has read memory that the publisher may have come to.
    const overtaken = record.inPlace &&
      this.#attachment.wasOvertaken(record.block, record.low);
    if (written) {
      if (overtaken) pipe.rollback();
      else pipe.commit();
    }
    if (overtaken) return true;
    if (!isGood) {
      this.#end(EngineEnd.PROTOCOL, "a record is no message");
      return false;
    }
    if (copy === null) return true;
    this.#held = copy;
    this.#waitForMemory(pipe);
    return false;
  }

  /**
   * Waits until memory has come free. When there was nothing to read for a while
   * that could free some, its patience has an end: the message may be larger
   * than all that there is.
   */
  #waitForMemory(pipe: Pipe): void {
    if (this.#memoryTimer !== null) return;
    // Looked at again, since nobody tells when the last message was read.
    const wasDrained = pipe.writer.drained;
    this.#memoryTimer = this.#io.timers.add(MEMORY_PATIENCE_MS, () => {
      this.#memoryTimer = null;
      if (!wasDrained || !pipe.writer.drained) this.#waitForMemory(pipe);
      else {
        this.#end(EngineEnd.CONNECTION, "no memory for a message (ENOMEM)");
      }
    });
  }

  /** Of the message that waits. */
  #letGo(): void {
    this.#held = null;
    if (this.#memoryTimer !== null) this.#io.timers.cancel(this.#memoryTimer);
    this.#memoryTimer = null;
  }

  #writeHeld(pipe: Pipe): boolean {
    if (!pipe.checkWrite()) return false;
    this.#split(this.#held as Uint8Array);
    if (!pipe.prepare(this.#parts, 0, this.#parts.length)) {
      this.#waitForMemory(pipe);
      return false;
    }
    pipe.commit();
    this.#letGo();
    return true;
  }

  /** Finds the frames of a record; false when it is no message. */
  #split(bytes: Uint8Array): boolean {
    const parts = this.#parts;
    parts.length = 0;
    let at = 0;
    for (let more = true; more;) {
      const left = bytes.length - at;
      if (left < SHORT_HEADER_SIZE) return false;
      const flags = bytes[at] as number;
      const header = headerSizeOfFlags(flags);
      if ((flags & ~(FRAME_MORE | FRAME_LONG)) !== 0 || left < header) {
        return false;
      }
      const length = readBodyLength(bytes, at);
      if (length < 0 || length > left - header) return false;
      at += header + length;
      parts.push(bytes.subarray(at - length, at));
      more = (flags & FRAME_MORE) !== 0;
      if (!more && at !== bytes.length) return false;
    }
    return true;
  }

  #isWanted(): boolean {
    const { maxMessageSize, invertMatching } = this.#session.options;
    const [topic] = this.#parts as [Uint8Array];
    const found = this.#topics.check(topic, 0, topic.length);
    if (found === invertMatching) return false;
    return maxMessageSize < 0 ||
      this.#parts.every(({ length }) => length <= maxMessageSize);
  }

  #continueLater(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#io.continueLater(() => {
      this.#scheduled = false;
      if (!this.#ended) this.#read();
    });
  }

  #end(end: EngineEnd, reason: string): void {
    if (this.#ended) return;
    this.terminate();
    this.#session.engineError(end, reason);
  }
}
