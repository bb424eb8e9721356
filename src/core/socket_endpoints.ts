// libzmq: socket_base.cpp (bind, connect, term_endpoint) · runs on: app thread · RFC: –

import { load, put, store } from "../memory/shared_access.ts";
import { OWN, OwnKind, THREAD } from "../memory/layout.ts";
import { parseEndpoint } from "../base/endpoint.ts";
import type { Endpoint, InprocEndpoint } from "../base/endpoint.ts";
import { ZmqError } from "../base/errors.ts";
import { skipsDuplicateConnect } from "../base/socket_type.ts";
import { Command } from "./command.ts";
import { chooseIoThread } from "./choose_io_thread.ts";
import { InprocRegistry } from "./inproc_registry.ts";
import { storeArguments } from "./launch_arguments.ts";
import { createChildRecord, discardChildRecord, handOver } from "./own.ts";
import type { Own } from "./own.ts";
import { createPipePair, Pipe } from "./pipe.ts";
import { pipeFlags, pipeLimits } from "./pipe_limits.ts";
import type { SocketType } from "../base/socket_type.ts";
import type { SocketOptions } from "../base/options.ts";
import type { Thread } from "./thread.ts";
import type { PipeSink } from "./pipe.ts";
import type { Binder } from "./binder.ts";

/** The socket that endpoints belong to. */
export interface EndpointOwner extends PipeSink {
  readonly record: number;
  readonly mailbox: number;
  readonly type: SocketType;
  readonly options: SocketOptions;
  readonly thread: Thread;
  /** Starts I/O workers if this thread may. */
  needIoThreads(): void;
  binder(protocol: string): Binder;
  attachPipe(pipe: Pipe, locallyInitiated: boolean): void;
  /** Takes the far end of a pipe that nobody came for. */
  attachLonelyEnd(record: number): void;
  /** Tells the peer at the other end of an inproc pipe who we are. */
  announceRoutingId(pipe: Pipe): void;
}

/** One bound or connected endpoint. */
interface Entry {
  readonly text: string;
  readonly bound: boolean;
  /** Session or listener, 0 for inproc. */
  readonly child: number;
  /** Pipe of a connect, null for binds and late pipes. */
  pipe: Pipe | null;
  /** What a ROUTER is to call the peer of a late pipe. */
  readonly routingId: Uint8Array | null;
  /** Waits in the inproc registry for a bind. */
  pending: boolean;
  /** See {@link Listening.messageBytesMax}. */
  readonly messageBytesMax: number;
}

/** An endpoint on its way to another thread with its socket. */
export interface SavedEndpoint {
  readonly text: string;
  readonly bound: boolean;
  readonly child: number;
  /** {@link Pipe.node} of the pipe, or 0. */
  readonly pipe: number;
  readonly routingId: Uint8Array | null;
  readonly pending: boolean;
  readonly messageBytesMax: number;
}

/** What a socket is bound and connected to. Owner: the socket's thread. */
export class SocketEndpoints {
  readonly #socket: EndpointOwner;
  readonly #own: Own;
  readonly #entries: Entry[] = [];
  readonly #inproc: InprocRegistry;
  #messageBytesMax = Infinity;

