// libzmq: ctx.cpp (slots) · runs on: any · RFC: –

import {
  add,
  and,
  compareExchange,
  exchange,
  get,
  load,
  notifyAll,
  or,
  put,
  store,
  tally,
} from "./shared_access.ts";
import type { Words } from "./shared_access.ts";
import {
  ContextState,
  FAILURE_BYTES_MAX,
  H,
  Layout,
  MAILBOX,
  NO_SLOT,
  NODE,
  NODE_PARKED,
  Sleep,
  THREAD,
} from "./layout.ts";
import type { Geometry, Pool } from "./layout.ts";
import { acquire, release } from "./lock.ts";
import type { MemoryPlatform } from "./platform.ts";
import { GRANULE_BYTES } from "./size_class.ts";

/**
 * One thread's view of a context's control memory: thread records, records of
 * sockets, owned objects and pipes, and the mailboxes between them.
 *
 * Records are reserved when an object is made, so that nothing sent later
 * needs memory.
 */
export class ControlSegment {
  readonly words: Words;
  readonly layout: Layout;
  readonly platform: MemoryPlatform;
  readonly tid: number;
  readonly ioThreads: number;
  /** This thread's record, once it has a slot; 0 before. */
  record = 0;
  /** How often this thread freed payload. */
  #ownFreed = 0;
  /** This thread's slot, once it has wanted memory. */
  #wantedAt = -1;
  /** How often others had freed payload at the last refusal. */
  #freedSeen = 0;
  /** How often this thread wanted memory… */
  #ownWants = 0;
  /** …and others had, when the attempt under way began. */
  #wantsSeen = 0;
  /** Attempts to place a message that are under way, one in the other. */
  #attempts = 0;
  #freedInAttempt = false;

  constructor(
    buffer: SharedArrayBuffer,
    geometry: Geometry,
    platform: MemoryPlatform,
  ) {
    this.words = new Int32Array(buffer);
    this.layout = new Layout(geometry);
    this.platform = platform;
    this.tid = platform.gettid();
    this.ioThreads = geometry.ioThreads;
  }

  /** Makes the zeroed memory of a new context. */
  static allocate(geometry: Geometry): SharedArrayBuffer {
    return new SharedArrayBuffer(new Layout(geometry).sizeBytes);
  }

  get state(): number {
    return load(this.words, H.STATE);
  }

  /** What messages may take up together; Infinity = all there is. */
  get memoryLimitBytes(): number {
    const granules = load(this.words, H.MEMORY_LIMIT);
    return granules === 0 ? Infinity : granules * GRANULE_BYTES;
  }

  /**
   * Marks the context as failed and wakes all threads to see it.
   *
   * @param slot The thread that died, {@link NO_SLOT} when it had none.
   * @param reason What it died of, where that is known.
   */
  fail(slot: number, reason = ""): void {
    const { words } = this;
    if (compareExchange(words, H.FAILED_THREAD, 0, slot + 1) === 0) {
      // Ordering: published by the length; only the first to fail writes.
      const room = new Uint8Array(
        words.buffer,
        H.FAILURE * 4,
        FAILURE_BYTES_MAX,
      );
      const bytes = new TextEncoder().encode(reason).subarray(0, room.length);
      room.set(bytes);
      store(words, H.FAILURE_BYTES, bytes.length);
    }
    store(words, H.STATE, ContextState.FAILED);
    this.wakeAll();
  }

  /** What the first dead thread died of; empty when it could not say. */
  failureReason(): string {
    const length = load(this.words, H.FAILURE_BYTES);
    // Decoders refuse shared memory.
    const bytes = new Uint8Array(length);
    bytes.set(new Uint8Array(this.words.buffer, H.FAILURE * 4, length));
    return new TextDecoder().decode(bytes);
  }

  /** Wakes every thread, so that it looks at the context's state. */
  wakeAll(): void {
    for (let slot = 0; slot < this.layout.threadCount; slot++) {
      const thread = this.layout.thread(slot);
      if (load(this.words, thread + THREAD.TID) !== 0) this.announce(slot, 0);
    }
  }

  /** Runs `body` under a lock; undefined when its holder died. */
  locked<T>(lock: number, body: () => T): T | undefined {
    const { words, platform } = this;
    if (!acquire(words, lock, this.tid, platform.threadAlive)) {
      this.fail(NO_SLOT);
      return undefined;
    }
    try {
      return body();
    } finally {
      release(words, lock);
    }
  }

  /** Takes a zeroed record from a pool; 0 when the pool is exhausted. */
  takeRecord(pool: Pool): number {
    return this.locked(H.REGISTRY_LOCK, () => this.takeRecordLocked(pool)) ?? 0;
  }

