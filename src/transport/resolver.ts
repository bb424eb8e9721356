// libzmq: ip_resolver.cpp · runs on: io thread · RFC: –

import { MessagePipe, spawnWorker } from "../../ffi/mod.ts";
import {
  add,
  compareExchange,
  load,
  notifyAll,
} from "../memory/shared_access.ts";
import type { Words } from "../memory/shared_access.ts";
import type { IoContext } from "../core/transport.ts";
import type { Timer } from "../poller/timer_queue.ts";

/** Look-ups of one I/O thread that run at the same time. */
export const LOOKUPS_MAX = 4;

/**
 * How long names wait for one that is being looked up before another thread is
 * started for them, and how often the threads' lives are checked, ms.
 */
export const PATIENCE_MS = 250;

/** How long a started thread may take until it runs, ms. */
const START_MS_MAX = 20_000;

/** What the I/O thread asks of a resolver worker. */
export interface LookupRequest {
  readonly id: number;
  readonly name: string;
  readonly family: 0 | 4 | 6;
}

/** What the resolver answers. */
export interface LookupAnswer {
  readonly id: number;
  readonly addresses: readonly string[];
}

/** What a resolver worker is told at its start. */
export interface ResolverData {
  readonly role: "resolver";
  readonly port: unknown;
  /** {@link Bell} */
  readonly bell: SharedArrayBuffer;
  /** Wakes the I/O thread. */
  readonly wakeTarget: number;
}

/** Words that an I/O thread shares with a resolver worker. */
export const Bell = {
  /** Counts requests; the worker sleeps on it. */
  REQUESTS: 0,
  /** {@link Ring} */
  RING: 1,
  /** The worker's thread id, once it runs. */
  TID: 2,
  /** Counts answers. */
  ANSWERS: 3,
  BYTES: 16,
} as const;

/**
 * Who may wake the I/O thread. A lookup can outlast that thread, and the number
 * of the descriptor that wakes it may be somebody else's by then.
 */
export const Ring = { FREE: 0, RINGING: 1, CLOSED: 2 } as const;

// Owner: each I/O thread, which is a JavaScript thread with modules of its own.
const resolvers: WeakMap<IoContext, Resolver> = new WeakMap();

/** The resolver of an I/O worker. */
export function resolverOf(io: IoContext): Resolver {
  let resolver = resolvers.get(io);
  if (resolver === undefined) {
    resolver = new Resolver(io);
    resolvers.set(io, resolver);
  }
  return resolver;
}

/** A name to be looked up, and who wants to know. */
interface Question {
  readonly request: LookupRequest;
  readonly answered: (addresses: readonly string[]) => void;
}

/**
 * Looks up host names without blocking the I/O thread: getaddrinfo blocks, so
 * it runs on a thread of its own, started at the first name. When it hangs,
 * others are started for the names that wait behind.
 */
export class Resolver {
  readonly #io: IoContext;
  /** Not asked yet, oldest first. */
  readonly #queue: Map<number, Question> = new Map();
  #workers: ResolverWorker[] = [];
  #watch: Timer | null = null;
  #nextId = 1;

