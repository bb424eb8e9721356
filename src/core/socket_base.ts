// libzmq: socket_base.{hpp,cpp} · runs on: app thread, at the end the reaper · RFC: –

import { compareExchange, get, put, store } from "../memory/shared_access.ts";
import {
  ContextState,
  END,
  H,
  MAILBOX,
  PIPE,
  Pool,
  SOCKET,
  THREAD,
} from "../memory/layout.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import { Message } from "../memory/message.ts";
import { CHUNK_BYTES } from "../memory/size_class.ts";
import { assert } from "../base/assert.ts";
import { ZmqError } from "../base/errors.ts";
import { LONG_HEADER_SIZE } from "../base/frame_header.ts";
import { NumberMap } from "../base/number_map.ts";
import type { OptionName, SocketOptions } from "../base/options.ts";
import type { SocketType } from "../base/socket_type.ts";
import { Command } from "./command.ts";
import type { CommandTarget } from "./command.ts";
import { Own } from "./own.ts";
import type { OwnHost } from "./own.ts";
import { checkMessageSize } from "./message_size.ts";
import { Pipe } from "./pipe.ts";
import type { PipeSink, SavedPipe } from "./pipe.ts";
import { REAPER_SLOT } from "./choose_io_thread.ts";
import type { Pattern, PatternState, Received } from "./pattern.ts";
import type { OutPart } from "./pipe_contract.ts";
import { SocketEndpoints } from "./socket_endpoints.ts";
import type { EndpointOwner, SavedEndpoint } from "./socket_endpoints.ts";
import type { Binder } from "./binder.ts";
import type { Thread } from "./thread.ts";

/** What a socket needs of its context on this thread. */
export interface SocketHost {
  readonly thread: Thread;
  /** Tells contexts of one process apart. */
  readonly contextId: string;
  /** Starts I/O workers if this thread may; sockets with endpoints need them. */
  needIoThreads(): void;
  /** The reaper has one more socket to take, soon. */
  socketClosed(): void;
  /** The error of a thread that finds no memory. */
  outOfMemory(): ZmqError;
  createPattern(type: SocketType, socket: SocketBase): Pattern;
  binder(protocol: string): Binder;
  /** Commands were processed for this socket. */
  touched(socket: SocketBase): void;
  socketGone(socket: SocketBase): void;
}

/** A socket on its way to another thread; structured-clonable. */
export interface SocketHandle {
  /** {@link SocketHost.contextId} of the socket's context. */
  readonly context: string;
  /** A number that no other handle has: it serves once. */
  readonly ticket: number;
  readonly record: number;
  readonly type: SocketType;
  readonly options: SocketOptions;
  readonly endpoints: readonly SavedEndpoint[];
  readonly pipes: readonly SavedPipe[];
  readonly pattern: PatternState;
}

/**
 * The kernel's side of a socket: its pipes, its place in the object tree, and
 * the pattern that says what goes where.
 *
 * Owner: one thread at a time. After {@link close} the reaper makes itself an
 * instance over the same record, without a pattern, and runs it to its end.
 */
export class SocketBase implements EndpointOwner, CommandTarget, OwnHost {
  readonly record: number;
  readonly type: SocketType;
  readonly options: SocketOptions;
  readonly host: SocketHost;
  readonly thread: Thread;
  /** Called from the event loop after commands for this socket. */
  onActivity: (() => void) | null = null;

  readonly #own: Own;
  readonly #endpoints: SocketEndpoints;
  readonly #pipes: NumberMap<Pipe> = new NumberMap();
  readonly #pattern: Pattern | null;
  #closed = false;

  private constructor(
    host: SocketHost,
    record: number,
    options: SocketOptions,
    withPattern: boolean,
  ) {
    this.host = host;
    this.thread = host.thread;
    this.record = record;
    this.type = options.type;
    this.options = options;
    this.#own = new Own(host.thread, record + SOCKET.SENT_SEQNUM, this);
    this.#endpoints = new SocketEndpoints(this, this.#own);
    this.#pattern = withPattern ? host.createPattern(options.type, this) : null;
    host.thread.register(record + SOCKET.NODE, this);
  }