  /** As {@link takeRecord}, for callers inside the registry lock. */
  takeRecordLocked(pool: Pool): number {
    const { words, layout } = this;
    const size = layout.poolRecordSize[pool] as number;
    const head = H.POOL + 2 * pool;
    // Ordering: the registry lock orders all plain accesses here.
    let record = get(words, head);
    if (record !== 0) {
      put(words, head, get(words, record + (layout.poolNextFree[pool] ?? 0)));
    } else {
      const used = get(words, head + 1);
      if (used === layout.poolLimit[pool]) return 0;
      put(words, head + 1, used + 1);
      record = (layout.poolBase[pool] as number) + used * size;
    }
    words.fill(0, record, record + size);
    return record;
  }

  /** Gives a record back. Nothing may refer to it any more. */
  giveRecord(pool: Pool, record: number): void {
    this.locked(H.REGISTRY_LOCK, () => this.giveRecordLocked(pool, record));
  }

  giveRecordLocked(pool: Pool, record: number): void {
    const { words, layout } = this;
    const head = H.POOL + 2 * pool;
    // Ordering: the registry lock orders both accesses.
    put(
      words,
      record + (layout.poolNextFree[pool] as number),
      get(words, head),
    );
    put(words, head, record);
  }

  /** Prepares an intrusive node to be served by a mailbox. */
  initNode(node: number, mailbox: number): void {
    store(this.words, node + NODE.MAILBOX, mailbox);
  }

  /** Prepares a mailbox; `readyIndex` is its bit in its owner's record. */
  initMailbox(mailbox: number, ownerSlot: number, readyIndex: number): void {
    // Ordering: as initNode.
    put(this.words, mailbox + MAILBOX.READY_INDEX, readyIndex);
    store(this.words, mailbox + MAILBOX.OWNER, ownerSlot);
  }

  /**
   * Gives a node that nobody served so far to a mailbox, with the commands
   * that were sent to it meanwhile.
   */
  serveNode(node: number, mailbox: number): void {
    this.initNode(node, mailbox);
    if (this.#unpark(node)) this.#push(node, mailbox);
  }

  /**
   * Sends commands, as bits, to the object behind a node. Neither allocates
   * nor blocks: what is already pending is only joined.
   */
  post(node: number, bits: number): void {
    const { words } = this;
    if (or(words, node + NODE.PENDING, bits) !== 0) return;
    let mailbox = load(words, node + NODE.MAILBOX);
    if (mailbox === 0) {
      // Nobody serves the node. Ordering: park first, then look again; who
      // comes to serve it stores the mailbox first, then looks for parked
      // commands. Whoever takes the mark pushes the node, so one of us does.
      or(words, node + NODE.PENDING, NODE_PARKED);
      mailbox = load(words, node + NODE.MAILBOX);
      if (mailbox === 0 || !this.#unpark(node)) return;
    }
    this.#push(node, mailbox);
  }

  #unpark(node: number): boolean {
    const before = and(this.words, node + NODE.PENDING, ~NODE_PARKED);
    return (before & NODE_PARKED) !== 0;
  }

  #push(node: number, mailbox: number): void {
    const { words } = this;
    let head = load(words, mailbox + MAILBOX.HEAD);
    for (;;) {
      // Ordering: published by the compare-and-swap below.
      put(words, node + NODE.NEXT, head);
      const seen = compareExchange(words, mailbox + MAILBOX.HEAD, head, node);
      if (seen === head) break;
      head = seen;
    }
    // Whoever found it empty announces it, for all that follow.
    if (head !== 0) return;
    // Ordering: push first, then load the owner; an adopter stores the owner
    // first, then drains. One of the two sees the other.
    this.announce(
      load(words, mailbox + MAILBOX.OWNER),
      get(words, mailbox + MAILBOX.READY_INDEX),
    );
  }

  /** Tells a thread that one of its mailboxes has mail. */
  announce(slot: number, readyIndex: number): void {
    const { words, layout } = this;
    const thread = layout.thread(slot);
    const word = readyIndex >>> 5;
    const group = Math.floor(word / this.readyGroup);
    or(words, thread + THREAD.READY + word, 1 << (readyIndex & 31));
    or(words, thread + THREAD.SUMMARY, 1 << group);
    this.wake(thread);
  }

  /** Wakes a thread if it sleeps; only one caller does, per sleep. */
  wake(thread: number): void {
    const { words } = this;
    const how = load(words, thread + THREAD.SLEEP);
    if (how === Sleep.AWAKE) return;
    if (
      compareExchange(words, thread + THREAD.SLEEP, how, Sleep.AWAKE) !== how
    ) return;
    this.tally(THREAD.WAKE_UPS);
    if (how === Sleep.DESCRIPTOR) {
      this.platform.wake(load(words, thread + THREAD.WAKE_TARGET));
    } else {
      notifyAll(words, thread + THREAD.SLEEP);
    }
  }

  /** Ready words that one summary bit stands for. */
  get readyGroup(): number {
    return (this.layout.readyWords + 31) >>> 5;
  }

