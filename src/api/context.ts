// libzmq: zmq.cpp (zmq_ctx_*) · runs on: app thread · RFC: –

import process from "node:process";
import {
  CONTEXT_OPTION_TABLE,
  contextOptionById,
  type ContextOptionName,
} from "../base/context_options.ts";
import { ZmqError } from "../base/errors.ts";
import { integerValue } from "../base/option_values.ts";
import type { SocketType } from "../base/socket_type.ts";
import { type ContextHandle as KernelHandle, Ctx } from "../core/ctx.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
  INLINE_MESSAGE_MAX_LIMIT,
} from "../core/ctx_options.ts";
import type { SocketHandle as KernelSocketHandle } from "../core/socket_base.ts";
import type { Message } from "../memory/message.ts";
import { type SocketHandle, SocketState } from "./socket_state.ts";
import { choosePoller } from "../poller/choose_poller.ts";
import type { PollerKind, Trigger } from "../poller/poller.ts";
export type { PollerKind, Trigger } from "../poller/poller.ts";
import { WIRING } from "../wiring.ts";
import { type LiveContext, threadContexts } from "./thread_contexts.ts";

/** What a context holds at one moment, in all its threads together. */
export interface ContextStatistics {
  /** Sockets that are open, or closed and still lingering. */
  readonly sockets: number;
  /** Queues between sockets and their connections or inproc peers. */
  readonly pipes: number;
  /** Connections, connection attempts and listeners. */
  readonly ownedObjects: number;
  /** Large messages, queued or held as {@linkcode Message}s. */
  readonly blocks: number;
  /** Bytes of queues and messages; what `memoryLimit` limits. */
  readonly memoryUsedBytes: number;
  /** Shared buffers that this memory comes from. */
  readonly segments: number;
}

/**
 * What all threads of a context have done since it was made: where time goes
 * that no message needs. Each thread's part begins at 0 again after 2^32.
 */
export interface ContextActivity {
  /**
   * How often a thread began to wait for something to do: an I/O worker in its
   * poller, where it may find at once what is ready, others in a blocking call
   * or in the event loop.
   */
  readonly waits: number;
  /**
   * How often one thread woke another that waited: a system call of each. What
   * the system wakes, as an I/O worker for a connection, is not counted.
   */
  readonly wakeUps: number;
  /**
   * How often a queue had reached its high-water mark when there was a message
   * to put into it, which then waits, or is refused or dropped.
   */
  readonly stalls: number;
}

/**
 * The means to use a context in another Worker: a plain object that can be
 * posted to it. What else is in it is for the library alone.
 */
export interface ContextHandle {
  /** Tells the contexts of a process apart. */
  readonly id: string;
}

/** What a {@linkcode Context} can be made with. */
export interface ContextOptions {
  /** See {@linkcode Context.ioThreads}. */
  ioThreads?: number;
  /** See {@linkcode Context.maxSockets}. */
  maxSockets?: number;
  /** See {@linkcode Context.maxMessageSize}. */
  maxMessageSize?: number;
  /** See {@linkcode Context.ipv6}. */
  ipv6?: boolean;
  /** See {@linkcode Context.blocky}. */
  blocky?: boolean;
  /** See {@linkcode Context.threadPriority}. */
  threadPriority?: number;
  /** See {@linkcode Context.threadSchedulingPolicy}. */
  threadSchedulingPolicy?: number;
  /** See {@linkcode Context.maxConnections}. */
  maxConnections?: number;
  /** See {@linkcode Context.memoryLimit}. */
  memoryLimit?: number;
  /** See {@linkcode Context.inlineMessageMax}. */
  inlineMessageMax?: number;
  /** See {@linkcode Context.poller}. */
  poller?: PollerKind | null;
  /** See {@linkcode Context.pollerTrigger}. */
  pollerTrigger?: Trigger | null;
  /** See {@linkcode Context.kqueueLibrary}. */
  kqueueLibrary?: string | null;
  /** See {@linkcode Context.workerUrl}. */
  workerUrl?: string | URL | null;
}

/**
 * A socket class whose instances can be adopted, such as `Pull`.
 *
 * @typeParam S The class's instances.
 */
export type AdoptableSocket<S> = new (options?: never) => S;

/**
 * What takes the place of options when a socket class is given a socket that
 * exists already. Internal.
 */
export class Adoption {
  /** The socket that another thread gave up. */
  readonly handle: SocketHandle;
  /** The context that it lives in. */
  readonly context: Context;