  /** A new socket on a fresh record. */
  static create(
    host: SocketHost,
    record: number,
    options: SocketOptions,
  ): SocketBase {
    const { control } = host.thread;
    const mailbox = record + SOCKET.MAILBOX;
    const number = control.layout.recordNumber(Pool.SOCKET, record);
    control.initMailbox(mailbox, host.thread.slot, number + 1);
    control.initNode(record + SOCKET.NODE, mailbox);
    control.initNode(
      record + SOCKET.TO_REAPER,
      control.layout.thread(REAPER_SLOT) + THREAD.MAILBOX,
    );
    const socket = new SocketBase(host, record, options, true);
    socket.#publishHwm();
    return socket;
  }

  /**
   * Takes over a socket that another thread let go of. Nobody at the other end
   * of a pipe notices. {@link takeMail} follows.
   *
   * @throws {ZmqError} EINVAL for a handle of another context, or one that was
   * used already; ETERM when the reaper has taken it at the context's end.
   */
  static adopt(host: SocketHost, handle: SocketHandle): SocketBase {
    const { record, ticket, options } = handle;
    const { words } = host.thread.control;
    // Ordering: whoever sees the ticket sees what was saved before it.
    if (
      handle.context !== host.contextId ||
      compareExchange(words, record + SOCKET.TICKET, ticket, 0) !== ticket
    ) {
      // At the end of the context the reaper takes it.
      host.thread.checkState();
      throw new ZmqError("EINVAL");
    }
    const socket = new SocketBase(host, record, options, true);
    // Its peers may leave before it is used here.
    if (handle.pipes.length + handle.endpoints.length > 0) host.thread.stand();
    socket.#restoreTree();
    const pipes = new Map<number, Pipe>();
    for (const saved of handle.pipes) {
      pipes.set(saved.node, socket.#restorePipe(saved.node, saved));
    }
    socket.#endpoints.restore(handle.endpoints, pipes);
    socket.#pattern?.restore(handle.pattern, pipes);
    for (const { node, wantsMemory } of handle.pipes) {
      // It may have come free while nobody was there to be told.
      if (wantsMemory) pipes.get(node)?.memoryCame();
    }
    return socket;
  }

  /** The reaper's: takes over a closed socket. {@link takeMail} follows. */
  static reap(
    host: SocketHost,
    record: number,
    options: SocketOptions,
  ): SocketBase {
    const { words } = host.thread.control;
    const socket = new SocketBase(host, record, options, false);
    socket.#restoreTree();
    for (let end = get(words, record + SOCKET.PIPES); end !== 0;) {
      const next = get(words, end + END.NEXT_PIPE);
      socket.#restorePipe(end, null);
      end = next;
    }
    return socket;
  }

  /**
   * Becomes the one whom senders wake, and handles what came while the socket
   * was under way. The host knows the socket by now: there may be new pipes.
   */
  takeMail(): void {
    const { words } = this.thread.control;
    // Ordering: owner first, then drain; see ControlSegment.post.
    store(words, this.mailbox + MAILBOX.OWNER, this.thread.slot);
    this.thread.processMailbox(this.mailbox);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get lingerMs(): number {
    return this.options.linger;
  }

  get endpointCount(): number {
    return this.#endpoints.count;
  }

  get lastEndpoint(): string | null {
    return this.options.lastEndpoint;
  }

  /** Pipes attached now. */
  get pipes(): Iterable<Pipe> {
    return this.#pipes.values();
  }

  /** The mailbox that serves this socket. */
  get mailbox(): number {
    return this.record + SOCKET.MAILBOX;
  }

  setOption<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.options[name] = value;
    if (name === "sendHighWaterMark" || name === "receiveHighWaterMark") {
      this.#publishHwm();
      const { sendHighWaterMark, receiveHighWaterMark } = this.options;
      for (const pipe of this.#pipes.values()) {
        pipe.setHwm(sendHighWaterMark, receiveHighWaterMark);
      }
    }
  }

  bind(endpoint: string): void {
    this.#enter();
    this.#endpoints.bind(endpoint);
    // Pending operations may have waited for the peers that this brought.
    this.onActivity?.();
  }

  unbind(endpoint: string): void {
    this.#enter();
    this.#endpoints.unbind(endpoint);
  }

  connect(endpoint: string, routingId?: Uint8Array): void {
    this.#enter();
    this.#endpoints.connect(endpoint, routingId ?? null);
    // The new pipe's reader is awake, so nobody would wake a pending receive.
    this.onActivity?.();
  }

  disconnect(endpoint: string): void {
    this.#enter();
    this.#endpoints.disconnect(endpoint);
  }

  subscribe(prefix: Uint8Array): void {
    this.#enter();
    if (this.#pattern?.subscribe === undefined) throw new ZmqError("EINVAL");
    this.#pattern.subscribe(prefix);
  }

  unsubscribe(prefix: Uint8Array): void {
    this.#enter();
    if (this.#pattern?.unsubscribe === undefined) throw new ZmqError("EINVAL");
    this.#pattern.unsubscribe(prefix);
  }

  /** Whether a ROUTER has a peer of that routing id. */
  hasPeer(routingId: Uint8Array): boolean {
    return this.#pattern?.hasPeer?.(routingId) ?? false;
  }

  trySend(parts: readonly OutPart[], count: number): boolean {
    this.#enter();
    const pattern = this.#pattern as Pattern;
    const { memory } = this.thread;
    const sizeMax = this.#endpoints.messageBytesMax;
    if (sizeMax !== Infinity) checkMessageSize(parts, count, sizeMax);
    // What an earlier send was refused is no reason for this one: it may have
    // been dropped, and this one may just have no credit.
    memory.refused = false;
    memory.control.beginAttempt();
    let sent = false;
    try {
      sent = pattern.trySend(parts, count);
    } finally {
      memory.control.endAttempt(sent);
    }
    if (sent) return true;
    if (memory.refused && waitsInVain(memory, parts, count)) {
      throw this.host.outOfMemory();
    }
    return false;
  }

  tryReceive(out: Received): boolean {
    this.#enter();
    const pattern = this.#pattern as Pattern;
    return pattern.tryReceive(out);
  }

  /** Sends a message of one part if nothing stands in its way. */
  trySendBytes(bytes: Uint8Array): boolean {
    this.#enter();
    // Left to `trySend`, which tells whether it is too large.
    if (bytes.length + LONG_HEADER_SIZE > this.#endpoints.messageBytesMax) {
      return false;
    }
    return (this.#pattern as Pattern).trySendBytes?.(bytes) ?? false;
  }

  /** Takes a message of one part if that comes next and is there to copy. */
  tryReceiveBytes(): Uint8Array | null {
    this.#enter();
    return (this.#pattern as Pattern).tryReceiveBytes?.() ?? null;
  }

  hasIn(): boolean {
    this.#enter();
    return (this.#pattern as Pattern).hasIn();
  }

  hasOut(): boolean {
    this.#enter();
    return (this.#pattern as Pattern).hasOut();
  }

  /**
   * Whether there was anybody to send to at the last operation. It handles no
   * mail, so the answer belongs to what that operation said.
   */
  wasWritable(): boolean {
    return this.#pattern?.hasOut() ?? false;
  }

  waitSync(deadlineMs: number): boolean {
    const happened = this.thread.waitSync(deadlineMs);
    this.thread.checkState();
    return happened;
  }

  retain(): void {
    this.thread.retain();
  }

  release(): void {
    this.thread.release();
  }

  /** Makes big parts shareable before they go to several pipes. */
  share(parts: readonly OutPart[], count: number): readonly OutPart[] {
    const { thread } = this;
    const { memory } = thread;
    let shared: OutPart[] | null = null;
    for (let i = 0; i < count; i++) {
      const part = parts[i] as OutPart;
      if (!(part instanceof Uint8Array)) continue;
      if (part.length <= memory.inlineMax) continue;
      const ref = memory.blocks.allocate(part.length);
      if (ref === 0) break;
      const bytes = memory.blocks.bytes(ref, 0, part.length);
      thread.control.platform.copyBytes(bytes, 0, part, 0, part.length);
      shared ??= parts.slice(0, count);
      shared[i] = new Message(memory, ref, false, 0, part.length, bytes);
    }
    return shared ?? parts;
  }

  /** Lets go of what {@link share} made. */
  unshare(shared: readonly OutPart[], parts: readonly OutPart[]): void {
    for (let i = 0; i < shared.length; i++) {
      if (shared[i] !== parts[i]) (shared[i] as Message).release();
    }
  }

  /** Hands the socket over to the reaper; it is not to be used any more. */
  close(): void {
    if (this.#closed) return;
    this.host.socketClosed();
    const { control } = this.thread;
    this.#endpoints.closeNames();
    this.#letGo();
    control.post(this.record + SOCKET.TO_REAPER, Command.REAP);
  }

  /**
   * Lets go of the socket for another thread to adopt.
   *
   * @throws {ZmqError} EBADF when closed, ETERM after shutdown: nobody could
   * adopt it any more.
   */
  detach(): SocketHandle {
    if (this.#closed) throw new ZmqError("EBADF");
    this.thread.checkState();
    const { record, type, options } = this;
    const { control } = this.thread;
    const endpoints = this.#endpoints.save();
    const pattern = (this.#pattern as Pattern).save();
    const pipes = this.#letGo();
    const ticket = control.count(H.NEXT_SOCKET_ID, 1);
    // Ordering: publishes what was left in the record.
    store(control.words, record + SOCKET.TICKET, ticket);
    const context = this.host.contextId;
    return {
      context,
      ticket,
      record,
      type,
      options,
      endpoints,
      pipes,
      pattern,
    };
  }

  // From pipes.

  readActivated(pipe: Pipe): void {
    this.#pattern?.readActivated(pipe);
    this.host.touched(this);
  }

  writeActivated(pipe: Pipe): void {
    this.#pattern?.writeActivated(pipe);
    this.host.touched(this);
  }

  hiccuped(pipe: Pipe): void {
    this.#pattern?.hiccuped(pipe);
  }

  hiccupAcknowledged(_pipe: Pipe): void {}

  pipeTerminated(pipe: Pipe): void {
    this.#pattern?.pipeTerminated(pipe);
    this.#pipes.delete(pipe.node);
    this.#endpoints.pipeGone(pipe);
    this.host.touched(this);
    if (this.#own.terminating) this.#own.unregisterTermAck();
  }

  // From the tree and from other threads.

  processCommands(bits: number): void {
    if ((bits & Command.STOP) !== 0) this.host.touched(this);
  }

  childGaveUp(child: number): void {
    this.#endpoints.childGaveUp(child);
  }

  childEnds(child: number): void {
    this.#endpoints.forgetChild(child);
  }

  /** A pipe that somebody else made for this socket. */
  processBind(record: number, end: 0 | 1): Pipe {
    const pipe = new Pipe(this.thread, record, end, this);
    // The second end is that of an inproc connect; sessions make first ends.
    if (end === 1) this.announceRoutingId(pipe);
    else pipe.assignedRoutingId = this.#endpoints.assignedIdOf(record);
    this.attachPipe(pipe, false);
    this.#own.processSeqnum();
    this.host.touched(this);
    return pipe;
  }

  /** Adds a pipe; a dying socket sends it away at once. */
  attachPipe(pipe: Pipe, locallyInitiated: boolean): void {
    this.#pipes.set(pipe.node, pipe);
    if (this.#own.terminating) {
      this.#own.registerTermAcks(1);
      pipe.terminate(false);
      return;
    }
    // The peer's routing id stands before its first message.
    if (!locallyInitiated) pipe.checkRead();
    this.#pattern?.attach(pipe, locallyInitiated);
  }

  /** Tells the peer at the other end of an inproc pipe who we are. */
  announceRoutingId(pipe: Pipe): void {
    pipe.writeChange(this.options.routingId);
  }

  /** Plays the peer of an inproc connect that is given up unbound. */
  attachLonelyEnd(record: number): void {
    const { control } = this.thread;
    const pipe = new Pipe(
      this.thread,
      record,
      1,
      new LonelyEnd((end) => this.#lonelyEndGone(end)),
    );
    pipe.setNoDelay();
    this.#pipes.set(pipe.node, pipe);
    if (this.#own.terminating) this.#own.registerTermAcks(1);
    control.serveNode(pipe.node, this.mailbox);
  }

  needIoThreads(): void {
    this.host.needIoThreads();
  }

  binder(protocol: string): Binder {
    return this.host.binder(protocol);
  }

  /** Reaper: begins the end of this socket. */
  terminate(): void {
    const pipes = this.#pipes.values();
    this.#own.registerTermAcks(pipes.length);
    for (const pipe of pipes) pipe.terminate(false);
    const { words } = this.thread.control;
    this.#own.processTerm(get(words, this.record + SOCKET.LINGER));
  }

  processDestroy(): void {
    const { thread, record } = this;
    thread.unregister(record + SOCKET.NODE);
    assert(this.#pipes.size === 0, "a socket outlives its pipes");
    this.host.socketGone(this);
    // Whoever counts sockets by their records passes this one over.
    store(thread.control.words, record + SOCKET.ID, 0);
    thread.control.giveRecord(Pool.SOCKET, record);
    if (thread.control.count(H.SOCKET_COUNT, -1) === 0) {
      thread.control.wakeAll();
    }
  }

  /** Throws what the context's state asks for, and handles waiting mail. */
  #enter(): void {
    const { thread } = this;
    thread.operationBegins();
    if (thread.seesMail()) thread.processMail();
    if (thread.state !== ContextState.OPEN) thread.checkState();
  }

  #lonelyEndGone(pipe: Pipe): void {
    this.#pipes.delete(pipe.node);
    if (this.#own.terminating) this.#own.unregisterTermAck();
  }

  #publishHwm(): void {
    const { words } = this.thread.control;
    const { sendHighWaterMark, receiveHighWaterMark } = this.options;
    store(words, this.record + SOCKET.SEND_HWM, sendHighWaterMark);
    store(words, this.record + SOCKET.RECEIVE_HWM, receiveHighWaterMark);
  }

  #restoreTree(): void {
    const { record } = this;
    this.#own.restore(
      record + SOCKET.CHILDREN,
      record + SOCKET.TERM_ACKS,
      record + SOCKET.PROCESSED_SEQNUM,
    );
  }

  #restorePipe(end: number, saved: SavedPipe | null): Pipe {
    const { layout } = this.thread.control;
    const record = layout.recordOf(Pool.PIPE, end);
    const side = end === record + PIPE.END ? 0 : 1;
    const pipe = new Pipe(this.thread, record, side, this);
    pipe.restore(saved);
    this.#pipes.set(pipe.node, pipe);
    return pipe;
  }

  /**
   * Leaves the socket's state in its record and forgets it here. From here on
   * its mail stays in its mailbox.
   */
  #letGo(): SavedPipe[] {
    const { thread, record } = this;
    const { words } = thread.control;
    this.#closed = true;
    const saved: SavedPipe[] = [];
    let head = 0;
    for (const pipe of this.#pipes.values()) {
      saved.push(pipe.save());
      // Ordering: the command or ticket that hands the socket over publishes
      // all of this.
      put(words, pipe.node + END.NEXT_PIPE, head);
      head = pipe.node;
    }
    this.#pipes.clear();
    put(words, record + SOCKET.PIPES, head);
    put(words, record + SOCKET.LINGER, this.options.linger);
    put(words, record + SOCKET.TYPE, this.options.type);
    this.#own.save(
      record + SOCKET.CHILDREN,
      record + SOCKET.TERM_ACKS,
      record + SOCKET.PROCESSED_SEQNUM,
    );
    thread.unregister(record + SOCKET.NODE);
    this.host.socketGone(this);
    return saved;
  }
}

/**
 * Whether the memory that a message needs is held by this very thread: by
 * Messages that it has not released or, where all others may come free, by the
 * message's own, beside which the rest of it has no room under the limit.
 */
function waitsInVain(
  memory: ContextMemory,
  parts: readonly OutPart[],
  count: number,
): boolean {
  const own = new Set<Message>();
  let bytes = CHUNK_BYTES;
  for (const part of parts.slice(0, count)) {
    if (part instanceof Message && part.isOf(memory)) own.add(part);
    else bytes += part instanceof Uint8Array ? part.length : part.size;
  }
  for (const message of own) bytes += message.size;
  return memory.unreleasedMessages > own.size ||
    (own.size > 0 && bytes > memory.control.memoryLimitBytes);
}

/** The far end of a pipe that nobody came for; it only says goodbye. */
class LonelyEnd implements PipeSink {
  readonly #gone: (pipe: Pipe) => void;

  constructor(gone: (pipe: Pipe) => void) {
    this.#gone = gone;
  }

  readActivated(): void {}
  writeActivated(): void {}
  hiccuped(): void {}
  hiccupAcknowledged(): void {}

  pipeTerminated(pipe: Pipe): void {
    this.#gone(pipe);
  }
}
