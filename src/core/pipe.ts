// libzmq: pipe.{hpp,cpp} · runs on: the thread of its end · RFC: –

import { add, get, put, store } from "../memory/shared_access.ts";
import type { Words } from "../memory/shared_access.ts";
import { END, H, PIPE, PipeFlag, Pool, QUEUE } from "../memory/layout.ts";
import { PrivateFlag } from "../memory/chunk.ts";
import { QueueReader } from "../memory/queue_reader.ts";
import { QueueWriter } from "../memory/queue_writer.ts";
import { ConflateReader, ConflateWriter } from "../memory/conflate_slot.ts";
import { Message } from "../memory/message.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import type { Ref } from "../memory/payload_segments.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { writeDirectly } from "./direct_write.ts";
import type { OutPart, Pipe as PipeContract } from "./pipe_contract.ts";
import type { Thread } from "./thread.ts";
import { assert } from "../base/assert.ts";

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** Bytes copied at once for the user; one kept part pins no more than this. */
const SLAB_BYTES_MAX = 16384;

/**
 * Room for further stretches, where messages come one by one: allocating costs
 * more than copying. It grows, since most connections are idle ones.
 */
const SLAB_ROOM_MAX = 4096;
const SLAB_GROWTH = 8;

/** Zero-copy messages up to this size are cheaper to copy into the pipe. */
const REFERENCE_BYTES_MIN = 512;

/** Life of a pipe end, with libzmq's names. */
export const PipeState = {
  ACTIVE: 0,
  /** The peer delimited its messages and we read all of them. */
  DELIMITER_RECEIVED: 1,
  /** The peer asked for the end; we still hand out what is queued. */
  WAITING_FOR_DELIMITER: 2,
  /** We acknowledged; the peer's acknowledgement ends us. */
  TERM_ACK_SENT: 3,
  /** We asked for the end. */
  TERM_REQ_SENT1: 4,
  /** Both asked at once. */
  TERM_REQ_SENT2: 5,
} as const;
export type PipeState = typeof PipeState[keyof typeof PipeState];

/** Who owns a pipe end and hears of what happens to it. */
export interface PipeSink {
  readActivated(pipe: Pipe): void;
  writeActivated(pipe: Pipe): void;
  hiccuped(pipe: Pipe): void;
  /** The answer to our own hiccup came. */
  hiccupAcknowledged(pipe: Pipe): void;
  pipeTerminated(pipe: Pipe): void;
}

/** How the two queues of a new pipe are bounded. -1 = no say. */
export interface PipeLimits {
  /** Marks of the queue from the first end to the second. */
  firstSend: number;
  secondReceive: number;
  /** Marks of the queue from the second end to the first. */
  secondSend: number;
  firstReceive: number;
  /** {@link PipeFlag} bits. */
  flags: number;
}

/** What of a pipe end lies in no shared record while it moves. */
export interface SavedPipe {
  /** {@link Pipe.node} of the end. */
  readonly node: number;
  readonly routingId: Uint8Array | null;
  readonly assignedRoutingId: Uint8Array | null;
  readonly endpoint: string;
  /** The last write found no memory. */
  readonly wantsMemory: boolean;
}

function wordOf(record: number, end: number): number {
  return record + PIPE.END + end * END.SIZE;
}

/** Whether the queue that an end reads keeps only its newest message. */
function conflates(words: Words, record: number, end: number): boolean {
  const flag = end === 0 ? PipeFlag.CONFLATE_FIRST : PipeFlag.CONFLATE_SECOND;
  // Ordering: written before the command that told us of the pipe.
  return (get(words, record + PIPE.FLAGS) & flag) !== 0;
}

