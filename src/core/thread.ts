// libzmq: mailbox.{hpp,cpp}, signaler.{hpp,cpp}, ctx.cpp (slots) · runs on: any · RFC: –

import {
  compareExchange,
  exchange,
  glance,
  load,
  notifyAll,
  store,
  wait,
  waitAsync,
} from "../memory/shared_access.ts";
import {
  ContextState,
  H,
  MAILBOX,
  Pool,
  Sleep,
  SOCKET,
  THREAD,
} from "../memory/layout.ts";
import type { ContextMemory } from "../memory/context_memory.ts";
import type { ControlSegment } from "../memory/control_segment.ts";
import { ZmqError } from "../base/errors.ts";
import { NumberMap } from "../base/number_map.ts";
import { deadThreadError } from "./dead_thread_error.ts";
import type { CommandTarget } from "./command.ts";
import { FIRST_IO_SLOT } from "./choose_io_thread.ts";
import type { CorePlatform, KeepAlive } from "./platform.ts";

/** Longest sleep before the other threads' lives are checked, ms. */
export const LIVENESS_INTERVAL_MS = 500;

/** Operations between two looks at the clock, which costs as much as one. */
const STRIDE_MAX = 16;

/** A thread does more than operations when they take longer than this, ms. */
const BUSY_MS = 10;

/** How long a thread counts as busy that has gone back to its event loop, ms. */
const BUSY_MS_MAX = 250;

/** Somebody who found no memory and wants to hear when some comes free. */
export interface MemoryWaiter {
  memoryCame(): void;
}

/**
 * One thread's place in a context: its mailboxes, how it sleeps, and the
 * objects that live on it.
 */
export class Thread {
  readonly memory: ContextMemory;
  readonly control: ControlSegment;
  readonly platform: CorePlatform;
  readonly slot: number;
  /** Record in control memory. */
  readonly record: number;
  /** Called for commands to an object that is not on this thread yet. */
  onUnknown: ((node: number, bits: number) => void) | null = null;
  /** Called before this thread blocks. */
  onBlock: (() => void) | null = null;
  /** Called after a turn that processed commands. */
  onProcessed: (() => void) | null = null;

  readonly #targets: NumberMap<CommandTarget> = new NumberMap();
  readonly #nodes: number[] = [];
  readonly #memoryWaiters: Set<MemoryWaiter> = new Set();
  /**
   * Whether the thread has slept or returned to its event loop since its last
   * message went out: it does not send one after the other.
   */
  rested = true;
  /** How often mail was handled; tells whether an answer may be out of date. */
  turns = 0;
  #processing = false;
  /** The first error that was met in the mail under way. */
  #failure: { readonly reason: unknown } | null = null;
  #state: number = ContextState.OPEN;

  /** Standing `waitAsync` and who wants it. */
  #armed = false;
  #retained = 0;
  #standing = false;
  #keepAlive: KeepAlive | null = null;
  #lastCheckMs = 0;
  readonly #onCheck: () => void;

  /** Operations from one look at the clock to the next, and to the next one. */
  #stride = 1;
  #untilLook = 1;
  #lastLookMs = 0;
  #calmLater = false;

  /** @param onCheck Called when the other threads' lives are checked. */
  constructor(
    memory: ContextMemory,
    platform: CorePlatform,
    onCheck: () => void,
  ) {
    this.memory = memory;
    this.control = memory.control;
    this.platform = platform;
    this.slot = memory.slot;
    this.record = this.control.layout.thread(memory.slot);
    this.#onCheck = onCheck;
  }

  /** Word index of the thread's own mailbox. */
  get mailbox(): number {
    return this.record + THREAD.MAILBOX;
  }

  register(node: number, target: CommandTarget): void {
    this.#targets.set(node, target);
  }

  unregister(node: number): void {
    this.#targets.delete(node);
  }

  /** The objects that live on this thread, as of now. */
  get targets(): CommandTarget[] {
    return this.#targets.values();
  }

  /** Whether commands of several objects are being handled right now. */
  get processing(): boolean {
    return this.#processing;
  }

  wantMemory(waiter: MemoryWaiter): void {
    this.#memoryWaiters.add(waiter);
    this.control.wantMemory(this.slot);
  }

