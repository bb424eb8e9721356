// libzmq: stream_engine_base.{hpp,cpp}, zmtp_engine.{hpp,cpp} · runs on: io thread · RFC: 23, 37

import {
  errnoName,
  errnoNumber,
  receive,
  receiveVector,
  yieldThread,
} from "../../ffi/mod.ts";
import { SocketType } from "../base/socket_type.ts";
import { PROTOCOL_ERRORS } from "../base/protocol_error.ts";
import type { ProtocolError } from "../base/protocol_error.ts";
import { EngineEnd } from "../core/transport.ts";
import type { Engine, IoContext, SessionPort } from "../core/transport.ts";
import type { Pipe } from "../core/pipe.ts";
import type { MemoryWaiter } from "../core/thread.ts";
import type { PollEvents, PollHandle } from "../poller/poller.ts";
import type { Timer } from "../poller/timer_queue.ts";
import {
  commandDataStart,
  CommandKind,
  encodeCancel,
  encodeCommandFrame,
  encodeLegacySubscription,
  encodeSubscribe,
  identifyCommand,
  pingContextStart,
} from "../zmtp/command_codec.ts";
import { ControlQueue } from "./control_queue.ts";
import { BEHIND_BYTES_MAX, READ_BYTES_MAX } from "./engine_buffers.ts";
import type { EngineBuffers, ScratchTenant } from "./engine_buffers.ts";
import { Handshake, HANDSHAKE_BUFFER_BYTES } from "./handshake.ts";
import { FeedResult, Inbound } from "./inbound.ts";
import { LentWriteSide } from "./lent_write_side.ts";
import { Outbound, SendResult } from "./outbound.ts";

const EAGAIN = -errnoNumber("EAGAIN");

/** Reads from one connection before others get their turn. */
const READS_PER_TURN_MAX = 8;

/** Batches to one connection before others get their turn. */
const BATCHES_PER_TURN_MAX = 8;

/**
 * How long a connection waits for memory for the rest of a message when its
 * own pipe has nothing to read that could free some, ms.
 */
const MEMORY_PATIENCE_MS = 1000;

/** Answers to PINGs that wait for a peer to read, bytes. */
const ANSWERS_BYTES_MAX = 1024;

const NOTHING = new Uint8Array(0);