/** Reserves a pipe pair; 0 when the context has no more. */
export function createPipePair(
  memory: ContextMemory,
  mailboxes: readonly [number, number],
  limits: PipeLimits,
): number {
  const { control } = memory;
  const record = control.takeRecord(Pool.PIPE);
  if (record === 0) return 0;
  control.count(H.PIPE_COUNT, 1);
  const { words } = control;
  for (const end of [0, 1] as const) {
    control.initNode(wordOf(record, end), mailboxes[end]);
    store(words, wordOf(record, end) + END.DELAY, 1);
  }
  const toFirst = record + PIPE.QUEUE;
  const toSecond = toFirst + QUEUE.SIZE;
  store(words, toSecond + QUEUE.HWM_WRITER, limits.firstSend);
  store(words, toSecond + QUEUE.HWM_READER, limits.secondReceive);
  store(words, toFirst + QUEUE.HWM_WRITER, limits.secondSend);
  store(words, toFirst + QUEUE.HWM_READER, limits.firstReceive);
  store(words, record + PIPE.FLAGS, limits.flags);
  return record;
}

/**
 * One end of a two-way pipe, on the thread that owns it.
 *
 * The end reads one queue and writes the other. Its state lives here; it
 * goes into the shared record only when the end moves to another thread.
 */
export class Pipe implements PipeContract, CommandTarget {
  fqIndex = -1;
  lbIndex = -1;
  distIndex = -1;
  patternData: object | null = null;
  routingId: Uint8Array | null = null;
  assignedRoutingId: Uint8Array | null = null;

  readonly record: number;
  readonly end: 0 | 1;
  /** Node for commands to this end, and the one of the other end. */
  readonly node: number;
  readonly peerNode: number;
  readonly reader: QueueReader;
  readonly writer: QueueWriter;
  /** Endpoint that the pipe belongs to, "" when accepted. */
  endpoint = "";

  frameFlags = 0;
  frameBytes: Uint8Array = NOTHING;
  frameStart = 0;
  frameLength = 0;

  readonly #thread: Thread;
  readonly #memory: ContextMemory;
  #sink: PipeSink;
  #state: PipeState = PipeState.ACTIVE;
  #delay = true;
  #hiccupPending = false;
  /** The connection was replaced once more before the answer came. */
  #hiccupAgain = false;
  #wantsMemory = false;

  /** Private copy of a stretch of the chunk, and where it lies there. */
  #slab: Uint8Array = NOTHING;
  /** Bytes of it in use, and where in it the stretch lies. */
  #slabUsed = 0;
  #slabAt = 0;
  #slabFrom = 0;
  #slabTo = 0;
  #slabChunk = 0;

  constructor(
    thread: Thread,
    record: number,
    end: 0 | 1,
    sink: PipeSink,
    holding = false,
  ) {
    const memory = thread.memory;
    const { words } = memory.control;
    this.#thread = thread;
    this.#memory = memory;
    this.#sink = sink;
    this.record = record;
    this.end = end;
    this.node = wordOf(record, end);
    this.peerNode = wordOf(record, 1 - end);
    const queues = record + PIPE.QUEUE;
    const inbound = queues + end * QUEUE.SIZE;
    const outbound = queues + (1 - end) * QUEUE.SIZE;
    this.reader = conflates(words, record, end)
      ? new ConflateReader(memory, inbound, holding) as unknown as QueueReader
      : new QueueReader(memory, inbound, holding);
    this.writer = conflates(words, record, 1 - end)
      ? new ConflateWriter(memory, outbound) as unknown as QueueWriter
      : new QueueWriter(memory, outbound);
    thread.register(this.node, this);
  }

  get state(): PipeState {
    return this.#state;
  }

  /**
   * Whether anything may be written, credit aside. Once the end has begun, the
   * queue and its memory may be gone at any time.
   */
  get writable(): boolean {
    return this.#state === PipeState.ACTIVE;
  }

  /** Whether a hiccup waits for its answer; nothing may be read until then. */
  get hiccupPending(): boolean {
    return this.#hiccupPending;
  }

  setSink(sink: PipeSink): void {
    this.#sink = sink;
  }

  // Reading.