  /** Takes a mailbox's nodes whole into an empty list, oldest first. */
  drain(mailbox: number, nodes: number[]): void {
    const { words } = this;
    let node = exchange(words, mailbox + MAILBOX.HEAD, 0);
    while (node !== 0) {
      nodes.push(node);
      // Ordering: the exchange that took the stack published NEXT. It is read
      // before PENDING is cleared, after which the node may be pushed again.
      node = get(words, node + NODE.NEXT);
    }
    nodes.reverse();
  }

  /** Clears and returns what is pending at a node that was drained. */
  takePending(node: number): number {
    return exchange(this.words, node + NODE.PENDING, 0);
  }

  /** Notes what was freed so far; to be called before payload is refused. */
  noteRefusal(): void {
    this.#freedSeen = this.#freedByOthers();
  }

  /** Payload came free: wakes the threads that wait for it, if any do. */
  memoryCameFree(): void {
    this.#ownFreed = (this.#ownFreed + 1) | 0;
    add(this.words, H.MEMORY_FREED, 1);
    if (this.#attempts > 0) this.#freedInAttempt = true;
    else this.#tellAllMemoryCame();
  }

  /**
   * Until {@link endAttempt}, this thread tries to place a message; attempts
   * may lie in one another. What it frees meanwhile is not told at once: when
   * it fails, that is what it took itself.
   */
  beginAttempt(): void {
    if (this.#attempts++ > 0) return;
    this.#freedInAttempt = false;
    this.#wantsSeen = this.#wantsOfOthers();
  }

  /**
   * The message was placed, or what it had taken so far was given back. Others
   * may have been refused because of that, but only those that have registered
   * since: were the rest told, two that wait for the same memory would try,
   * fail and tell each other for ever, and one alone would tell itself.
   */
  endAttempt(placed: boolean): void {
    if (--this.#attempts > 0 || !this.#freedInAttempt) return;
    if (placed) this.#tellAllMemoryCame();
    else if (this.#wantsOfOthers() !== this.#wantsSeen) {
      this.#tellOthersMemoryCame();
    }
  }

  /**
   * A charge was taken back for which no memory was to be had. Others may have
   * been refused because of it. The waiters of this thread were not: told of
   * it, they would ask, fail and tell each other for ever.
   */
  chargeTakenBack(): void {
    this.#ownFreed = (this.#ownFreed + 1) | 0;
    add(this.words, H.MEMORY_FREED, 1);
    this.#tellOthersMemoryCame();
  }

  /** Registers a thread, this one, to be told when payload comes free. */
  wantMemory(slot: number): void {
    const { words, layout } = this;
    this.#wantedAt = slot;
    store(words, layout.thread(slot) + THREAD.MEMORY_WANTED, 1);
    store(words, H.MEMORY_WAITERS, 1);
    add(words, H.MEMORY_WANTS, 1);
    this.#ownWants = (this.#ownWants + 1) | 0;
    // Ordering: registered first, then look; who frees, counts first, then
    // looks for waiters. One of the two sees the other. What this thread freed
    // itself does not count: taking back an unfinished message is no reason
    // to try again.
    const freed = this.#freedByOthers();
    if (freed === this.#freedSeen) return;
    this.#freedSeen = freed;
    this.#tellMemoryCame(slot);
  }

  #freedByOthers(): number {
    return (load(this.words, H.MEMORY_FREED) - this.#ownFreed) | 0;
  }

  #wantsOfOthers(): number {
    return (load(this.words, H.MEMORY_WANTS) - this.#ownWants) | 0;
  }

  #tellAllMemoryCame(): void {
    const { words, layout } = this;
    if (load(words, H.MEMORY_WAITERS) === 0) return;
    store(words, H.MEMORY_WAITERS, 0);
    for (let slot = 0; slot < layout.threadCount; slot++) {
      this.#tellMemoryCame(slot);
    }
  }

  #tellOthersMemoryCame(): void {
    const { words, layout } = this;
    // Ordering: the mark stays, since this thread's waiters still count on it.
    if (load(words, H.MEMORY_WAITERS) === 0) return;
    for (let slot = 0; slot < layout.threadCount; slot++) {
      if (slot !== this.#wantedAt) this.#tellMemoryCame(slot);
    }
  }

  #tellMemoryCame(slot: number): void {
    const { words } = this;
    const thread = this.layout.thread(slot);
    if (load(words, thread + THREAD.MEMORY_WANTED) === 0) return;
    if (exchange(words, thread + THREAD.MEMORY_WANTED, 0) === 0) return;
    store(words, thread + THREAD.MEMORY_CAME, 1);
    this.announce(slot, 0);
  }

  /** Adds to one of the counts in this thread's record. */
  tally(count: number): void {
    if (this.record !== 0) tally(this.words, this.record + count);
  }

  /** Adds to one of the header's counters. */
  count(counter: number, difference: number): number {
    return add(this.words, counter, difference) + difference;
  }
}
