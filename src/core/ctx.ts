// libzmq: ctx.{hpp,cpp} · runs on: app thread · RFC: –

import { compareExchange, get, load, store } from "../memory/shared_access.ts";
import {
  ContextState,
  H,
  Layout,
  MAILBOX,
  OWN,
  Pool,
  SOCKET,
  THREAD,
} from "../memory/layout.ts";
import { BLOCK_HEADER_BYTES } from "../memory/block.ts";
import { Message } from "../memory/message.ts";
import { ALLOCATION_MAX_BYTES } from "../memory/payload_segments.ts";
import type { ControlSegment } from "../memory/control_segment.ts";
import type { PayloadSegments } from "../memory/payload_segments.ts";
import { ZmqError } from "../base/errors.ts";
import { defaultOptions } from "../base/options.ts";
import type { SocketType } from "../base/socket_type.ts";
import { Command } from "./command.ts";
import { FIRST_IO_SLOT, REAPER_SLOT } from "./choose_io_thread.ts";
import { createHandle, openMemory, openSegments } from "./context_handle.ts";
import type { ContextHandle } from "./context_handle.ts";
import type { CtxOptions } from "./ctx_options.ts";
import { causeOfDeath, deadThreadError } from "./dead_thread_error.ts";
import type { OutPart } from "./pipe_contract.ts";
import type { Pattern } from "./pattern.ts";
import { leaseOf } from "./own.ts";
import { InprocRegistry } from "./inproc_registry.ts";
import { Reaper } from "./reaper.ts";
import { SocketBase } from "./socket_base.ts";
import type { SocketHandle, SocketHost } from "./socket_base.ts";
import {
  initThread,
  LIVENESS_INTERVAL_MS,
  takeThreadSlot,
  Thread,
} from "./thread.ts";
import type { Binder } from "./binder.ts";
import { dispatchUnknown } from "./unknown_commands.ts";
import type { Wiring } from "./wiring_contract.ts";

export type { ContextHandle } from "./context_handle.ts";
export type { CtxOptions } from "./ctx_options.ts";
export { defaultCtxOptions } from "./ctx_options.ts";

/** How long a started worker may take until it runs, ms. */
const WORKER_START_MS_MAX = 20_000;

/** How long the peers of a dead thread's sockets are waited for, ms. */
const ORPHAN_PEERS_MS_MAX = 5_000;

/** How long, when no message of theirs could go anywhere, ms. */
const LONELY_PEERS_MS_MAX = 100;

/** How long to wait for workers to leave at the end, ms. */
const WORKER_STOP_MS_MAX = 5_000;

/** How long a worker that has left may take to end, ms. */
const WORKER_END_MS_MAX = 500;

/** Counts for tests: all are 0 in a context that has ended. */
export interface CtxStatistics {
  sockets: number;
  pipes: number;
  ownedObjects: number;
  blocks: number;
  memoryUsedBytes: number;
  segments: number;
}

/** What all threads of a context have done since it was made. */
export interface CtxActivity {
  waits: number;
  wakeUps: number;
  stalls: number;
}

/** A context as one JavaScript thread holds it. */
export class Ctx implements SocketHost {
  readonly options: CtxOptions;
  readonly thread: Thread;
  readonly #wiring: Wiring;
  readonly #handle: ContextHandle;
  readonly #control: ControlSegment;
  readonly #payload: PayloadSegments;
  readonly #creator: boolean;
  readonly #sockets: Map<number, SocketBase> = new Map();
  readonly #touched: Set<SocketBase> = new Set();
  #ioStartedMs = -1;
  #reaperStartedMs = -1;
  #localReaper: Reaper | null = null;
  /** Sockets closed before there was a reaper. */
  #unreaped = 0;
  #left = false;
  #orphanWait = { count: 0, sinceMs: 0 };
  /** Closed sockets without connections to other processes. */
  #lonely = 0;
  /** Slots of workers that this thread started and saw ending. */
  readonly #ended: Set<number> = new Set();