  /** Internal. */
  constructor(handle: SocketHandle, context: Context) {
    this.handle = handle;
    this.context = context;
  }
}

/** Opens a socket for its public object. Internal to `src/api`. */
export let openSocket: (
  context: Context,
  owner: object,
  source: SocketType | SocketHandle,
) => SocketState;

/** Whether a value is a context of this copy of the library. */
export let isContext: (value: unknown) => value is Context;

/** Makes a context over a kernel that exists. For tests. */
export let contextOver: (ctx: Ctx) => Context;

// Options that act on every later socket or message; the others only count
// until the context comes into use.
const LIVE_OPTIONS: ReadonlySet<keyof CtxOptions> = new Set(
  ["maxMessageSize", "ipv6", "blocky"] as const,
);

const LATE_WARNING = "Context option has no effect once the context is in use.";

/**
 * What a program's sockets have in common: the threads that do their input and
 * output, the memory that holds their messages, and the names of `inproc://`
 * endpoints.
 *
 * Most programs need no context of their own: sockets use
 * {@linkcode context} unless told otherwise. A context starts nothing before
 * it is needed. Sockets keep their context alive; a context that was lost sight
 * of is terminated, unless its handle was given away.
 *
 * @example Two threads that share a context
 * ```ts
 * import { Context, Pair } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * await using context = new Context({ ioThreads: 0 });
 * // Another Worker would receive `context.handle` in a message.
 * const same = Context.attach(structuredClone(context.handle));
 *
 * using here = new Pair({ context });
 * using there = new Pair({ context: same });
 * await here.bind("inproc://threads");
 * there.connect("inproc://threads");
 * await there.send("hello");
 * const [message] = await here.receive();
 * assert.equal(message.toString(), "hello");
 * ```
 */
export class Context {
  readonly #options: CtxOptions = defaultCtxOptions();
  #constructing = false;
  readonly #sockets = new Set<SocketState>();
  #ctx: Ctx | null = null;
  #live: LiveContext | null = null;
  #over = false;
  #termination: Promise<void> | null = null;

  static {
    openSocket = (context, owner, source) => context.#openSocket(owner, source);
    isContext = (value): value is Context =>
      typeof value === "object" && value !== null && #ctx in value;
    contextOver = (ctx) => {
      const context = new Context();
      context.#use(ctx, true);
      return context;
    };
  }