  forgetMemory(waiter: MemoryWaiter): void {
    this.#memoryWaiters.delete(waiter);
  }

  /** Whether mail waits; one atomic load. */
  hasMail(): boolean {
    return load(this.control.words, this.record + THREAD.SUMMARY) !== 0;
  }

  /** As {@link hasMail}, perhaps late: for a thread that asks all the time. */
  seesMail(): boolean {
    return glance(this.control.words, this.record + THREAD.SUMMARY) !== 0;
  }

  /** Handles everything that waits in this thread's mailboxes. */
  processMail(): boolean {
    const { words } = this.control;
    const summaryIndex = this.record + THREAD.SUMMARY;
    if (load(words, summaryIndex) === 0 || this.#processing) return false;
    this.#processing = true;
    // Whoever changes the state announces it, so it is read no more often.
    this.#state = this.control.state;
    try {
      let summary = exchange(words, summaryIndex, 0);
      while (summary !== 0) {
        this.#processGroups(summary);
        summary = exchange(words, summaryIndex, 0);
      }
    } finally {
      this.#processing = false;
    }
    this.turns++;
    this.onProcessed?.();
    this.#throwFailure();
    return true;
  }

  /** Takes and handles what waits in one mailbox. */
  processMailbox(mailbox: number): void {
    const nodes = this.#nodes.length === 0 ? this.#nodes : [];
    this.control.drain(mailbox, nodes);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as number;
      try {
        const bits = this.control.takePending(node);
        const target = this.#targets.get(node);
        if (target !== undefined) target.processCommands(bits);
        else this.onUnknown?.(node, bits);
      } catch (reason) {
        // The mail of all others is out of its mailbox already.
        this.#failure ??= { reason };
      }
    }
    nodes.length = 0;
    if (!this.#processing) this.#throwFailure();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    if (failure === null) return;
    this.#failure = null;
    throw failure.reason;
  }

  /**
   * Gets ready to sleep in the given way; false when mail came meanwhile.
   * After true the caller sleeps and then calls {@link awake}.
   */
  prepareSleep(how: number): boolean {
    const { words } = this.control;
    // Ordering: sleep first, then look; a sender sets its bit first, then
    // looks at sleep. One of the two sees the other.
    store(words, this.record + THREAD.SLEEP, how);
    if (load(words, this.record + THREAD.SUMMARY) === 0) {
      this.control.tally(THREAD.WAITS);
      return true;
    }
    this.awake();
    return false;
  }

  /** The thread runs again. */
  awake(): void {
    // An armed waitAsync still needs to be woken by the next sender.
    if (!this.#armed) {
      store(this.control.words, this.record + THREAD.SLEEP, Sleep.AWAKE);
    }
  }

  /**
   * Gets ready to sleep in poll(2), beside descriptors that are none of the
   * context's. {@link hasMail} then tells whether to sleep at all, and {@link
   * endDescriptorSleep} follows in any case.
   *
   * @param wakeTarget What ends the sleep: a target for {@link
   * CorePlatform.wake}, this sleep's alone.
   */
  beginDescriptorSleep(wakeTarget: number): void {
    this.onBlock?.();
    const { words } = this.control;
    // Ordering: the target first, for whoever sees how the thread sleeps; then
    // as in prepareSleep, with the caller's look for mail at the end.
    store(words, this.record + THREAD.WAKE_TARGET, wakeTarget);
    store(words, this.record + THREAD.SLEEP, Sleep.DESCRIPTOR);
    this.control.tally(THREAD.WAITS);
  }

  /**
   * The thread runs again after {@link beginDescriptorSleep}.
   *
   * @returns Whether a sender undertook to wake the target: it has done so, or
   * is about to, and the target must not go away before.
   */
  endDescriptorSleep(): boolean {
    const { words } = this.control;
    const sleep = this.record + THREAD.SLEEP;
    const woken = exchange(words, sleep, Sleep.AWAKE) !== Sleep.DESCRIPTOR;
    this.rested = true;
    if (this.#armed) {
      // The armed waitAsync still stands, and nobody has notified it since.
      // Ordering: as in prepareSleep.
      store(words, sleep, Sleep.FUTEX);
      if (this.hasMail()) {
        store(words, sleep, Sleep.AWAKE);
        notifyAll(words, sleep);
      }
    }
    return woken;
  }

  /**
   * Blocks until commands were handled, or a time of {@link
   * CorePlatform.monotonicMs} has come.
   *
   * @returns false when the time came first.
   * @throws {ZmqError} EOWNERDEAD when a thread of the context died.
   */
  waitSync(deadlineMs: number): boolean {
    for (;;) {
      if (this.processMail()) return true;
      const left = deadlineMs - this.platform.monotonicMs();
      if (left <= 0) return false;
      this.onBlock?.();
      if (!this.prepareSleep(Sleep.FUTEX)) continue;
      const result = wait(
        this.control.words,
        this.record + THREAD.SLEEP,
        Sleep.FUTEX,
        Math.min(left, LIVENESS_INTERVAL_MS),
      );
      this.awake();
      this.rested = true;
      if (result === "timed-out") this.checkLiveness();
    }
  }

  /**
   * A socket is asked for something. A thread that polls now and then looks at
   * the others' lives each time, one that is busy at every sixteenth time.
   */
  operationBegins(): void {
    if (--this.#untilLook > 0) return;
    const now = this.platform.monotonicMs();
    if (now - this.#lastLookMs < BUSY_MS) {
      this.#stride = Math.min(2 * this.#stride, STRIDE_MAX);
    } else {
      this.#stride = 1;
      this.rested = true;
    }
    this.#untilLook = this.#stride;
    this.#lastLookMs = now;
    if (this.#stride > 1) this.#calmDownLater();
    this.#checkLiveness(now);
  }

  /**
   * Looks, four times a second at most, whether the threads live that the
   * context cannot live without. Each of them does so as well: what one that
   * never rests misses, another one tells it.
   */
  checkLiveness(): void {
    this.#checkLiveness(this.platform.monotonicMs());
  }

  /** The context's state, as of the last mail. */
  get state(): number {
    return this.#state;
  }

  /** Throws what the context's state makes of every call. */
  checkState(): void {
    const { state } = this.control;
    if (state === ContextState.OPEN) return;
    if (state === ContextState.SHUT_DOWN) throw new ZmqError("ETERM");
    throw deadThreadError(this.control);
  }

  /**
   * Handles mail from the event loop, and keeps the process alive, until
   * {@link release} was called as often.
   */
  retain(): void {
    if (this.#retained++ === 0) {
      this.#keepAlive ??= this.platform.keepAlive(
        () => this.#onLivenessTimer(),
        LIVENESS_INTERVAL_MS,
      );
      this.#keepAlive.retain();
    }
    this.arm();
  }

  release(): void {
    if (--this.#retained === 0) this.#keepAlive?.release();
  }

  /** Arranges for mail to be handled from the event loop. */
  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    if (!this.prepareSleep(Sleep.FUTEX)) {
      Promise.resolve().then(() => this.#onWake());
      return;
    }
    const promise = waitAsync(
      this.control.words,
      this.record + THREAD.SLEEP,
      Sleep.FUTEX,
    ) ?? Promise.resolve();
    promise.then(() => this.#onWake());
  }

  /**
   * Handles mail from the event loop for as long as the thread lives, without
   * keeping it alive: a socket that nobody uses still lets peers come and go.
   */
  stand(): void {
    this.#standing = true;
    this.arm();
  }

  /** Ends what {@link stand} began. */
  standDown(): void {
    this.#standing = false;
  }

  #checkLiveness(now: number): void {
    if (now - this.#lastCheckMs < LIVENESS_INTERVAL_MS / 2) return;
    this.#lastCheckMs = now;
    const { words, layout, platform, ioThreads } = this.control;
    if (this.control.state === ContextState.FAILED) return;
    this.memory.payload.flushIdleRuns();
    this.#onCheck();
    for (let slot = 0; slot < FIRST_IO_SLOT + ioThreads; slot++) {
      const worker = layout.thread(slot);
      if (load(words, worker + THREAD.STARTED) === 0) continue;
      const tid = load(words, worker + THREAD.TID);
      if (tid === 0 || platform.threadAlive(tid)) continue;
      // Ordering: last of all. It says that it leaves before it ends.
      if (load(words, worker + THREAD.LOAD) >= 0) this.control.fail(slot);
    }
    // By itself: a dead creator's slot may be somebody else's by now.
    const creator = load(words, H.CREATOR_TID);
    if (creator !== 0 && !platform.threadAlive(creator)) {
      // Ordering: as above. One that leaves takes its id back.
      if (load(words, H.CREATOR_TID) !== creator) return;
      this.control.fail(layout.threadCount);
    }
  }

  /** A burst of operations says nothing about those after it. */
  #calmDownLater(): void {
    if (this.#calmLater) return;
    this.#calmLater = true;
    this.platform.callLater(BUSY_MS_MAX, () => {
      this.#calmLater = false;
      this.rested = true;
      this.#stride = 1;
      this.#untilLook = 1;
    });
  }

  #onWake(): void {
    this.#armed = false;
    this.rested = true;
    try {
      this.processMail();
    } catch (error) {
      // Nobody called who could be told: the operation that asks for it meets
      // the same (memory that a dead thread took along). Mistakes are loud.
      if (!(error instanceof ZmqError)) throw error;
    } finally {
      if (
        this.#retained > 0 || this.#standing || this.memory.loanCount > 0
      ) this.arm();
    }
  }

  #onLivenessTimer(): void {
    if (this.#retained === 0) return;
    this.checkLiveness();
    if (this.control.state !== ContextState.OPEN) this.processMail();
  }

  #processGroups(summary: number): void {
    const { words } = this.control;
    const group = this.control.readyGroup;
    while (summary !== 0) {
      const bit = 31 - Math.clz32(summary & -summary);
      summary &= summary - 1;
      const first = bit * group;
      const end = Math.min(first + group, this.control.layout.readyWords);
      for (let word = first; word < end; word++) {
        const index = this.record + THREAD.READY + word;
        if (load(words, index) !== 0) {
          this.#processReady(word, exchange(words, index, 0));
        }
      }
    }
  }

  #processReady(word: number, ready: number): void {
    while (ready !== 0) {
      const bit = 31 - Math.clz32(ready & -ready);
      ready &= ready - 1;
      const readyIndex = word * 32 + bit;
      if (readyIndex === 0) this.#processOwn();
      else this.#processSocket(readyIndex - 1);
    }
  }

  #processOwn(): void {
    this.processMailbox(this.mailbox);
    const { words } = this.control;
    if (exchange(words, this.record + THREAD.MEMORY_CAME, 0) !== 0) {
      const waiters = [...this.#memoryWaiters];
      this.#memoryWaiters.clear();
      for (const waiter of waiters) waiter.memoryCame();
    }
    this.memory.collectLoans();
  }

  #processSocket(index: number): void {
    const { words, layout } = this.control;
    const record = (layout.poolBase[Pool.SOCKET] as number) +
      index * SOCKET.SIZE;
    const mailbox = record + SOCKET.MAILBOX;
    // Not ours, or not adopted yet: whoever adopts it drains it.
    if (
      load(words, mailbox + MAILBOX.OWNER) !== this.slot ||
      !this.#targets.has(record)
    ) return;
    this.processMailbox(mailbox);
  }
}

/** Takes a free application slot of a context; -1 when all are in use. */
export function takeThreadSlot(
  control: ControlSegment,
  firstSlot: number,
): number {
  const { words, layout, tid } = control;
  // A dead thread's slot only at need: its sockets still name it.
  for (const dead of [false, true]) {
    for (let slot = firstSlot; slot < layout.threadCount; slot++) {
      const index = layout.thread(slot) + THREAD.TID;
      const holder = load(words, index);
      if (holder !== 0 && !dead) continue;
      if (holder !== 0 && control.platform.threadAlive(holder)) continue;
      if (compareExchange(words, index, holder, tid) === holder) {
        initThread(control, slot);
        return slot;
      }
    }
  }
  return -1;
}

/** Prepares a thread's mailbox, before anybody sends to it. */
export function initThread(control: ControlSegment, slot: number): void {
  const record = control.layout.thread(slot);
  store(control.words, record + THREAD.SLEEP, Sleep.AWAKE);
  control.initMailbox(record + THREAD.MAILBOX, slot, 0);
  control.initNode(record + THREAD.NODE, record + THREAD.MAILBOX);
}