  private constructor(handle: ContextHandle, wiring: Wiring, creator: boolean) {
    const { platform } = wiring;
    const { control, payload } = openSegments(handle, platform);
    const firstSlot = FIRST_IO_SLOT + handle.options.ioThreads;
    const slot = takeThreadSlot(control, firstSlot);
    if (slot < 0) throw new ZmqError("EMTHREAD");
    this.options = handle.options;
    this.#handle = handle;
    this.#wiring = wiring;
    this.#control = control;
    this.#payload = payload;
    this.#creator = creator;
    const memory = openMemory(control, payload, slot, handle.options);
    this.thread = new Thread(memory, platform, () => this.#checkStarts());
    this.thread.onUnknown = (node, bits) =>
      dispatchUnknown(this.thread, this.#sockets, node, bits);
    this.thread.onProcessed = () => this.#tellTouched();
    this.thread.onBlock = () => this.#reapWaiting();
    // The end of the creator or of a worker is that of the context.
    if (!creator) payload.keeperRuns = () => this.#reaperRuns();
  }

  /** Makes a context; starts no thread before one is needed. */
  static create(options: CtxOptions, wiring: Wiring): Ctx {
    const handle = createHandle(options, wiring.platform);
    const { control } = openSegments(handle, wiring.platform);
    // Mail may be sent to the workers before they run.
    for (let n = 0; n < FIRST_IO_SLOT + options.ioThreads; n++) {
      initThread(control, n);
    }
    return new Ctx(handle, wiring, true);
  }

  /** Joins a context that another thread made. */
  static attach(handle: ContextHandle, wiring: Wiring): Ctx {
    if (!isHandle(handle)) {
      throw new TypeError("Value is not the handle of a context");
    }
    const ctx = new Ctx(handle, wiring, false);
    try {
      ctx.thread.checkState();
    } catch (error) {
      ctx.leave();
      throw error;
    }
    return ctx;
  }

  /** What another thread needs to {@link attach}. */
  handle(): ContextHandle {
    this.thread.checkState();
    this.needIoThreads();
    this.needReaper();
    return this.#handle;
  }

  /** Tells contexts of one process apart. */
  get contextId(): string {
    return this.#handle.id;
  }

  /** Sockets of this thread. */
  get sockets(): Iterable<SocketBase> {
    return this.#sockets.values();
  }

  statistics(): CtxStatistics {
    const { words } = this.#control;
    return {
      sockets: load(words, H.SOCKET_COUNT),
      pipes: load(words, H.PIPE_COUNT),
      ownedObjects: load(words, H.OWN_COUNT),
      blocks: load(words, H.BLOCK_COUNT),
      memoryUsedBytes: load(words, H.MEMORY_USED) * 256,
      segments: this.#payload.count === 0 ? 0 : load(words, H.SEGMENT_COUNT),
    };
  }

  activity(): CtxActivity {
    const { layout } = this.#control;
    const sum = { waits: 0, wakeUps: 0, stalls: 0 };
    for (let slot = 0; slot < layout.threadCount; slot++) {
      const record = layout.thread(slot);
      sum.waits += this.#counted(record + THREAD.WAITS);
      sum.wakeUps += this.#counted(record + THREAD.WAKE_UPS);
      sum.stalls += this.#counted(record + THREAD.STALLS);
    }
    return sum;
  }

  #counted(index: number): number {
    return load(this.#control.words, index) >>> 0;
  }

  /**
   * Makes a socket.
   *
   * @throws {ZmqError} EMFILE at `maxSockets`, ETERM after shutdown.
   */
  createSocket(type: SocketType): SocketBase {
    this.thread.checkState();
    const record = this.#control.takeRecord(Pool.SOCKET);
    if (record === 0) {
      this.#reapWaiting();
      throw new ZmqError("EMFILE");
    }
    this.#control.count(H.SOCKET_COUNT, 1);
    try {
      // Ordering: counted first, then the state once more; who ends the context
      // sets its state first, then looks at the count. One sees the other.
      this.thread.checkState();
    } catch (error) {
      this.#control.giveRecord(Pool.SOCKET, record);
      if (this.#control.count(H.SOCKET_COUNT, -1) === 0) {
        this.#control.wakeAll();
      }
      throw error;
    }
    const id = this.#control.count(H.NEXT_SOCKET_ID, 1);
    store(this.#control.words, record + SOCKET.ID, id);
    const { ipv6, blocky } = this.options;
    const options = defaultOptions(type, { ipv6, blocky });
    const socket = SocketBase.create(this, record, options);
    this.#sockets.set(record, socket);
    return socket;
  }

  /**
   * Takes over a socket that another thread let go of. In a context that was
   * shut down meanwhile the socket is closed: nobody else could do it.
   *
   * @throws {ZmqError} EINVAL for a handle of another context, or one that was
   * used already; ETERM after shutdown.
   */
  adoptSocket(handle: SocketHandle): SocketBase {
    if (this.#left) throw new ZmqError("ETERM");
    const socket = SocketBase.adopt(this, handle);
    this.#sockets.set(handle.record, socket);
    socket.takeMail();
    try {
      this.thread.checkState();
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  /** A message of so many zeroed bytes, to be written in place. */
  allocate(size: number): Message {
    const message = this.allocateUnsafe(size);
    const { bytes } = message;
    const { platform } = this.thread.memory.control;
    // V8 fills shared memory byte by byte.
    for (let at = 0; at < size; at += ZEROS.length) {
      const count = Math.min(ZEROS.length, size - at);
      platform.copyBytes(bytes, at, ZEROS, 0, count);
    }
    return message;
  }

  /** A message of so many bytes, with whatever the memory held before. */
  allocateUnsafe(size: number): Message {
    if (size > MESSAGE_BYTES_MAX) {
      throw new ZmqError("EMSGSIZE", {
        message: `Cannot allocate a message of ${size} bytes: ` +
          `at most ${MESSAGE_BYTES_MAX} are possible`,
      });
    }
    const { memory } = this.thread;
    const ref = memory.blocks.allocate(size);
    if (ref === 0) throw this.outOfMemory();
    const bytes = memory.blocks.bytes(ref, 0, size);
    return new Message(memory, ref, false, 0, size, bytes);
  }

  /** A message over the user's memory; `free` is called when it is done. */
  wrap(bytes: Uint8Array, free?: () => void): Message {
    const { memory } = this.thread;
    if (!this.#wiring.platform.isMainThread()) {
      // Memory of a Worker ends with it, and others may look at it longer.
      const copy = this.allocateUnsafe(bytes.length);
      const { platform } = memory.control;
      platform.copyBytes(copy.bytes, 0, bytes, 0, bytes.length);
      free?.();
      return copy;
    }
    const ref = memory.lend(bytes, free);
    if (ref === 0) throw this.outOfMemory();
    this.thread.arm();
    return new Message(memory, ref, false, 0, bytes.length, bytes);
  }

  /** The error of a thread that finds no memory. */
  outOfMemory(): ZmqError {
    const { unreleasedMessages } = this.thread.memory;
    const { memoryLimit } = this.options;
    const why = memoryLimit === 0
      ? "the system has no more"
      : `the context's limit of ${memoryLimit} bytes is reached`;
    return new ZmqError("ENOMEM", {
      message: `Cannot allocate message memory: ${why}, and this thread ` +
        `holds ${unreleasedMessages} unreleased messages`,
    });
  }

  /** Ends all calls on all sockets with ETERM; does not block. */
  shutdown(): void {
    const { words } = this.#control;
    compareExchange(
      words,
      H.STATE,
      ContextState.OPEN,
      ContextState.SHUT_DOWN,
    );
    this.#control.wakeAll();
  }

  /** Closes the sockets that this thread owns; the context is to end. */
  closeAll(): void {
    // A context that never needed a reaper needs none now.
    if (this.#creator && this.#reaperStartedMs < 0) this.#reapHere();
    for (const socket of [...this.#sockets.values()]) socket.close();
  }

  /**
   * Blocks until all sockets are gone and the workers have left.
   *
   * @param atExit The process ends: sockets of other threads end with it.
   * @returns false when the time was over first.
   */
  waitTerminated(timeoutMs: number, atExit = false): boolean {
    const deadline = this.#now() + timeoutMs;
    // Connects that wait for a bind will not see one.
    if (atExit) this.shutdown();
    while (!this.#settled(atExit)) {
      const left = deadline - this.#now();
      if (left <= 0) return false;
      const slice = this.#now() + Math.min(left, LIVENESS_INTERVAL_MS);
      if (this.#localReaper !== null) this.#localReaper.runUntil(slice);
      else this.thread.waitSync(slice);
    }
    this.#stopWorkers();
    const stopped = this.#now();
    const stopDeadline = stopped + WORKER_STOP_MS_MAX;
    const patientUntil = stopped + WORKER_END_MS_MAX;
    while (!this.#workersGone(patientUntil) && this.#now() < stopDeadline) {
      this.thread.waitSync(this.#now() + WORKER_POLL_MS);
    }
    this.leave();
    return true;
  }

  /**
   * Resolves when all sockets are gone and the workers have left.
   *
   * @throws {ZmqError} EOWNERDEAD when a thread died; the context is gone all
   * the same.
   */
  async terminated(): Promise<void> {
    this.thread.retain();
    try {
      for (;;) {
        const reaper = this.#localReaper;
        reaper?.runUntil(this.#now());
        if (this.#settled(false)) break;
        await this.#turn(
          reaper === null ? LIVENESS_INTERVAL_MS : LOCAL_REAP_MS,
        );
      }
      this.#stopWorkers();
      const stopped = this.#now();
      const stopDeadline = stopped + WORKER_STOP_MS_MAX;
      const patientUntil = stopped + WORKER_END_MS_MAX;
      while (!this.#workersGone(patientUntil) && this.#now() < stopDeadline) {
        await this.#turn(WORKER_POLL_MS);
      }
    } finally {
      this.thread.release();
      this.leave();
    }
    if (this.#control.state === ContextState.FAILED) {
      throw deadThreadError(this.#control);
    }
  }

  /** Gives up this thread's place in the context. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#endLeases();
    this.thread.standDown();
    this.#payload.flushCaches();
    this.#payload.close();
    // In a failed context sockets may be left to close.
    if (this.#sockets.size === 0) this.thread.memory.leave();
    const { words } = this.#control;
    if (this.#creator) store(words, H.CREATOR_TID, 0);
    store(words, this.thread.record + THREAD.TID, 0);
    this.#control.wakeAll();
  }

  // For sockets.

  needIoThreads(): void {
    this.thread.stand();
    if (!this.#creator || this.#ioStartedMs >= 0) return;
    this.#ioStartedMs = this.#now();
    for (let n = 0; n < this.options.ioThreads; n++) {
      this.#spawn("io", FIRST_IO_SLOT + n);
    }
    // Its start takes longer than a close should: a connection that is being
    // closed still takes messages from its peer, which are lost.
    this.needReaper();
  }

  /**
   * A socket waits to be reaped. As long as the context is this thread's
   * alone, nobody needs that to be soon: a program that ends in the meantime
   * reaps its sockets itself, and needs no worker for it.
   */
  socketClosed(): void {
    if (!this.#creator || this.#reaperStartedMs >= 0) return;
    if (this.#localReaper !== null) return;
    if (++this.#unreaped === 1) {
      const { platform } = this.#wiring;
      platform.callLater(REAPER_DELAY_MS, () => this.#reapWaiting());
    } else if (this.#unreaped === UNREAPED_MAX) this.needReaper();
  }

  /** Starts the reaper if sockets wait for it. */
  #reapWaiting(): void {
    if (this.#unreaped > 0 && !this.#left) this.needReaper();
  }

  needReaper(): void {
    if (!this.#creator || this.#reaperStartedMs >= 0) return;
    if (this.#localReaper !== null) return;
    this.#reaperStartedMs = this.#now();
    this.#spawn("reaper", REAPER_SLOT);
  }

  #reaperRuns(): boolean {
    const { words, layout, state } = this.#control;
    const reaper = layout.thread(REAPER_SLOT);
    return state !== ContextState.FAILED &&
      load(words, reaper + THREAD.STARTED) !== 0 &&
      load(words, reaper + THREAD.LOAD) >= 0;
  }

  createPattern(type: SocketType, socket: SocketBase): Pattern {
    return this.#wiring.patterns[type]({
      options: socket.options,
      random32: () => this.#wiring.platform.random32(),
      share: (parts: readonly OutPart[], count: number) =>
        socket.share(parts, count),
      unshare: (shared: readonly OutPart[], parts: readonly OutPart[]) =>
        socket.unshare(shared, parts),
    });
  }

  binder(protocol: string): Binder {
    const found = this.#wiring.binders.find((binder) =>
      binder.protocols.includes(protocol)
    );
    if (found === undefined) throw new ZmqError("EPROTONOSUPPORT");
    return found;
  }

  /**
   * Where I/O threads have died: one that lives ends its own. They are found in
   * the records of the listeners, whichever thread has bound them and is gone
   * since: the last one that leaves the context ends what the others could not.
   * Nobody is left to do it when the creator and all others are killed, and the
   * leases end with the process.
   */
  #endLeases(): void {
    if (this.#control.state !== ContextState.FAILED || this.#ioLives()) return;
    const { words } = this.#control;
    for (const record of this.#leased()) {
      // Two that leave at once would both find it, and close it twice.
      if (compareExchange(words, record + OWN.LEASED, 1, 0) !== 1) continue;
      const fd = get(words, record + OWN.FD);
      const lease = leaseOf(words, record);
      for (const binder of this.#wiring.binders) binder.endLease?.(fd, lease);
    }
  }

  /** Listeners' records with leases that may not have ended. */
  #leased(): number[] {
    const { words, layout } = this.#control;
    const base = layout.poolBase[Pool.OWN] as number;
    // Ordering: without the pool's lock, which a dead thread may have. What is
    // read of a record that is being given back is no lease that holds.
    const used = load(words, H.POOL + 2 * Pool.OWN + 1);
    return Array.from({ length: used }, (_, n) => base + n * OWN.SIZE)
      .filter((record) => load(words, record + OWN.LEASED) === 1);
  }

  #ioLives(): boolean {
    const { words, layout } = this.#control;
    const slots = Array.from(
      { length: this.options.ioThreads },
      (_, n) => FIRST_IO_SLOT + n,
    );
    return slots.some((slot) => {
      const thread = layout.thread(slot);
      // One that is still starting is going to find what it was left.
      const starts = load(words, thread + THREAD.STARTED) !== 0 &&
        load(words, thread + THREAD.TID) === 0 && !this.#ended.has(slot);
      return starts || this.#lives(slot);
    });
  }

  touched(socket: SocketBase): void {
    this.#touched.add(socket);
  }

  socketGone(socket: SocketBase): void {
    this.#sockets.delete(socket.record);
    this.#touched.delete(socket);
  }

  #now(): number {
    return this.#wiring.platform.monotonicMs();
  }

  #tellTouched(): void {
    this.#onTurn?.();
    if (this.#control.state !== ContextState.OPEN) {
      for (const socket of this.#sockets.values()) this.#touched.add(socket);
    }
    for (const socket of this.#touched) {
      this.#touched.delete(socket);
      socket.onActivity?.();
    }
  }

  #spawn(role: "io" | "reaper", slot: number): void {
    const { words, layout } = this.#control;
    const thread = layout.thread(slot);
    const worker = this.#wiring.platform.spawnWorker({
      role,
      slot,
      context: this.#handle,
      url: this.options.workerUrl,
    });
    store(words, thread + THREAD.STARTED, 1);
    worker.onExit((error) => {
      this.#ended.add(slot);
      const inGoodOrder = load(words, thread + THREAD.LOAD) < 0;
      if (!inGoodOrder) this.#control.fail(slot, causeOfDeath(error));
    });
  }

  #checkStarts(): void {
    this.#checkStart(REAPER_SLOT, this.#reaperStartedMs);
    this.#checkStart(FIRST_IO_SLOT, this.#ioStartedMs);
  }

  /** A worker that never came up counts as dead. */
  #checkStart(slot: number, startedMs: number): void {
    if (startedMs < 0 || this.#now() - startedMs < WORKER_START_MS_MAX) return;
    const { words, layout } = this.#control;
    const thread = layout.thread(slot);
    if (load(words, thread + THREAD.TID) === 0) this.#control.fail(slot);
  }

  /** Whether nothing is left to wait for but the workers. */
  #settled(atExit: boolean): boolean {
    const { words } = this.#control;
    this.thread.checkLiveness();
    if (this.#control.state === ContextState.FAILED) return true;
    const count = load(words, H.SOCKET_COUNT);
    if (count === 0) return true;
    const orphans = this.#orphanCount(atExit);
    return count === orphans || (orphans > 0 && this.#outlived(count, orphans));
  }

  /**
   * Whether the peers of sockets whose thread died have been given up: they
   * wait for acknowledgements that nobody will send.
   */
  #outlived(count: number, orphans: number): boolean {
    const now = this.#now();
    if (count !== this.#orphanWait.count) {
      this.#orphanWait = { count, sinceMs: now };
    }
    // Lonely ones wait for each other and for the dead, and nobody is left to
    // receive their messages.
    const patience = orphans + this.#lonely === count
      ? LONELY_PEERS_MS_MAX
      : ORPHAN_PEERS_MS_MAX;
    return now - this.#orphanWait.sinceMs > patience;
  }

  /**
   * Sockets that nobody can bring to an end: their thread died with them or,
   * at the end of the process, will not run any more.
   */
  #orphanCount(atExit: boolean): number {
    const owners: number[] = [];
    const inTransit: number[] = [];
    this.#lonely = 0;
    // Ordering: under the pool's lock, so that no record is given back and
    // zeroed for another socket while it is looked at.
    this.#control.locked(
      H.REGISTRY_LOCK,
      () => this.#findOwners(owners, inTransit),
    );
    for (const record of inTransit) {
      new InprocRegistry(this.#control).unbindAll(record);
      this.#control.post(record + SOCKET.TO_REAPER, Command.REAP);
    }
    const dead = owners.filter((slot) =>
      atExit && slot !== this.thread.slot || !this.#lives(slot)
    );
    return dead.length;
  }

  /**
   * Inside the registry lock: the threads of all sockets that are not the
   * reaper's, one for each, but of those that are to be reaped from now on.
   */
  #findOwners(owners: number[], inTransit: number[]): void {
    const { words, layout } = this.#control;
    const base = layout.poolBase[Pool.SOCKET] as number;
    const used = get(words, H.POOL + 2 * Pool.SOCKET + 1);
    for (let n = 0; n < used; n++) {
      const record = base + n * SOCKET.SIZE;
      if (load(words, record + SOCKET.ID) === 0) continue;
      if (this.#takeInTransit(record)) {
        inTransit.push(record);
        continue;
      }
      const owner = load(words, record + SOCKET.MAILBOX + MAILBOX.OWNER);
      if (owner !== REAPER_SLOT) owners.push(owner);
      // A closed socket gets no more children.
      else if (load(words, record + SOCKET.CHILDREN) === 0) this.#lonely++;
    }
  }

  #lives(slot: number): boolean {
    const { words, layout, platform } = this.#control;
    const tid = load(words, layout.thread(slot) + THREAD.TID);
    return tid !== 0 && platform.threadAlive(tid);
  }

  /**
   * Whether a socket that was on its way to another thread is now the reaper's
   * to be: the context is shut down, so nobody can adopt it any more.
   */
  #takeInTransit(record: number): boolean {
    const { words } = this.#control;
    const ticket = load(words, record + SOCKET.TICKET);
    if (ticket === 0 || this.#control.state === ContextState.OPEN) return false;
    return compareExchange(words, record + SOCKET.TICKET, ticket, 0) === ticket;
  }

  /** Plays the reaper at the end of a program that never needed one. */
  #reapHere(): void {
    if (this.#localReaper !== null) return;
    const memory = openMemory(
      this.#control,
      this.#payload,
      REAPER_SLOT,
      this.options,
    );
    const thread = new Thread(memory, this.#wiring.platform, () => {});
    this.#localReaper = new Reaper(thread);
  }

  #stopWorkers(): void {
    const { layout } = this.#control;
    for (let slot = 0; slot < FIRST_IO_SLOT + this.options.ioThreads; slot++) {
      this.#control.post(layout.thread(slot) + THREAD.NODE, Command.STOP);
    }
  }

  /**
   * Whether the workers have ended. One that has left in good order and still
   * runs after a while waits for its own worker: Bun does not end it while
   * that one is inside a look-up.
   */
  #workersGone(patientUntilMs: number): boolean {
    const { words, layout, platform, state } = this.#control;
    // Under Deno one may be told of before its thread has come to its end.
    const awaitsThreads = state === ContextState.FAILED &&
      this.#leased().length > 0;
    for (let slot = 0; slot < FIRST_IO_SLOT + this.options.ioThreads; slot++) {
      const thread = layout.thread(slot);
      if (load(words, thread + THREAD.STARTED) === 0) continue;
      if (this.#ended.has(slot) && !awaitsThreads) continue;
      const tid = load(words, thread + THREAD.TID);
      // A worker that is still starting will find its stop command; in a
      // failed context it may never have started.
      if (tid === 0 && state !== ContextState.FAILED) return false;
      if (tid === 0 || !platform.threadAlive(tid)) continue;
      const left = load(words, thread + THREAD.LOAD) < 0;
      if (!left || this.#now() < patientUntilMs) return false;
    }
    return true;
  }

  /** Lets the event loop turn until mail comes or the time is over. */
  async #turn(timeoutMs: number): Promise<void> {
    await this.#wiring.platform.delay(timeoutMs, (wake) => {
      this.#onTurn = wake;
    });
    this.#onTurn = null;
  }

  #onTurn: (() => void) | null = null;
}

/** The largest message that can be made, bytes. */
const MESSAGE_BYTES_MAX = ALLOCATION_MAX_BYTES - BLOCK_HEADER_BYTES;

/** Sockets that may wait for a reaper to be started. */
const UNREAPED_MAX = 16;

/** How long they may wait, ms. */
const REAPER_DELAY_MS = 50;

/** How often a thread that reaps its own sockets looks after them, ms. */
const LOCAL_REAP_MS = 5;

/** How often leaving workers are looked after, ms. */
const WORKER_POLL_MS = 2;

/** Whether a value looks like what {@link Ctx.handle} gave. */
function isHandle(value: ContextHandle | null | undefined): boolean {
  const { control, payload, options } = value ?? {};
  return control instanceof SharedArrayBuffer &&
    payload instanceof SharedArrayBuffer && options !== undefined &&
    control.byteLength === new Layout(options).sizeBytes;
}

/** What zeroed messages are copied from. */
const ZEROS = new Uint8Array(64 * 1024);