  /**
   * Makes a context. Nothing is started and no memory is taken before the
   * first socket.
   *
   * @param options Values for the properties of the same names.
   * @throws {TypeError} An option is unknown, read-only or of the wrong type.
   * @throws {ZmqError} EINVAL for a value out of bounds, ENOTSUP for one that
   *   is not supported.
   */
  constructor(options?: ContextOptions) {
    if (arguments.length > 1) {
      throw new TypeError(
        `Expected 1 argument but received ${arguments.length}`,
      );
    }
    Object.seal(this);
    if (options === undefined) return;
    if (typeof options !== "object" || options === null) {
      throw new TypeError("Options must be an object");
    }
    // Options that go together come one by one.
    this.#constructing = true;
    Object.assign(this, options);
    this.#constructing = false;
    chosenPoller(this.#options);
  }

  /**
   * Joins a context that another thread made.
   *
   * @param handle The other thread's {@linkcode Context.handle}, received in a
   *   message or as `workerData`.
   * @returns This thread's access to the same context.
   * @throws {TypeError} The value is no handle.
   * @throws {ZmqError} EMTHREAD if too many threads use the context, ETERM if
   *   it has terminated, EOWNERDEAD if one of its threads died.
   */
  static attach(handle: ContextHandle): Context {
    const ctx = Ctx.attach(handle as KernelHandle, WIRING);
    const context = new Context();
    context.#use(ctx, false);
    return context;
  }

  /**
   * The means to use this context in another Worker: a plain object that can
   * be posted or passed as `workerData`, for {@linkcode Context.attach}.
   * Reading it starts the context's threads.
   *
   * @throws {ZmqError} ETERM after `shutdown` or `terminate`.
   */
  get handle(): ContextHandle {
    const ctx = this.#inUse();
    if (this.#live !== null) this.#live.shared = true;
    return ctx.handle();
  }

  /**
   * Number of I/O workers, 0 to 64: the threads that serve tcp and ipc
   * connections. 0 is enough for a context whose sockets only use `inproc://`.
   *
   * @throws {ZmqError} EINVAL for a number out of bounds.
   * @default {1}
   */
  get ioThreads(): number {
    return this.#get("ioThreads");
  }

  set ioThreads(value: number) {
    this.#setChecked("ioThreads", value);
  }

  /**
   * How many sockets there may be at the same time, 1 to `maxSocketsLimit`.
   * Closed sockets count until their last message has gone.
   *
   * @throws {ZmqError} EINVAL for a number out of bounds.
   * @default {1023}
   */
  get maxSockets(): number {
    return this.#get("maxSockets");
  }

  set maxSockets(value: number) {
    this.#setChecked("maxSockets", value);
  }

  /** The largest value that `maxSockets` may have. */
  get maxSocketsLimit(): number {
    return CONTEXT_OPTION_TABLE.maxSocketsLimit.initial;
  }

  /**
   * How many connections the context's sockets may have at the same time, 1 to
   * 1048576; those over `inproc://` count, too.
   *
   * @throws {ZmqError} EINVAL for a number out of bounds.
   * @default {16384}
   */
  get maxConnections(): number {
    return this.#get("maxConnections");
  }

  set maxConnections(value: number) {
    this.#set("maxConnections", connectionsValue(value));
  }

  /**
   * As in libzmq this limits nothing: it is here for programs that read it
   * back. What a peer may send is limited by the socket option of this name.
   *
   * @throws {ZmqError} EINVAL for a negative number.
   * @default {2147483647}
   */
  get maxMessageSize(): number {
    return this.#get("maxMessageSize");
  }

  set maxMessageSize(value: number) {
    this.#setChecked("maxMessageSize", value);
  }

  /**
   * Whether new sockets start with their option `ipv6` on.
   *
   * @default {false}
   */
  get ipv6(): boolean {
    return this.#get("ipv6");
  }

  set ipv6(value: boolean) {
    this.#setChecked("ipv6", value);
  }

  /**
   * Whether new sockets wait, at the end of the program, until their messages
   * are delivered. When false they start with `linger` 0.
   *
   * @default {true}
   */
  get blocky(): boolean {
    return this.#get("blocky");
  }

  set blocky(value: boolean) {
    this.#setChecked("blocky", value);
  }

  /**
   * Priority of the context's threads. JavaScript cannot change that, so only
   * -1, the default, is accepted.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   */
  set threadPriority(value: number) {
    CONTEXT_OPTION_TABLE.threadPriority.validate(value);
  }

  /**
   * Scheduling policy of the context's threads. JavaScript cannot change that,
   * so only -1, the default, is accepted.
   *
   * @throws {ZmqError} ENOTSUP for any other value.
   */
  set threadSchedulingPolicy(value: number) {
    CONTEXT_OPTION_TABLE.threadSchedulingPolicy.validate(value);
  }

  /**
   * The memory that queued messages may take, in bytes; 0 sets no limit of its
   * own. At the limit, sockets behave as with full queues. A connection to which
   * a message of more than 512 KiB comes then, and which gets no memory for it
   * within two seconds after all before it was read, ends. So what the context
   * itself sends should not take all of it: high-water marks keep room for what
   * comes in.
   *
   * @throws {ZmqError} EINVAL for a number below 0 or above 2^39 - 256.
   * @default {0}
   */
  get memoryLimit(): number {
    return this.#get("memoryLimit");
  }

  set memoryLimit(value: number) {
    this.#set("memoryLimit", memoryValue(value));
  }

  /**
   * The largest message part that is copied into the queues, in bytes. Larger
   * ones are kept once and shared by all queues they are in.
   *
   * @throws {ZmqError} EINVAL for a number below 0 or above 65000.
   * @default {32768}
   */
  get inlineMessageMax(): number {
    return this.#get("inlineMessageMax");
  }

  set inlineMessageMax(value: number) {
    this.#set("inlineMessageMax", inlineValue(value));
  }

  /**
   * The system call by which I/O workers wait for their connections: `epoll`
   * (Linux), `kqueue` (macOS and FreeBSD), `poll` or `select` (anywhere, but
   * slower with many connections; `select` has room for descriptors below
   * 1024 only). `null` is what the environment variable `PUREZMQ_POLLER`
   * names, or else the system's best. Once the context is in use this tells
   * what was chosen.
   *
   * @throws {ZmqError} EINVAL for a poller that is unknown, not to be had on
   *   this system, or without the context's `pollerTrigger`.
   * @default {null}
   */
  get poller(): PollerKind | null {
    return this.#get("poller");
  }

  set poller(value: PollerKind | null) {
    this.#setPoller("poller", value);
  }

  /**
   * When the system tells I/O workers of a connection: each time that they
   * ask while it is ready (`level`), or once when it becomes ready (`edge`,
   * with `epoll` and `kqueue` only, which saves system calls). `null` is what
   * `PUREZMQ_POLLER_TRIGGER` names, or else `level`.
   *
   * @throws {ZmqError} EINVAL for a trigger that is unknown, or that the
   *   context's `poller` does not have.
   * @default {null}
   */
  get pollerTrigger(): Trigger | null {
    return this.#get("pollerTrigger");
  }

  set pollerTrigger(value: Trigger | null) {
    this.#setPoller("pollerTrigger", value);
  }

  /**
   * The file of a library with the calls of kqueue, for systems that have none
   * of their own. `null` is what `PUREZMQ_KQUEUE_LIBRARY` names, if anything.
   *
   * @throws {TypeError} The value is no text.
   * @default {null}
   */
  get kqueueLibrary(): string | null {
    return this.#get("kqueueLibrary");
  }

  set kqueueLibrary(value: string | null) {
    this.#setPoller("kqueueLibrary", value);
  }

  /**
   * Where the code of the context's threads is loaded from; `null` for the
   * package itself. Programs that are bundled, or compiled with
   * `bun build --compile`, name the package's `io-thread-entry` as an entry
   * point and give its address here.
   *
   * @throws {TypeError} The value is no URL.
   * @default {null}
   */
  get workerUrl(): string | null {
    return this.#get("workerUrl");
  }

  set workerUrl(value: string | URL | null) {
    this.#set("workerUrl", value === null ? null : new URL(value).href);
  }

  /**
   * Makes a message in the context's memory, to be written in place and sent
   * without a copy.
   *
   * @param size Its size in bytes.
   * @returns A message of zeros.
   * @throws {TypeError} The size is not a number.
   * @throws {ZmqError} EINVAL for a negative or fractional size, EMSGSIZE for
   *   one that no message can have (about 2 GiB), ENOMEM when memory is at its
   *   limit, ETERM after `shutdown` or `terminate`.
   */
  allocate(size: number): Message {
    if (typeof size !== "number") throw new TypeError("Size must be a number");
    if (sizeValue(size) !== size) throw new ZmqError("EINVAL");
    return this.#inUse().allocate(size);
  }

  /**
   * As {@link Context.allocate}, without the zeros: the bytes are what the
   * context's memory held before, such as parts of other messages. For large
   * messages that are then written whole, since zeroing touches every page.
   *
   * @param size Its size in bytes.
   * @returns A message whose every byte is to be written before it is sent.
   * @throws {TypeError} The size is not a number.
   * @throws {ZmqError} As {@link Context.allocate}.
   */
  allocateUnsafe(size: number): Message {
    if (typeof size !== "number") throw new TypeError("Size must be a number");
    if (sizeValue(size) !== size) throw new ZmqError("EINVAL");
    return this.#inUse().allocateUnsafe(size);
  }

  /**
   * Makes a message of memory that the application owns. It is sent without a
   * copy from the main thread. In a Worker it is copied at once, since the
   * Worker's memory ends with it while others may still look at the message.
   *
   * The bytes must stay as they are until `free` was called.
   *
   * @param bytes The message's bytes.
   * @param free Called in this thread when nobody reads the bytes any more.
   * @returns A message that refers to the bytes.
   * @throws {TypeError} `bytes` is no Uint8Array, or `free` no function.
   * @throws {ZmqError} ENOMEM when memory is at its limit, ETERM after
   *   `shutdown` or `terminate`.
   */
  wrap(bytes: Uint8Array, free?: () => void): Message {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError("Bytes must be a Uint8Array");
    }
    if (free !== undefined && typeof free !== "function") {
      throw new TypeError("Free must be a function");
    }
    return this.#inUse().wrap(bytes, free);
  }

  /**
   * Takes over a socket that another thread gave up with `detach`.
   *
   * @typeParam S The instances of the class.
   * @param handle What the other thread's `detach` returned.
   * @param socketClass The class the socket had there, such as `Pull`.
   * @returns The socket, with its connections and queued messages.
   * @throws {TypeError} The value is no handle.
   * @throws {ZmqError} EINVAL if the socket is of another class or context or
   *   was adopted already, ETERM after `shutdown` or `terminate`.
   */
  adopt<S>(handle: SocketHandle, socketClass: AdoptableSocket<S>): S {
    if (typeof handle !== "object" || handle === null) {
      throw new TypeError("Handle must be the result of detach()");
    }
    return new socketClass(new Adoption(handle, this) as never);
  }

  /**
   * What the context holds now, in all its threads together. After
   * `terminate` everything is 0, unless messages were kept.
   */
  get statistics(): ContextStatistics {
    return this.#ctx?.statistics() ?? { ...NOTHING_HELD };
  }

  /**
   * What the context's threads have done so far, and still after its end.
   *
   * @example Ask how often the sender had to wait for the receiver.
   * ```ts
   * import { Context, Push } from "@purezmq/zmq";
   * import assert from "node:assert/strict";
   *
   * await using context = new Context();
   * using push = new Push({ context, sendHighWaterMark: 1, linger: 0 });
   * push.connect("tcp://127.0.0.1:9");
   * assert.equal(push.trySend("work"), true);
   * assert.equal(push.trySend("more"), false);
   * assert.equal(context.activity.stalls, 1);
   * ```
   */
  get activity(): ContextActivity {
    return this.#ctx?.activity() ?? { ...NOTHING_DONE };
  }

  /**
   * Makes every operation on the context's sockets, in all threads, fail with
   * ETERM. The sockets remain to be closed. Returns at once.
   */
  shutdown(): void {
    this.#over = true;
    this.#ctx?.shutdown();
  }

  /**
   * Ends the context: closes this thread's sockets, makes operations of other
   * threads fail with ETERM, and waits until those have closed their sockets
   * and queued messages were delivered, as far as each socket's `linger` asks
   * for that.
   *
   * @returns A promise for the end of all of that.
   * @throws {ZmqError} Rejected with EOWNERDEAD if a thread of the context
   *   died; the context is gone all the same.
   */
  terminate(): Promise<void> {
    return this.#termination ??= this.#terminate();
  }

  /** Does what {@linkcode Context.terminate} does, without waiting for it. */
  [Symbol.dispose](): void {
    // Whoever does not wait does not ask for the outcome either.
    this.terminate().catch(() => {});
  }

  /**
   * Calls {@linkcode Context.terminate}.
   *
   * @returns Its promise.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate();
  }

  /**
   * Reads a context option by libzmq's number.
   *
   * @param option The number, such as 42 for `ipv6`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read.
   */
  getBoolOption(option: number): boolean {
    return Boolean(this.#getById(option));
  }

  /**
   * Writes a context option by libzmq's number.
   *
   * @param option The number, such as 42 for `ipv6`.
   * @param value The value.
   * @throws {TypeError} The value is not a boolean.
   * @throws {ZmqError} EINVAL if there is no such option to write.
   */
  setBoolOption(option: number, value: boolean): void {
    if (typeof value !== "boolean") {
      throw new TypeError("Option value must be a boolean");
    }
    this.#setById(option, value);
  }

  /**
   * Reads a context option by libzmq's number.
   *
   * @param option The number, such as 1 for `ioThreads`.
   * @returns The value; 0 or 1 for a boolean.
   * @throws {ZmqError} EINVAL if there is no such option to read.
   */
  getInt32Option(option: number): number {
    return Number(this.#getById(option));
  }

  /**
   * Writes a context option by libzmq's number.
   *
   * @param option The number, such as 1 for `ioThreads`.
   * @param value The value; 0 or 1 for a boolean.
   * @throws {TypeError} The value is not a number.
   * @throws {ZmqError} EINVAL if there is no such option to write, or for a
   *   value out of bounds.
   */
  setInt32Option(option: number, value: number): void {
    if (typeof value !== "number") {
      throw new TypeError("Option value must be a number");
    }
    this.#setById(option, value);
  }

  #get<N extends keyof CtxOptions>(name: N): CtxOptions[N] {
    return (this.#ctx?.options ?? this.#options)[name];
  }

  #set<N extends keyof CtxOptions>(name: N, value: CtxOptions[N]): void {
    const ctx = this.#ctx;
    if (ctx === null) {
      this.#options[name] = value;
    } else if (LIVE_OPTIONS.has(name)) {
      ctx.options[name] = value;
    } else if (ctx.options[name] !== value) {
      // The layout of shared memory follows from these: they stay as they are.
      process.emitWarning(LATE_WARNING);
    }
  }

  /** Sets one part of the choice of a poller; the whole is chosen at the end. */
  #setPoller<N extends "poller" | "pollerTrigger" | "kqueueLibrary">(
    name: N,
    value: CtxOptions[N],
  ): void {
    if (value !== null && typeof value !== "string") {
      throw new TypeError(`Context option "${name}" must be a string or null`);
    }
    if (!this.#constructing) chosenPoller({ ...this.#options, [name]: value });
    this.#set(name, value);
  }

  #setChecked<N extends SharedOptionName>(name: N, value: unknown): void {
    // The validator of this very name made the value.
    this.#set(name, CONTEXT_OPTION_TABLE[name].validate(value) as never);
  }

  #getById(id: unknown): number | boolean {
    const row = contextOptionById(id as number, "r");
    if (row === undefined) throw new ZmqError("EINVAL");
    return this[row.name as Exclude<ContextOptionName, WriteOnlyName>];
  }

