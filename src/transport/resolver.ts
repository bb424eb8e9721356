// libzmq: ip_resolver.cpp · runs on: io thread · RFC: –

import { MessagePipe, spawnWorker } from "../../ffi/mod.ts";
import { add, compareExchange, notifyAll } from "../memory/shared_access.ts";
import type { IoContext } from "../core/transport.ts";

/** What the I/O thread asks of its resolver. */
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
  /** Word 0 counts requests; the resolver sleeps on it. Word 1: {@link Ring}. */
  readonly bell: SharedArrayBuffer;
  /** Wakes the I/O thread. */
  readonly wakeTarget: number;
}

/**
 * Who may wake the I/O thread. A lookup can outlast that thread, and the number
 * of the descriptor that wakes it may be somebody else's by then.
 */
export const Ring = { FREE: 0, RINGING: 1, CLOSED: 2 } as const;

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

/**
 * Looks up host names without blocking the I/O thread: getaddrinfo blocks, so
 * it runs on a thread of its own, started at the first name.
 */
export class Resolver {
  readonly #io: IoContext;
  readonly #waiting: Map<number, (addresses: readonly string[]) => void> =
    new Map();
  #channel: MessagePipe | null = null;
  readonly #bell = new SharedArrayBuffer(8);
  #nextId = 1;

  constructor(io: IoContext) {
    this.#io = io;
    io.addObject(this);
    io.addTurnHook(() => this.#collect());
    io.onStop(() => this.#stop());
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
    this.#waiting.set(id, answered);
    const request: LookupRequest = { id, name, family };
    this.#start().post(request);
    this.#ring();
    return () => this.#waiting.delete(id);
  }

  #start(): MessagePipe {
    if (this.#channel !== null) return this.#channel;
    const { near, far } = MessagePipe.open();
    this.#channel = near;
    const data: ResolverData = {
      role: "resolver",
      port: far,
      bell: this.#bell,
      wakeTarget: this.#io.wakeTarget,
    };
    spawnWorker(this.#io.workerUrl, data, [far]);
    return near;
  }

  /** Delivers answers that came; the resolver has woken this thread. */
  #collect(): void {
    if (this.#waiting.size === 0 || this.#channel === null) return;
    for (;;) {
      const answer = this.#channel.take() as LookupAnswer | undefined;
      if (answer === undefined) return;
      const answered = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      answered?.(answer.addresses);
    }
  }

  #ring(): void {
    const words = new Int32Array(this.#bell);
    add(words, 0, 1);
    notifyAll(words, 0);
  }

  #stop(): void {
    if (this.#channel === null) return;
    const words = new Int32Array(this.#bell);
    // One system call of the resolver is all that this can wait for.
    while (compareExchange(words, 1, Ring.FREE, Ring.CLOSED) === Ring.RINGING);
    this.#channel.post(null);
    this.#ring();
    this.#channel.close();
  }
}