  checkRead(): boolean {
    if (!this.#readable()) return false;
    const { reader } = this;
    for (;;) {
      if (reader.available()) {
        reader.decode();
        if ((reader.flags & PrivateFlag.CHANGED) === 0) break;
        this.#absorbChange();
        continue;
      }
      if (reader.tellRead()) this.#post(Command.ACTIVATE_WRITE);
      if (!reader.atDelimiter()) {
        if (reader.offset < reader.limit) continue;
        return false;
      }
      this.#processDelimiter();
      return false;
    }
    this.#showFrame();
    return true;
  }

  nextFrame(): void {
    const found = this.reader.available();
    assert(found, "a message is visible whole");
    this.reader.decode();
    this.#showFrame();
  }

  takePart(): Uint8Array {
    const { reader } = this;
    const length = this.frameLength;
    let part: Uint8Array;
    if ((reader.flags & PrivateFlag.DESCRIPTOR) !== 0 || length === 0) {
      part = this.#copyOut(this.frameBytes, this.frameStart, length);
    } else part = this.#fromSlab(this.frameStart, length);
    this.skipFrame();
    return part;
  }

  takeBytes(): Uint8Array | null {
    const { reader } = this;
    if (reader.offset >= reader.limit || !this.#readable()) return null;
    if (((reader.bytes[reader.offset] as number) & ~LONG) !== 0) return null;
    reader.decode();
    if (reader.bodyLength === 0) return null;
    const part = this.#fromSlab(reader.bodyStart, reader.bodyLength);
    reader.advance();
    if (reader.countRead(1)) this.#post(Command.ACTIVATE_WRITE);
    return part;
  }

  takeMessage(): Message {
    const { reader } = this;
    if ((reader.flags & PrivateFlag.DESCRIPTOR) !== 0) {
      // The queue's reference becomes the message's.
      const message = this.#messageOf(
        reader.descriptorRef(),
        false,
        reader.descriptorOffset(),
      );
      this.#passFrame();
      return message;
    }
    const isSlot = reader.chunkSize === 0;
    // The body of a conflating pipe lies in the slot's block.
    if (isSlot) this.#memory.blocks.retain(reader.chunk);
    else this.#memory.pinChunk(reader.chunk, reader.chunkSize);
    const message = this.#messageOf(
      reader.chunk,
      !isSlot,
      isSlot ? this.frameStart : 0,
    );
    this.skipFrame();
    return message;
  }

  /** The frame as a message that has a reference to a block, or a pin. */
  #messageOf(ref: Ref, pinned: boolean, offset: number): Message {
    const { frameBytes, frameStart, frameLength } = this;
    const view = frameBytes.subarray(frameStart, frameStart + frameLength);
    return new Message(this.#memory, ref, pinned, offset, frameLength, view);
  }

  skipFrame(): void {
    const { reader } = this;
    if ((reader.flags & PrivateFlag.DESCRIPTOR) !== 0) {
      this.#memory.blocks.release(reader.descriptorRef());
    }
    this.#passFrame();
  }