  #setById(id: unknown, value: number | boolean): void {
    const row = contextOptionById(id as number, "w");
    if (row === undefined) throw new ZmqError("EINVAL");
    // Booleans and 32-bit numbers are the same thing to libzmq.
    const converted = row.kind === "int32" ? Number(value) : booleanOf(value);
    (this as Record<string, unknown>)[row.name] = converted;
  }

  /** The kernel's context, made now if there is none yet. */
  #inUse(): Ctx {
    if (this.#over) throw new ZmqError("ETERM");
    if (this.#ctx !== null) return this.#ctx;
    const options = { ...this.#options, ...chosenPoller(this.#options) };
    return this.#use(Ctx.create(options, WIRING), true);
  }

  #use(ctx: Ctx, created: boolean): Ctx {
    this.#live = threadContexts.add(this, ctx, created);
    return this.#ctx = ctx;
  }

  #openSocket(owner: object, source: SocketType | SocketHandle): SocketState {
    // A context that is over takes sockets in as well, to close them.
    const base = typeof source === "number"
      ? this.#inUse().createSocket(source)
      : (this.#ctx ?? this.#inUse()).adoptSocket(source as KernelSocketHandle);
    const state = new SocketState(owner, base, this, this.#sockets);
    threadContexts.closeWhenLost(owner, state);
    return state;
  }

  async #terminate(): Promise<void> {
    this.#over = true;
    const ctx = this.#ctx;
    if (ctx === null) return;
    await Promise.all(
      [...this.#sockets].map((state) => state.closeLater()),
    );
    ctx.closeAll();
    ctx.shutdown();
    try {
      await ctx.terminated();
    } finally {
      if (this.#live !== null) threadContexts.remove(this.#live);
    }
  }
}

const NOTHING_HELD: ContextStatistics = {
  sockets: 0,
  pipes: 0,
  ownedObjects: 0,
  blocks: 0,
  memoryUsedBytes: 0,
  segments: 0,
};

const NOTHING_DONE: ContextActivity = { waits: 0, wakeUps: 0, stalls: 0 };

type WriteOnlyName = "threadPriority" | "threadSchedulingPolicy";

/** Options that both this package and zeromq.js have, and that can be set. */
type SharedOptionName = Exclude<
  ContextOptionName,
  WriteOnlyName | "maxSocketsLimit"
>;

const sizeValue = integerValue(0, Number.MAX_SAFE_INTEGER);
// The kernel counts memory in 31 bits of granules of 256 bytes.
const memoryValue = integerValue(0, 2 ** 39 - 256);
const inlineValue = integerValue(0, INLINE_MESSAGE_MAX_LIMIT);
// Each connection has a record in control memory, a segment below 2 GiB.
const connectionsValue = integerValue(1, 1 << 20);

function booleanOf(value: number | boolean): boolean {
  if (value === 0 || value === 1) return value === 1;
  if (typeof value === "boolean") return value;
  throw new ZmqError("EINVAL");
}

/** Settles what an application and the environment leave open. */
function chosenPoller(
  options: CtxOptions,
): Pick<CtxOptions, "poller" | "pollerTrigger" | "kqueueLibrary"> {
  const choice = choosePoller({
    kind: options.poller ?? undefined,
    trigger: options.pollerTrigger ?? undefined,
    kqueueLibrary: options.kqueueLibrary ?? undefined,
  });
  return {
    poller: choice.kind,
    pollerTrigger: choice.trigger,
    kqueueLibrary: choice.kqueueLibrary,
  };
}