/** One connection that speaks ZMTP 3 with the NULL mechanism. */
export class ZmtpEngine
  implements Engine, PollEvents, MemoryWaiter, ScratchTenant {
  readonly #io: IoContext;
  readonly #fd: number;
  readonly #session: SessionPort;
  readonly #buffers: EngineBuffers;
  readonly #handshake: Handshake;
  readonly #writeSide: LentWriteSide;
  #handle: PollHandle | null = null;
  #handshakeTimer: Timer | null = null;
  #memoryTimer: Timer | null = null;
  #inbound: Inbound | null = null;
  #outbound: Outbound | null = null;

  /** Received and not yet parsed: in the scratch while that is ours. */
  #leftover: Uint8Array = NOTHING;
  /** Greeting, READY, PONG: bytes that go before the pipe's. */
  readonly #control = new ControlQueue();
  #inputStopped = false;
  #outputWanted = false;
  #scheduled = false;
  /** The peer is gone, but not all that it sent was read. */
  #hungUp = false;
  #ended = false;

  constructor(
    io: IoContext,
    fd: number,
    session: SessionPort,
    buffers: EngineBuffers,
  ) {
    this.#io = io;
    this.#fd = fd;
    this.#session = session;
    this.#buffers = buffers;
    this.#handshake = new Handshake(session.options);
    this.#writeSide = new LentWriteSide(io, fd, (isOurs) => {
      if (!isOurs) this.outEvent();
      else this.#end(EngineEnd.CONNECTION, "a thread died while it wrote");
    });
  }

  plug(): void {
    const handle = this.#io.poller.add(this.#fd, this);
    if (typeof handle === "number") {
      // Never from inside attach: the session is not ready for its end yet.
      this.#io.continueLater(() => this.#fail(handle, "watch"));
      return;
    }
    this.#handle = handle;
    const { handshakeInterval } = this.#session.options;
    if (handshakeInterval > 0) {
      this.#handshakeTimer = this.#io.timers.add(
        handshakeInterval,
        () =>
          this.#end(
            EngineEnd.TIMEOUT,
            `no handshake in ${handshakeInterval} ms`,
          ),
      );
    }
    this.#control.push(this.#handshake.greeting());
    this.#setInterest();
    this.#io.continueLater(() => this.outEvent());
  }

  inEvent(): void {
    if (this.#ended) return;
    if (this.#inputStopped) {
      // An event although we do not read: the connection is broken.
      this.#hangUp();
      return;
    }
    if (this.#inbound === null) this.#readHandshake();
    else this.#readTraffic();
  }

  outEvent(): void {
    if (this.#ended) return;
    this.#outputWanted = false;
    if (!this.#reclaimOutput() || !this.#flushControl()) return;
    const outbound = this.#outbound;
    if (outbound === null) {
      this.#setInterest();
      return;
    }
    let yielded = false;
    for (let batch = 0; batch < BATCHES_PER_TURN_MAX; batch++) {
      const { pipe } = this.#session;
      if (pipe === null || pipe.hiccupPending) return;
      const result = outbound.send(pipe);
      if (result === SendResult.SENT) {
        if (this.#control.length > 0 && !this.#flushControl()) return;
        continue;
      }
      if (result === SendResult.EMPTY) {
        if (batch > 0 && !yielded) {
          // Whoever sends goes on sending, most likely, and need not wake us
          // with a system call if we let it run before we look again.
          yielded = true;
          yieldThread();
          continue;
        }
        // Marks us asleep, or finds the delimiter.
        if (pipe.checkRead()) continue;
        this.#setInterest();
        if (this.#control.length === 0) this.#writeSide.offer();
        return;
      }
      // A broken connection is found by reading, so that nothing that came
      // before the end is lost.
      this.#outputWanted = result === SendResult.FULL;
      if (this.#outputWanted) this.#outputExhausted();
      // What went out before is room for the sender, however small.
      pipe.tellRead();
      this.#setInterest();
      if (result === SendResult.BROKEN) this.#afterBrokenWrite();
      return;
    }
    this.#continueOutput();
  }

  restartOutput(): void {
    if (this.#ended || this.#outputWanted) return;
    this.outEvent();
  }

  restartInput(): void {
    if (this.#ended || !this.#inputStopped) return;
    this.#inputStopped = false;
    const bytes = this.#leftover;
    this.#leftover = NOTHING;
    this.#parse(bytes, bytes.length);
    if (this.#ended || this.#inputStopped) return;
    if (this.#hungUp) this.#readOn();
    else this.#setInterest();
  }

  memoryCame(): void {
    this.restartInput();
  }

  pipeTerminated(): void {
    this.#writeSide.detach();
    this.#outbound?.forget();
    this.#io.thread.forgetMemory(this);
    this.#memoryFound();
    this.#inbound?.reset();
    // Nobody is left to read for, or to send for.
    this.#inputStopped = true;
    this.#setInterest();
  }

  terminate(): void {
    if (this.#ended) return;
    this.#close();
  }

  // Handshake.

  #readHandshake(): void {
    const { scratch } = this.#buffers;
    const have = this.#leftover.length;
    this.#leftoverToFront();
    const room = HANDSHAKE_BUFFER_BYTES - have;
    const count = receive(this.#fd, scratch, have, room);
    if (count <= 0) {
      if (count !== EAGAIN) this.#endOfStream(count);
      else this.#inputExhausted();
      return;
    }
    const end = have + count;
    const at = this.#handshake.feed(scratch, 0, end);
    const reply = this.#handshake.takeReply();
    if (reply !== null) this.#control.push(reply);
    if (this.#handshake.error !== null) {
      this.#flushControl();
      this.#breakOff(this.#handshake.error);
      return;
    }
    this.#leftover = scratch.slice(at, end);
    if (reply !== null) this.outEvent();
    if (this.#handshake.done && !this.#ended) this.#enterTraffic();
  }

  #enterTraffic(): void {
    this.#cancelHandshakeTimer();
    const handshake = this.#handshake;
    if (!this.#session.engineReady(handshake.peerRoutingId)) {
      this.#end(EngineEnd.CONNECTION, "the context has no room for a pipe");
      return;
    }
    const { thread } = this.#io;
    const { pipe, options } = this.#session;
    if (pipe === null) return;
    this.#writeSide.attach(pipe.record);
    this.#inbound = new Inbound(
      thread.memory,
      pipe.writer,
      options.maxMessageSize,
      (bytes, start, end) => this.#onCommand(bytes, start, end),
      options.type === SocketType.PUB || options.type === SocketType.XPUB
        ? (bytes, start, end) => this.#onLegacy(bytes, start, end)
        : null,
    );
    this.#outbound = new Outbound(
      this.#fd,
      thread.memory,
      this.#buffers,
      EAGAIN,
      handshake.peerSpeaks31 ? null : rewriteForZmtp30,
    );
    const bytes = this.#leftover;
    this.#leftover = NOTHING;
    if (bytes.length > 0) this.#parse(bytes, bytes.length);
    if (this.#ended) return;
    this.outEvent();
  }

  // Input.

  #readTraffic(): void {
    for (let reads = 0; reads < READS_PER_TURN_MAX; reads++) {
      const inbound = this.#inbound as Inbound;
      const large = inbound.wantsBody;
      const room = large ? inbound.bodyRoom : 0;
      const wanted = room + (large ? BEHIND_BYTES_MAX : READ_BYTES_MAX);
      const have = this.#leftover.length;
      const count = large ? this.#receiveLarge(inbound) : this.#receiveSmall();
      if (count <= 0) {
        if (count !== EAGAIN || this.#hungUp) this.#endOfStream(count);
        else this.#inputExhausted();
        return;
      }
      const body = Math.min(count, room);
      if (large) inbound.bodyReceived(body);
      const { scratch } = this.#buffers;
      this.#leftover = NOTHING;
      this.#parse(scratch, have + count - body);
      if (this.#ended) return;
      if (count < wanted) this.#inputExhausted();
      if (this.#inputStopped || count < wanted) return;
    }
  }

  #receiveSmall(): number {
    this.#leftoverToFront();
    return receive(
      this.#fd,
      this.#buffers.scratch,
      this.#leftover.length,
      READ_BYTES_MAX,
    );
  }

  /** Straight into the block of a large body, and what follows it. */
  #receiveLarge(inbound: Inbound): number {
    this.#buffers.claim(this);
    const { input, scratchAddress } = this.#buffers;
    input.clear();
    input.push(inbound.bodyAddress, inbound.bodyRoom);
    input.push(scratchAddress, BEHIND_BYTES_MAX);
    return receiveVector(this.#fd, input);
  }

  /** Puts what is left of the last read before what the next one brings. */
  #leftoverToFront(): void {
    this.#buffers.claim(this);
    const { scratch } = this.#buffers;
    const rest = this.#leftover;
    const { length, byteOffset } = rest;
    if (length === 0) return;
    if (rest.buffer !== scratch.buffer) scratch.set(rest);
    else if (byteOffset > 0) {
      scratch.copyWithin(0, byteOffset, byteOffset + length);
      this.#leftover = scratch.subarray(0, length);
    }
  }

  moveOut(): void {
    if (this.#leftover.length > 0) this.#leftover = this.#leftover.slice();
  }

  /** Publishes what is complete and keeps the rest. */
  #parse(bytes: Uint8Array, end: number): void {
    const inbound = this.#inbound;
    const { pipe } = this.#session;
    if (inbound === null || pipe === null) return;
    if (!pipe.writable) {
      // Nobody will read it; the other end may even be gone.
      inbound.reset();
      this.#inputStopped = true;
      this.#setInterest();
      return;
    }
    const result = inbound.feed(bytes, 0, end);
    pipe.flush();
    if (result === FeedResult.BROKEN) {
      this.#breakOff(inbound.error);
      return;
    }
    const { consumed } = inbound;
    // Where they are: in the scratch, until somebody else reads.
    if (consumed < end) this.#leftover = bytes.subarray(consumed, end);
    if (result !== FeedResult.HUNGRY) {
      this.#inputStopped = true;
      this.#setInterest();
      if (result === FeedResult.NO_MEMORY) {
        this.#waitForMemory(pipe);
      } else this.#memoryFound();
    }
    if (result === FeedResult.HUNGRY) this.#memoryFound();
    if (this.#control.length > 0) this.outEvent();
  }

  /**
   * Waits until others have freed memory. A pipe with nothing to read holds
   * what came of an unfinished message, and if everybody does, nobody would
   * ever free any: so its patience has an end, unless messages come through
   * now and then.
   */
  #waitForMemory(pipe: Pipe): void {
    this.#io.thread.wantMemory(this);
    if (this.#memoryTimer !== null) return;
    const { drained, written } = pipe.writer;
    this.#memoryTimer = this.#io.timers.add(MEMORY_PATIENCE_MS, () => {
      this.#memoryTimer = null;
      const { writer } = pipe;
      if (!drained || !writer.drained || writer.written !== written) {
        this.restartInput();
      } else {
        this.#end(
          EngineEnd.CONNECTION,
          "no memory for the rest of a message (ENOMEM)",
        );
      }
    });
  }

  #memoryFound(): void {
    if (this.#memoryTimer !== null) this.#io.timers.cancel(this.#memoryTimer);
    this.#memoryTimer = null;
  }

  #onCommand(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ProtocolError | "ENOMEM" | null {
    const kind = identifyCommand(bytes, start, end);
    switch (kind) {
      case CommandKind.SUBSCRIBE:
      case CommandKind.CANCEL: {
        const { pipe } = this.#session;
        // It would end up inside the message. RFC 23: traffic = *(message |
        // command).
        if (pipe?.writer.unfinished) return "ERR_ZMTP_UNEXPECTED_COMMAND";
        const written = pipe?.tryWriteCommand(bytes.slice(start, end)) ?? true;
        return written ? null : "ENOMEM";
      }
      case CommandKind.PING: {
        const contextAt = pingContextStart(bytes, start, end);
        if (typeof contextAt === "string") return contextAt;
        // RFC 37: each PING is answered. A peer that asks and does not read
        // gets no more than it has room for.
        if (this.#control.length >= ANSWERS_BYTES_MAX) this.#sendAnswers();
        if (this.#control.length < ANSWERS_BYTES_MAX) {
          this.#control.pushPong(bytes, contextAt, end);
        }
        return null;
      }
      case -1:
        return "ERR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED";
      default:
        return null;
    }
  }

  /** A peer before ZMTP 3.1 subscribes by messages. */
  #onLegacy(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): "ENOMEM" | null {
    const prefix = bytes.slice(start + 1, end);
    const written = this.#session.pipe?.tryWriteCommand(
      bytes[start] === 1 ? encodeSubscribe(prefix) : encodeCancel(prefix),
    ) ?? true;
    return written ? null : "ENOMEM";
  }

  // Output.

  /** Tries to send answers from within input; how that ends is seen later. */
  #sendAnswers(): void {
    if (!this.#reclaimOutput() || this.#outbound?.partial) return;
    this.#control.send(this.#fd);
  }

  /** Whether it is the engine that may write. If not, it is told when. */
  #reclaimOutput(): boolean {
    const ahead = this.#writeSide.reclaim();
    if (ahead > 0) this.#outbound?.goOnBehind(ahead);
    return ahead >= 0;
  }

  /** Sends control bytes, between two batches; false when some are left. */
  #flushControl(): boolean {
    if (this.#control.length === 0 || this.#outbound?.partial) return true;
    const sent = this.#control.send(this.#fd);
    if (this.#control.length === 0) return true;
    this.#outputWanted = sent === EAGAIN || sent >= 0;
    if (this.#outputWanted) this.#outputExhausted();
    this.#setInterest();
    if (!this.#outputWanted) this.#afterBrokenWrite();
    return false;
  }

  #continueOutput(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#io.continueLater(() => {
      this.#scheduled = false;
      this.outEvent();
    });
  }

  #setInterest(): void {
    if (this.#handle === null) return;
    this.#io.poller.setInterest(
      this.#handle,
      !this.#inputStopped,
      this.#outputWanted,
    );
  }

  /** A read brought less than it had room for. */
  #inputExhausted(): void {
    if (this.#handle !== null) this.#io.poller.inputExhausted(this.#handle);
  }

  /** A write was not taken whole. */
  #outputExhausted(): void {
    if (this.#handle !== null) this.#io.poller.outputExhausted(this.#handle);
  }

  // Ends.

  /** A write failed: the read side will say why, unless it is stopped. */
  #afterBrokenWrite(): void {
    if (this.#inputStopped) this.#hangUp();
  }

  /**
   * The connection is broken while input is stopped. What the kernel still
   * holds is read when the socket has read what came before it.
   */
  #hangUp(): void {
    const { pipe } = this.#session;
    if (pipe === null || !pipe.writable) {
      this.#end(EngineEnd.CONNECTION, "connection reset");
      return;
    }
    this.#hungUp = true;
    this.#outputWanted = false;
    // Else it would be reported again and again.
    if (this.#handle !== null) this.#io.poller.remove(this.#handle);
    this.#handle = null;
  }

  /** Reads the rest of a broken connection, without events. */
  #readOn(): void {
    if (this.#ended || this.#inputStopped) return;
    this.#readTraffic();
    if (this.#ended || this.#inputStopped) return;
    this.#io.continueLater(() => this.#readOn());
  }

  #endOfStream(count: number): void {
    if (count === 0) this.#end(EngineEnd.CONNECTION, "closed by the peer");
    else this.#fail(count, "read");
  }

  #fail(errno: number, action: string): void {
    this.#end(EngineEnd.CONNECTION, `cannot ${action}: ${errnoName(-errno)}`);
  }

  #breakOff(error: ProtocolError): void {
    this.#end(EngineEnd.PROTOCOL, PROTOCOL_ERRORS[error].meaning);
  }

  #end(end: EngineEnd, reason: string): void {
    if (this.#ended) return;
    const { pipe } = this.#session;
    if (pipe !== null && !pipe.hiccupPending) this.#outbound?.abandon(pipe);
    this.#close();
    this.#session.engineError(end, reason);
  }

  #close(): void {
    this.#ended = true;
    this.#cancelHandshakeTimer();
    this.#memoryFound();
    this.#io.thread.forgetMemory(this);
    this.#inbound?.reset();
    this.#leftover = NOTHING;
    this.#buffers.leave(this);
    if (this.#handle !== null) this.#io.poller.remove(this.#handle);
    this.#handle = null;
    this.#writeSide.close();
  }

  #cancelHandshakeTimer(): void {
    if (this.#handshakeTimer !== null) {
      this.#io.timers.cancel(this.#handshakeTimer);
    }
    this.#handshakeTimer = null;
  }
}

/** RFC 23: subscriptions are messages before ZMTP 3.1. */
function rewriteForZmtp30(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const kind = identifyCommand(bytes, start, end);
  const prefix = bytes.slice(commandDataStart(bytes, start), end);
  const body = encodeLegacySubscription(kind as CommandKind, prefix);
  const frame = encodeCommandFrame(body);
  // The same frame, but of a message.
  frame[0] = (frame[0] as number) & ~4;
  return frame;
}