  /** Goes on behind a frame of which nothing is left to release. */
  #passFrame(): void {
    const { reader } = this;
    reader.advance();
    if ((reader.flags & MORE) !== 0) return;
    if (reader.countRead(1)) this.#post(Command.ACTIVATE_WRITE);
  }

  skipMessage(): void {
    while ((this.frameFlags & MORE) !== 0) {
      this.skipFrame();
      this.nextFrame();
    }
    this.skipFrame();
  }

  // Writing.

  get open(): boolean {
    return this.#state === PipeState.ACTIVE;
  }

  checkWrite(): boolean {
    return this.#state === PipeState.ACTIVE && this.writer.hasCredit();
  }

  write(parts: readonly OutPart[], from: number, count: number): boolean {
    if (!this.prepare(parts, from, count)) return false;
    const thread = this.#thread;
    if (!thread.rested || !writeDirectly(thread, this)) this.commit();
    return true;
  }

  hasRoomFor(bytes: Uint8Array): boolean {
    return this.#state === PipeState.ACTIVE && !this.#thread.rested &&
      bytes.length <= this.#memory.inlineMax &&
      this.writer.hasRoomFor(bytes.length);
  }

  writeBytes(bytes: Uint8Array): boolean {
    if (
      this.#state !== PipeState.ACTIVE || this.#thread.rested ||
      bytes.length > this.#memory.inlineMax || !this.writer.writeMessage(bytes)
    ) return false;
    this.flush();
    return true;
  }

  prepare(parts: readonly OutPart[], from: number, count: number): boolean {
    if (this.#state !== PipeState.ACTIVE) return false;
    const { writer } = this;
    const { control } = this.#memory;
    writer.beginMessage();
    control.beginAttempt();
    let written = false;
    try {
      written = this.#writeParts(parts, from, from + count - 1);
    } finally {
      // Also when a part throws: it was released or detached meanwhile.
      if (!written) writer.rollback();
      control.endAttempt(written);
    }
    if (!written) {
      this.#wantsMemory = true;
      this.#memory.refused = true;
      this.#thread.wantMemory(this);
    }
    return written;
  }

  commit(): void {
    this.#thread.rested = false;
    this.writer.completeMessages(1);
    this.flush();
  }

  writeCommand(body: Uint8Array): void {
    // Counted like a message, but held back neither by the high-water mark
    // nor by the memory limit: a lost subscription never comes back.
    this.#writeAlone(COMMAND, body, 1, true);
  }

  /** As {@link writeCommand}, for a stranger's: false at the memory limit. */
  tryWriteCommand(body: Uint8Array): boolean {
    return this.#state !== PipeState.ACTIVE ||
      this.#writeAlone(COMMAND, body, 1, false);
  }

  /** Tells the other end that the connection behind the pipe changed. */
  writeChange(routingId: Uint8Array): boolean {
    return this.#writeAlone(PrivateFlag.CHANGED, routingId, 0, true);
  }

  /** One frame, at once visible. */
  #writeAlone(
    flags: number,
    body: Uint8Array,
    messages: number,
    guaranteed: boolean,
  ): boolean {
    if (this.#state !== PipeState.ACTIVE) return false;
    const { writer } = this;
    writer.beginMessage();
    writer.guaranteed = guaranteed;
    const written = body.length <= this.#memory.inlineMax
      ? writer.writeFrame(flags, body)
      : this.#writeBlock(flags, body, guaranteed);
    writer.guaranteed = false;
    if (!written) {
      writer.rollback();
      return false;
    }
    writer.completeMessages(messages);
    this.flush();
    return true;
  }

  /** Makes complete messages visible and wakes a sleeping reader. */
  flush(): void {
    if (!this.writer.flush()) this.#post(Command.ACTIVATE_READ);
  }

  setNoDelay(): void {
    this.#delay = false;
  }

  /** Tells the writer at the other end what was read, and wakes it. */
  tellRead(): void {
    if (this.reader.tellRead()) this.#post(Command.ACTIVATE_WRITE);
  }

  /** Counts messages the engine took; see {@link QueueReader.countRead}. */
  countRead(messages: number): void {
    if (this.reader.countRead(messages)) this.#post(Command.ACTIVATE_WRITE);
  }

  /** Memory came free after a write found none. */
  memoryCame(): void {
    this.#wantsMemory = false;
    if (this.#state === PipeState.ACTIVE) this.#sink.writeActivated(this);
  }

  /** Applies a new high-water mark of this side, in the given direction. */
  setHwm(send: number, receive: number): void {
    const { words } = this.#memory.control;
    const queues = this.record + PIPE.QUEUE;
    const inbound = queues + this.end * QUEUE.SIZE;
    const outbound = queues + (1 - this.end) * QUEUE.SIZE;
    if (get(words, outbound + QUEUE.HWM_WRITER) >= 0) {
      store(words, outbound + QUEUE.HWM_WRITER, send);
    }
    if (get(words, inbound + QUEUE.HWM_READER) >= 0) {
      store(words, inbound + QUEUE.HWM_READER, receive);
    }
    this.writer.updateHwm();
    this.reader.updateHwm();
    this.#post(Command.PIPE_HWM);
    if (this.checkWrite()) this.#sink.writeActivated(this);
  }

  /** Session side: the connection is new; what was queued is stale. */
  hiccup(): void {
    if (this.#state !== PipeState.ACTIVE) return;
    // One at a time: two answers could not be told apart.
    this.#hiccupAgain = this.#hiccupPending;
    if (this.#hiccupPending) return;
    this.#hiccupPending = true;
    this.#post(Command.HICCUP);
  }

  // Termination. The table of states is libzmq's.

  terminate(delay: boolean): void {
    this.#delay = delay;
    switch (this.#state) {
      case PipeState.TERM_REQ_SENT1:
      case PipeState.TERM_REQ_SENT2:
      case PipeState.TERM_ACK_SENT:
        return;
      case PipeState.ACTIVE:
      case PipeState.DELIMITER_RECEIVED:
        this.#state = PipeState.TERM_REQ_SENT1;
        this.writer.rollback();
        this.writer.flush();
        this.writer.delimit();
        // One post: the peer learns of the delimiter and of our wish.
        this.#post(Command.ACTIVATE_READ | Command.PIPE_TERM);
        return;
      case PipeState.WAITING_FOR_DELIMITER:
        if (delay) return;
        this.#acknowledge();
    }
  }

  rollback(): void {
    if (this.#state === PipeState.ACTIVE) this.writer.rollback();
  }

  processCommands(bits: number): void {
    if ((bits & Command.PIPE_HWM) !== 0) this.#processHwm();
    if ((bits & Command.HICCUP) !== 0) this.#processHiccup();
    if ((bits & Command.HICCUP_ACK) !== 0) this.#processHiccupAck();
    if ((bits & Command.ACTIVATE_READ) !== 0) this.#processActivateRead();
    if ((bits & Command.ACTIVATE_WRITE) !== 0) {
      if (this.#state === PipeState.ACTIVE) this.#sink.writeActivated(this);
    }
    if ((bits & Command.PIPE_TERM) !== 0) this.#processPipeTerm();
    if ((bits & Command.PIPE_TERM_ACK) !== 0) this.#processPipeTermAck();
  }

  /** Frees a pair whose other end nobody has heard of. */
  discard(): void {
    const { control } = this.#memory;
    const outbound = this.record + PIPE.QUEUE + (1 - this.end) * QUEUE.SIZE;
    this.writer.rollback();
    const other = conflates(control.words, this.record, 1 - this.end)
      ? new ConflateReader(this.#memory, outbound)
      : new QueueReader(this.#memory, outbound);
    other.destroy();
    add(control.words, this.record + PIPE.GONE, 1);
    this.#destroy();
  }

  // Moving to another thread.

  /**
   * Leaves what readers, writers and the reaper need in the record, and gives
   * the rest; this object is done with the pipe.
   */
  save(): SavedPipe {
    const { words } = this.#memory.control;
    // Ordering: the command that hands the pipe over publishes these.
    put(words, this.node + END.STATE, this.#state);
    put(words, this.node + END.DELAY, this.#delay ? 1 : 0);
    this.reader.save();
    this.writer.save();
    this.#thread.unregister(this.node);
    this.#thread.forgetMemory(this);
    return {
      node: this.node,
      routingId: this.routingId,
      assignedRoutingId: this.assignedRoutingId,
      endpoint: this.endpoint,
      wantsMemory: this.#wantsMemory,
    };
  }

  /** Takes over what {@link save} left on another thread. */
  restore(saved: SavedPipe | null): void {
    const { words } = this.#memory.control;
    this.#state = get(words, this.node + END.STATE) as PipeState;
    this.#delay = get(words, this.node + END.DELAY) !== 0;
    this.reader.restore();
    this.writer.restore();
    if (saved === null) return;
    this.routingId = saved.routingId;
    this.assignedRoutingId = saved.assignedRoutingId;
    this.endpoint = saved.endpoint;
  }

  #readable(): boolean {
    return this.#state === PipeState.ACTIVE ||
      this.#state === PipeState.WAITING_FOR_DELIMITER;
  }

  #showFrame(): void {
    const { reader } = this;
    this.frameFlags = reader.flags & (MORE | COMMAND);
    if ((reader.flags & PrivateFlag.DESCRIPTOR) === 0) {
      this.frameBytes = reader.bytes;
      this.frameStart = reader.bodyStart;
      this.frameLength = reader.bodyLength;
      return;
    }
    const length = reader.descriptorLength();
    this.frameBytes = this.#memory.blocks.bytes(
      reader.descriptorRef(),
      reader.descriptorOffset(),
      length,
    );
    this.frameStart = 0;
    this.frameLength = length;
  }

  /** "Connection changed": the new peer's routing id. */
  #absorbChange(): void {
    const { reader } = this;
    const start = reader.bodyStart;
    this.routingId = reader.bytes.slice(start, start + reader.bodyLength);
    reader.advance();
  }

  /** A stretch of the chunk, from a private copy of more of it. */
  #fromSlab(start: number, length: number): Uint8Array {
    if (
      start < this.#slabFrom || start + length > this.#slabTo ||
      this.reader.entered !== this.#slabChunk || this.#slab.length === 0
    ) this.#fillSlab(start, length);
    const at = this.#slabAt + start - this.#slabFrom;
    return this.#slab.subarray(at, at + length);
  }

  #fillSlab(start: number, length: number): void {
    const { reader } = this;
    const end = Math.max(
      start + length,
      Math.min(reader.limit, start + SLAB_BYTES_MAX),
    );
    const { platform } = this.#memory.control;
    const size = end - start;
    // A slab that a user transferred elsewhere has no length any more.
    if (size > this.#slab.length - this.#slabUsed) {
      const room = Math.min(SLAB_GROWTH * this.#slab.length, SLAB_ROOM_MAX);
      this.#slab = platform.allocateBytes(Math.max(size, room));
      this.#slabUsed = 0;
    }
    platform.copyBytes(this.#slab, this.#slabUsed, reader.bytes, start, end);
    this.#slabAt = this.#slabUsed;
    this.#slabUsed += size;
    this.#slabFrom = start;
    this.#slabTo = end;
    this.#slabChunk = reader.entered;
  }

  #copyOut(source: Uint8Array, start: number, length: number): Uint8Array {
    const { platform } = this.#memory.control;
    const copy = platform.allocateBytes(length);
    platform.copyBytes(copy, 0, source, start, start + length);
    return copy;
  }

  #writeParts(parts: readonly OutPart[], from: number, last: number): boolean {
    for (let i = from; i <= last; i++) {
      if (!this.#writePart(parts[i] as OutPart, i < last ? MORE : 0)) {
        return false;
      }
    }
    return true;
  }

  #writePart(part: OutPart, flags: number): boolean {
    if (part instanceof Uint8Array) {
      return part.length <= this.#memory.inlineMax
        ? this.writer.writeFrame(flags, part)
        : this.#writeBlock(flags, part);
    }
    const ref = part.block;
    if (
      ref === 0 || part.size < REFERENCE_BYTES_MIN || !part.isOf(this.#memory)
    ) return this.#writePart(part.bytes, flags);
    const { blocks } = this.#memory;
    blocks.retain(ref);
    if (
      this.writer.writeDescriptor(flags, ref, part.blockOffset, part.size)
    ) return true;
    blocks.release(ref);
    return false;
  }

  /** A body too large for a chunk: copied once, into a block of its own. */
  #writeBlock(flags: number, body: Uint8Array, guaranteed = false): boolean {
    const { blocks } = this.#memory;
    const ref = blocks.allocate(body.length, guaranteed);
    if (ref === 0) return false;
    const { length } = body;
    const { platform } = this.#memory.control;
    platform.copyBytes(blocks.bytes(ref, 0, length), 0, body, 0, length);
    if (this.writer.writeDescriptor(flags, ref, 0, body.length)) return true;
    blocks.release(ref);
    return false;
  }

  #processHwm(): void {
    this.writer.updateHwm();
    this.reader.updateHwm();
    if (this.checkWrite()) this.#sink.writeActivated(this);
  }

  #processHiccup(): void {
    const { words } = this.#memory.control;
    const outbound = this.record + PIPE.QUEUE + (1 - this.end) * QUEUE.SIZE;
    store(words, outbound + QUEUE.HICCUP_AT, this.writer.completePosition);
    // First what the new connection has to know: it is read with the answer.
    if (this.#state === PipeState.ACTIVE) this.#sink.hiccuped(this);
    this.#post(Command.HICCUP_ACK);
  }

  /** Drops what was queued for the former connection. */
  #processHiccupAck(): void {
    this.#hiccupPending = false;
    if (this.#hiccupAgain) {
      this.#hiccupAgain = false;
      this.hiccup();
      return;
    }
    const { reader } = this;
    const { words } = this.#memory.control;
    const inbound = this.record + PIPE.QUEUE + this.end * QUEUE.SIZE;
    const until = get(words, inbound + QUEUE.HICCUP_AT);
    reader.rewind();
    while (
      ((until - reader.position()) | 0) > 0 && reader.available()
    ) {
      reader.decode();
      if ((reader.flags & PrivateFlag.DESCRIPTOR) !== 0) {
        this.#memory.blocks.release(reader.descriptorRef());
      }
      reader.advance();
      if ((reader.flags & MORE) === 0) this.countRead(1);
    }
    reader.commit();
    this.#sink.hiccupAcknowledged(this);
  }

  #processActivateRead(): void {
    if (!this.#readable()) return;
    this.#sink.readActivated(this);
    // Nobody may be reading: the delimiter must be seen all the same.
    if (this.#state === PipeState.WAITING_FOR_DELIMITER) this.checkRead();
  }

  #processDelimiter(): void {
    if (this.#state === PipeState.ACTIVE) {
      this.#state = PipeState.DELIMITER_RECEIVED;
    } else this.#acknowledge();
  }

  #processPipeTerm(): void {
    switch (this.#state) {
      case PipeState.ACTIVE:
        if (this.#delay) {
          this.#state = PipeState.WAITING_FOR_DELIMITER;
          this.writer.rollback();
          this.checkRead();
        } else this.#acknowledge();
        return;
      case PipeState.DELIMITER_RECEIVED:
        this.#acknowledge();
        return;
      case PipeState.TERM_REQ_SENT1:
        this.#post(Command.PIPE_TERM_ACK);
        this.#state = PipeState.TERM_REQ_SENT2;
    }
  }

  #processPipeTermAck(): void {
    this.#sink.pipeTerminated(this);
    if (this.#state === PipeState.TERM_REQ_SENT1) {
      this.#post(Command.PIPE_TERM_ACK);
    }
    this.#destroy();
  }

  #acknowledge(): void {
    this.writer.rollback();
    this.#post(Command.PIPE_TERM_ACK);
    this.#state = PipeState.TERM_ACK_SENT;
  }

  /** Frees what arrived unread; the last of the two ends frees the record. */
  #destroy(): void {
    this.#thread.unregister(this.node);
    this.#thread.forgetMemory(this);
    this.reader.destroy();
    const { control } = this.#memory;
    if (add(control.words, this.record + PIPE.GONE, 1) !== 1) return;
    control.count(H.PIPE_COUNT, -1);
    control.giveRecord(Pool.PIPE, this.record);
  }

  /** Tells the other end, unless our acknowledgement let it go already. */
  #post(bits: number): void {
    const state = this.#state;
    if (
      state === PipeState.TERM_ACK_SENT || state === PipeState.TERM_REQ_SENT2
    ) return;
    this.#memory.control.post(this.peerNode, bits);
  }
}

const NOTHING = new Uint8Array(0);