  constructor(socket: EndpointOwner, own: Own) {
    this.#socket = socket;
    this.#own = own;
    this.#inproc = new InprocRegistry(socket.thread.control);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Octets of a message that every endpoint can take. */
  get messageBytesMax(): number {
    return this.#messageBytesMax;
  }

  bind(text: string): void {
    const endpoint = parseEndpoint(text, "bind");
    withAddress(text, () => {
      if (endpoint.protocol === "inproc") this.#bindInproc(text, endpoint);
      else this.#listen(endpoint);
    });
  }

  connect(text: string, routingId: Uint8Array | null): void {
    const endpoint = parseEndpoint(text, "connect");
    withAddress(text, () => {
      if (
        skipsDuplicateConnect(this.#socket.type) &&
        this.#entries.some((entry) => !entry.bound && entry.text === text)
      ) return;
      if (endpoint.protocol === "inproc") {
        this.#connectInproc(text, endpoint, routingId);
      } else this.#connectStream(text, endpoint, routingId);
      this.#socket.options.lastEndpoint = text;
    });
  }

  unbind(text: string): void {
    parseEndpoint(text, "bind");
    this.#forget(text, true);
  }

  disconnect(text: string): void {
    parseEndpoint(text, "connect");
    this.#forget(text, false);
  }

  /** A session has no way back to its peer. */
  childGaveUp(child: number): void {
    const index = this.#entries.findIndex((entry) => entry.child === child);
    if (index < 0) return;
    const entry = this.#remove(index);
    entry.pipe?.terminate(false);
    this.#own.terminateChild(child);
  }

  /** A session dies by itself; its pipe goes its own way. */
  forgetChild(child: number): void {
    const index = this.#entries.findIndex((entry) => entry.child === child);
    if (index >= 0) this.#remove(index);
  }

  pipeGone(pipe: Pipe): void {
    const index = this.#entries.findIndex((entry) => entry.pipe === pipe);
    if (index < 0) return;
    const entry = this.#entries[index] as Entry;
    entry.pipe = null;
    if (entry.child === 0) this.#entries.splice(index, 1);
  }

  /**
   * Takes the socket's names off the registry, before the reaper has it.
   * Connects that wait for a bind stay: they linger like everything sent.
   */
  closeNames(): void {
    for (const entry of this.#entries) {
      if (entry.child !== 0) continue;
      if (entry.bound) this.#inproc.unbind(nameOf(entry.text), this.#record);
      else if (entry.pending && this.#socket.options.linger === 0) {
        this.#withdraw(entry);
      }
    }
    this.#entries.length = 0;
  }

  /** What the peer of a pipe that a session made is to be called. */
  assignedIdOf(pipeRecord: number): Uint8Array | null {
    const entry = this.#entries.find(({ routingId, child }) =>
      routingId !== null && load(this.#words, child + OWN.PIPE) === pipeRecord
    );
    return entry?.routingId ?? null;
  }

  save(): SavedEndpoint[] {
    return this.#entries.map((entry) => ({
      text: entry.text,
      bound: entry.bound,
      child: entry.child,
      pipe: entry.pipe?.node ?? 0,
      routingId: entry.routingId,
      pending: entry.pending,
      messageBytesMax: entry.messageBytesMax,
    }));
  }

  /** @param pipes The socket's pipes by {@link Pipe.node}. */
  restore(
    saved: readonly SavedEndpoint[],
    pipes: ReadonlyMap<number, Pipe>,
  ): void {
    for (const entry of saved) {
      this.#entries.push({ ...entry, pipe: pipes.get(entry.pipe) ?? null });
    }
    this.#findMessageBytesMax();
  }

  get #record(): number {
    return this.#socket.record;
  }

  #listen(endpoint: Endpoint): void {
    const { options } = this.#socket;
    const slot = this.#chooseThread();
    const binder = this.#socket.binder(endpoint.protocol);
    const listening = binder.listen(endpoint, options);
    const text = listening.endpoint;
    try {
      const child = this.#createChild(
        OwnKind.LISTENER,
        slot,
        endpoint.protocol,
        text,
        listening.temporary,
      );
      const { messageBytesMax, lease = 0 } = listening;
      handOver(this.#words, child, listening.fd, lease);
      // Ordering: after the lease, for who ends it.
      if (lease !== 0) store(this.#words, child + OWN.LEASED, 1);
      this.#own.launch(child);
      this.#add(text, true, child, null, false, null, messageBytesMax);
    } catch (error) {
      listening.discard();
      throw error;
    }
    options.lastEndpoint = text;
  }

  #connectStream(
    text: string,
    endpoint: Endpoint,
    routingId: Uint8Array | null,
  ): void {
    const { thread, options } = this.#socket;
    this.#socket.binder(endpoint.protocol).check?.(
      endpoint,
      options,
    );
    const slot = this.#chooseThread();
    const child = this.#createChild(
      OwnKind.SESSION,
      slot,
      endpoint.protocol,
      text,
    );
    let pipe: Pipe | null = null;
    if (!options.immediate) {
      const record = createPipePair(
        thread.memory,
        [this.#socket.mailbox, this.#mailboxOf(slot)],
        pipeLimits(options),
      );
      if (record === 0) {
        discardChildRecord(thread, child);
        throw new ZmqError("EMFILE");
      }
      put(this.#words, child + OWN.PIPE, record);
      pipe = new Pipe(thread, record, 0, this.#socket);
      pipe.assignedRoutingId = routingId;
    }
    this.#own.launch(child);
    const lateId = pipe === null ? routingId : null;
    this.#add(text, false, child, pipe, false, lateId);
    if (pipe !== null) this.#socket.attachPipe(pipe, true);
  }

  #bindInproc(text: string, endpoint: InprocEndpoint): void {
    const waiting = this.#inproc.bind(endpoint.name, this.#record);
    // Peers come and go while the application does something else.
    this.#socket.thread.stand();
    this.#add(text, true, 0, null);
    this.#socket.options.lastEndpoint = text;
    const { thread } = this.#socket;
    for (const record of waiting) {
      const pipe = new Pipe(thread, record, 1, this.#socket);
      this.#socket.announceRoutingId(pipe);
      this.#socket.attachPipe(pipe, false);
      // The connecter learns of our marks, and that it is connected.
      thread.control.post(pipe.peerNode, Command.PIPE_HWM);
    }
  }

  #connectInproc(
    text: string,
    endpoint: InprocEndpoint,
    routingId: Uint8Array | null,
  ): void {
    const { thread, options } = this.#socket;
    const record = createPipePair(
      thread.memory,
      [this.#socket.mailbox, 0],
      {
        firstSend: options.sendHighWaterMark,
        secondReceive: -1,
        secondSend: -1,
        firstReceive: options.receiveHighWaterMark,
        flags: pipeFlags(options),
      },
    );
    if (record === 0) throw new ZmqError("EMFILE");
    const pipe = new Pipe(thread, record, 0, this.#socket);
    pipe.assignedRoutingId = routingId;
    this.#socket.announceRoutingId(pipe);
    let binder: number;
    try {
      binder = this.#inproc.connect(endpoint.name, record, this.#record);
    } catch (error) {
      pipe.discard();
      throw error;
    }
    pipe.writer.updateHwm();
    // As for a bind.
    thread.stand();
    this.#add(text, false, 0, pipe, binder === 0);
    if (binder !== 0) {
      thread.control.post(pipe.peerNode, Command.BIND);
    }
    this.#socket.attachPipe(pipe, true);
  }

  #forget(text: string, bound: boolean): void {
    const index = this.#entries.findIndex((entry) =>
      entry.text === text && entry.bound === bound
    );
    if (index < 0) throw new ZmqError("ENOENT", { address: text });
    const entry = this.#remove(index);
    if (entry.child === 0 && bound) {
      this.#inproc.unbind(nameOf(text), this.#record);
      return;
    }
    if (entry.pending) this.#withdraw(entry);
    entry.pipe?.terminate(false);
    if (entry.child !== 0) this.#own.terminateChild(entry.child);
  }

  /** Takes a waiting inproc connect back: this socket plays its peer too. */
  #withdraw(entry: Entry): void {
    const pipe = entry.pipe;
    if (pipe === null || !this.#inproc.withdraw(pipe.record)) return;
    this.#socket.attachLonelyEnd(pipe.record);
  }

  #chooseThread(): number {
    const { thread, options } = this.#socket;
    const slot = chooseIoThread(thread.control, options.affinity);
    if (slot < 0) throw new ZmqError("EMTHREAD");
    this.#socket.needIoThreads();
    return slot;
  }

  #createChild(
    kind: number,
    slot: number,
    protocol: string,
    endpoint: string,
    temporary = false,
  ): number {
    const { thread, options } = this.#socket;
    const child = createChildRecord(thread, {
      kind,
      mailbox: this.#mailboxOf(slot),
      ownerMailbox: this.#socket.mailbox,
      socket: this.#record,
    });
    if (child === 0) throw new ZmqError("EMFILE");
    const reference = storeArguments(thread.memory, {
      protocol,
      endpoint,
      options,
      temporary,
    });
    if (reference === 0) {
      discardChildRecord(thread, child);
      throw new ZmqError("ENOMEM");
    }
    put(this.#words, child + OWN.ARGUMENTS, reference);
    return child;
  }

  #mailboxOf(slot: number): number {
    return this.#socket.thread.control.layout.thread(slot) + THREAD.MAILBOX;
  }

  get #words(): Int32Array {
    return this.#socket.thread.control.words;
  }

  #add(
    text: string,
    bound: boolean,
    child: number,
    pipe: Pipe | null,
    pending = false,
    routingId: Uint8Array | null = null,
    messageBytesMax = Infinity,
  ): void {
    if (pipe !== null) pipe.endpoint = text;
    this.#entries.push({
      text,
      bound,
      child,
      pipe,
      routingId,
      pending,
      messageBytesMax,
    });
    this.#messageBytesMax = Math.min(this.#messageBytesMax, messageBytesMax);
  }

  #remove(index: number): Entry {
    const [entry] = this.#entries.splice(index, 1) as [Entry];
    // Few have a limit; of thousands, each would look at all others otherwise.
    if (entry.messageBytesMax < Infinity) this.#findMessageBytesMax();
    return entry;
  }

  #findMessageBytesMax(): void {
    let least = Infinity;
    for (const entry of this.#entries) {
      least = Math.min(least, entry.messageBytesMax);
    }
    this.#messageBytesMax = least;
  }
}

function nameOf(text: string): string {
  return text.slice("inproc://".length);
}

/** Runs an operation on an endpoint; its errors say which one it was. */
function withAddress(text: string, operation: () => void): void {
  try {
    operation();
  } catch (error) {
    if (!(error instanceof ZmqError) || error.address !== undefined) {
      throw error;
    }
    throw new ZmqError(error.code, {
      address: text,
      message: error.message,
      errno: error.errno,
    });
  }
}