  constructor(io: IoContext) {
    this.#io = io;
    io.addObject(this);
    io.addTurnHook(() => this.#collect());
    io.onStop(() => {
      this.#unwatch();
      for (const worker of this.#workers) worker.stop();
    });
  }

  /**
   * Looks up a name; calls back with its addresses, none when it has none.
   *
   * @returns A function that takes the question back.
   */
  lookup(
    name: string,
    family: 0 | 4 | 6,
    answered: (addresses: readonly string[]) => void,
  ): () => void {
    const id = this.#nextId++;
    this.#queue.set(id, { request: { id, name, family }, answered });
    if (this.#workers.length === 0) this.#startWorker();
    this.#ask();
    this.#watchLater();
    return () => {
      this.#queue.delete(id);
      for (const worker of this.#workers) worker.forget(id);
    };
  }

  /** Gives questions to the workers that have none. */
  #ask(): void {
    for (const worker of this.#workers) {
      if (worker.busy) continue;
      const next = this.#queue.values().next();
      if (next.done) return;
      this.#queue.delete(next.value.request.id);
      worker.ask(next.value);
    }
  }

  /** Delivers answers that came; a worker has woken this thread. */
  #collect(): void {
    let came = false;
    for (const worker of this.#workers) came = worker.collect() || came;
    if (!came) return;
    this.#ask();
    if (!this.#isBusy) this.#unwatch();
  }

  get #isBusy(): boolean {
    return this.#workers.some(({ busy }) => busy);
  }

  #startWorker(): void {
    this.#workers.push(new ResolverWorker(this.#io));
  }

  #watchLater(): void {
    this.#watch ??= this.#io.timers.add(PATIENCE_MS, () => {
      this.#watch = null;
      this.#replaceDead();
      if (this.#queue.size > 0) {
        if (this.#workers.length < LOOKUPS_MAX) this.#startWorker();
        this.#ask();
      }
      if (this.#isBusy) this.#watchLater();
    });
  }

  #unwatch(): void {
    if (this.#watch !== null) this.#io.timers.cancel(this.#watch);
    this.#watch = null;
  }

  #replaceDead(): void {
    const dead = this.#workers.filter((worker) => worker.dead);
    if (dead.length === 0) return;
    this.#workers = this.#workers.filter((worker) => !dead.includes(worker));
    for (const worker of dead) {
      worker.stop();
      // As if there were no such name: it is asked for again.
      worker.fail();
    }
  }
}

/** A thread that looks up one name at a time. Owner: its I/O thread. */
class ResolverWorker {
  readonly #io: IoContext;
  readonly #channel: MessagePipe;
  readonly #bell: Words;
  readonly #startedMs: number;
  #question: Question | null = null;
  /** Nobody wants to know any more. */
  #forgotten = false;
  #answersSeen = 0;

  constructor(io: IoContext) {
    this.#io = io;
    this.#startedMs = io.thread.platform.monotonicMs();
    const { near, far } = MessagePipe.open();
    this.#channel = near;
    const bell = new SharedArrayBuffer(Bell.BYTES);
    this.#bell = new Int32Array(bell);
    const { wakeTarget } = io;
    const data: ResolverData = {
      role: "resolver",
      port: far,
      bell,
      wakeTarget,
    };
    spawnWorker(io.workerUrl, data, [far]);
  }

  get busy(): boolean {
    return this.#question !== null;
  }

  /** An I/O thread hears nothing of ends: they come by the event loop. */
  get dead(): boolean {
    const { platform } = this.#io.thread;
    const tid = load(this.#bell, Bell.TID);
    return tid === 0
      ? platform.monotonicMs() - this.#startedMs > START_MS_MAX
      : !platform.threadAlive(tid);
  }

  ask(question: Question): void {
    this.#question = question;
    this.#forgotten = false;
    this.#channel.post(question.request);
    this.#ring();
  }

  forget(id: number): void {
    if (this.#question?.request.id === id) this.#forgotten = true;
  }

  /** Delivers the answer; false when there is none. */
  collect(): boolean {
    const question = this.#question;
    if (question === null) return false;
    // Much cheaper than a look into the channel at each turn.
    if (load(this.#bell, Bell.ANSWERS) === this.#answersSeen) return false;
    const answer = this.#channel.take() as LookupAnswer | undefined;
    if (answer === undefined) return false;
    this.#answersSeen++;
    this.#question = null;
    if (!this.#forgotten) question.answered(answer.addresses);
    return true;
  }

  /** Answers that there is nothing. */
  fail(): void {
    const question = this.#question;
    this.#question = null;
    if (!this.#forgotten) question?.answered([]);
  }

  stop(): void {
    const bell = this.#bell;
    // One system call of the worker is all that this can wait for.
    while (
      compareExchange(bell, Bell.RING, Ring.FREE, Ring.CLOSED) ===
        Ring.RINGING && !this.dead
    );
    this.#channel.post(null);
    this.#ring();
    this.#channel.close();
  }

  #ring(): void {
    add(this.#bell, Bell.REQUESTS, 1);
    notifyAll(this.#bell, Bell.REQUESTS);
  }
}
