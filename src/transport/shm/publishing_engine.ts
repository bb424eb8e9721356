// libzmq: none · runs on: io thread · RFC: 23 (Framing)

import {
  FRAME_COMMAND,
  FRAME_MORE,
  headerSize,
  LONG_HEADER_SIZE,
  writeHeader,
} from "../../base/frame_header.ts";
import type { Pipe } from "../../core/pipe.ts";
import {
  type Engine,
  EngineEnd,
  type IoContext,
  type SessionPort,
} from "../../core/transport.ts";
import type { Message } from "../../memory/message.ts";
import { subscriptionBody } from "../../pattern/pubsub/subscription_command.ts";
import { FutexAnnouncer } from "../../shm/announcers.ts";
import { ProducerSeat } from "../../shm/producer_seat.ts";
import type { RingMemory } from "../../shm/ring_memory.ts";
import { RingWriter } from "../../shm/ring_writer.ts";

/** Messages written before others get their turn. */
const MESSAGES_PER_TURN_MAX = 512;

const NOTHING = new Uint8Array(0);

/**
 * Writes a publisher's messages into its queue: a record is a message in ZMTP's
 * frames. It never waits for anybody: slow subscribers lose the oldest.
 */
export class PublishingEngine implements Engine {
  readonly #io: IoContext;
  readonly #session: SessionPort;
  readonly #queue: string;
  readonly #lockFd: number;
  readonly #epoch: number;
  readonly #header: Uint8Array = new Uint8Array(LONG_HEADER_SIZE);
  #seat: ProducerSeat | null = null;
  #writer: RingWriter | null = null;
  #scheduled = false;
  #ended = false;

  /**
   * @param lockFd The seat that the binder left.
   * @param epoch The epoch that it has begun.
   */
  constructor(
    io: IoContext,
    session: SessionPort,
    queue: string,
    lockFd: number,
    epoch: number,
  ) {
    this.#io = io;
    this.#session = session;
    this.#queue = queue;
    this.#lockFd = lockFd;
    this.#epoch = epoch;
  }

  plug(): void {
    try {
      const seat = ProducerSeat.resume(
        this.#queue,
        this.#lockFd,
        this.#epoch,
      );
      this.#seat = seat;
      const { memory } = seat.file;
      const announcer = new FutexAnnouncer(seat.file);
      this.#writer = new RingWriter(memory, seat.first, announcer, null);
    } catch (error) {
      this.#endLater(String(error));
      return;
    }
    if (!this.#session.engineReady(NOTHING)) {
      this.#endLater("the context has no room for a pipe");
      return;
    }
    // What a subscriber does not want, it leaves out itself.
    if (!this.#session.options.invertMatching) {
      this.#session.pipe?.writeCommand(subscriptionBody(true, NOTHING));
    }
    this.#continueLater();
  }

  restartOutput(): void {
    const { pipe } = this.#session;
    if (pipe === null || this.#ended || this.#writer === null) return;
    for (let n = 0; n < MESSAGES_PER_TURN_MAX; n++) {
      if (!pipe.checkRead()) return;
      if (!this.#isWhole()) return;
      this.#publish(pipe);
      // It is delivered: nobody will have to write it again.
      pipe.reader.commit();
      // Unless that went into what was no memory of the queue any more.
      if (!this.#isWhole()) return;
    }
    pipe.tellRead();
    this.#continueLater();
  }

  /** False when somebody has cut the file, which is the end. */
  #isWhole(): boolean {
    try {
      this.#seat?.file.checkSizeNow();
      return true;
    } catch (error) {
      this.#endLater(String(error));
      return false;
    }
  }

  restartInput(): void {}

  pipeTerminated(): void {}

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#seat?.end(false);
  }

  #publish(pipe: Pipe): void {
    if ((pipe.frameFlags & FRAME_COMMAND) !== 0) {
      pipe.skipFrame();
      return;
    }
    if ((pipe.frameFlags & FRAME_MORE) !== 0) {
      this.#publishParts(pipe);
      return;
    }
    const { frameBytes, frameStart, frameLength } = pipe;
    const size = headerSize(frameLength) + frameLength;
    const writer = this.#writer as RingWriter;
    const slots = writer.slotsOf(size);
    if (this.#reserve(slots)) {
      const end = frameStart + frameLength;
      const at = writer.offset;
      this.#write(at, 0, frameBytes.subarray(frameStart, end));
      writer.publish(size, slots);
    }
    pipe.skipFrame();
  }

  #publishParts(pipe: Pipe): void {
    const parts: Message[] = [];
    let size = 0;
    for (let more = true; more;) {
      more = (pipe.frameFlags & FRAME_MORE) !== 0;
      size += headerSize(pipe.frameLength) + pipe.frameLength;
      parts.push(pipe.takeMessage());
      if (more) pipe.nextFrame();
    }
    const writer = this.#writer as RingWriter;
    const slots = writer.slotsOf(size);
    if (this.#reserve(slots)) {
      let at = writer.offset;
      parts.forEach(({ bytes }, index) => {
        const flags = index < parts.length - 1 ? FRAME_MORE : 0;
        at = this.#write(at, flags, bytes);
      });
      writer.publish(size, slots);
    }
    for (const part of parts) part.release();
  }

  /** False for what is larger than the ring, which send refuses. */
  #reserve(slots: number): boolean {
    return slots <= this.#memory.geometry.slots &&
      (this.#writer as RingWriter).reserve(slots);
  }

  /** Writes a frame to `at`; where the next one goes. */
  #write(at: number, flags: number, body: Uint8Array): number {
    const header = this.#header;
    const size = writeHeader(header, 0, flags, body.length);
    this.#memory.copyIn(at, header.subarray(0, size));
    this.#memory.copyIn(at + size, body);
    return at + size + body.length;
  }

  get #memory(): RingMemory {
    return (this.#seat as ProducerSeat).file.memory;
  }

  #continueLater(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#io.continueLater(() => {
      this.#scheduled = false;
      this.restartOutput();
    });
  }

  /** Never from inside attach: the session is not ready for its end yet. */
  #endLater(reason: string): void {
    this.#io.continueLater(() => {
      if (this.#ended) return;
      this.terminate();
      this.#session.engineError(EngineEnd.CONNECTION, reason);
    });
  }
}
