// libzmq: none · runs on: app thread · RFC: –

import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { monotonicMs } from "../../ffi/mod.ts";
import { BUSY_MESSAGES, ZmqError } from "../base/errors.ts";
import { Received } from "../core/pattern.ts";
import type { SocketType } from "../base/socket_type.ts";
import type { SocketBase } from "../core/socket_base.ts";
import type { OutPart } from "../core/pipe_contract.ts";
import { type Message, OutgoingParts } from "./message_parts.ts";
import {
  type OperationOptions,
  PendingOperation,
  ReceiveForm,
} from "./pending_operation.ts";

/**
 * A socket on its way to another thread: a plain object that can be posted to
 * a Worker. What else is in it is for the library alone.
 */
export interface SocketHandle {
  /** The kind of socket, as the number that libzmq gives it. */
  readonly type: SocketType;
}

/**
 * How many operations in a row may proceed without the event loop turning. A
 * loop over `await send()` that never has to wait would otherwise run on
 * microtasks alone, and no timer or socket of the program would get a chance.
 */
export const FAST_OPERATIONS_MAX = 512;

// Every send that proceeds at once hands out this one promise.
const SENT: Promise<void> = Promise.resolve();

/**
 * What stands behind a public socket: the kernel's socket, and the promises
 * that wait for it. It never refers to the public object except while an
 * operation is pending, so that a forgotten idle socket can be collected.
 *
 * Owner: the thread that made the socket.
 */
export class SocketState {
  /** The context, referenced for as long as the socket is open. */
  context: object | null;
  /** The public socket, for as long as an operation is pending. */
  keptOwner: object | null = null;
  /** ROUTER: the routing id for the peer of the next connect. */
  nextPeerId: Uint8Array | undefined = undefined;

  #base: SocketBase | null;
  readonly #owner: WeakRef<object>;
  readonly #siblings: Set<SocketState>;
  readonly #out = new OutgoingParts();
  readonly #received = new Received(false, allocateBuffer);
  #sending: PendingOperation | null = null;
  #receiving: PendingOperation | null = null;
  #fastOperations = 0;
  #blocking: Promise<void> | null = null;
  #closeWanted = false;
  #advancing = false;
  #advanceAgain = false;
  /** Pollers that wait for this socket among others. */
  readonly #watchers: Set<() => void> = new Set();

  /**
   * @param owner The public socket.
   * @param base The kernel's socket, owned by this object from here on.
   * @param context The public context.
   * @param siblings The open sockets of the context; joined, left on close.
   */
  constructor(
    owner: object,
    base: SocketBase,
    context: object,
    siblings: Set<SocketState>,
  ) {
    this.#owner = new WeakRef(owner);
    this.#base = base;
    this.context = context;
    this.#siblings = siblings;
    siblings.add(this);
    base.onActivity = () => {
      this.#advance(base);
      this.#tellWatchers();
    };
  }

  /** True from the moment the kernel's socket was given up. */
  get closed(): boolean {
    return this.#base === null;
  }

  /** True while a bind or unbind is under way. */
  get blocked(): boolean {
    return this.#blocking !== null;
  }

  /** The kernel's socket whatever it is doing, or null once closed. */
  get base(): SocketBase | null {
    return this.#base;
  }

  /**
   * The kernel's socket for an operation.
   *
   * @throws {ZmqError} EBADF when closed, EBUSY while a bind is under way.
   */
  usable(): SocketBase {
    const base = this.#base;
    if (base === null) throw new ZmqError("EBADF");
    if (this.#blocking !== null) {
      throw new ZmqError("EBUSY", { message: BUSY_MESSAGES.bind });
    }
    return base;
  }

  /**
   * Runs a bind or unbind. The socket is blocked until the promise settles:
   * zeromq.js programs rely on that, and a kernel that one day has to wait
   * for a name can do so without a change of what programs see.
   */
  runBlocked(operation: (base: SocketBase) => void): Promise<void> {
    const base = this.usable();
    let failure: { readonly reason: unknown } | null = null;
    try {
      operation(base);
    } catch (reason) {
      failure = { reason };
    }
    const unblocked = SENT.then(() => {
      this.#blocking = null;
      if (this.#closeWanted) this.close();
    });
    this.#blocking = unblocked;
    return failure === null ? unblocked : unblocked.then(() => {
      throw failure.reason;
    });
  }

  /** Closes the socket, once a bind or unbind under way has ended. */
  close(): void {
    const base = this.#base;
    if (base === null) return;
    if (this.#blocking !== null) {
      this.#closeWanted = true;
      return;
    }
    this.#abandon(base);
    base.close();
  }

  /** Closes the socket; the promise is fulfilled when it is closed. */
  closeLater(): Promise<void> {
    this.close();
    return this.#blocking ?? SENT;
  }

  /**
   * Gives the kernel's socket up for another thread to adopt.
   *
   * @throws {ZmqError} EBUSY while an operation is pending.
   */
  detach(): SocketHandle {
    const base = this.usable();
    if (this.#isWaiting()) throw new ZmqError("EBUSY");
    const handle = base.detach();
    this.#abandon(base);
    return handle;
  }

  #abandon(base: SocketBase): void {
    // Operations learn that there is no socket any more before they end, so
    // that an iterator is done rather than failed.
    this.#base = null;
    this.#closeWanted = false;
    this.context = null;
    this.#siblings.delete(this);
    base.onActivity = null;
    const sending = this.#sending;
    if (sending !== null) {
      this.#endSend(base, sending);
      sending.reject(sending.refusal ?? new ZmqError("EAGAIN"));
    }
    const receiving = this.#receiving;
    if (receiving !== null) {
      this.#endReceive(base, receiving);
      if (receiving.refusal !== null) {
        receiving.reject(receiving.refusal);
      } else if (receiving.form === ReceiveForm.ITERATION) {
        receiving.resolve({ value: undefined, done: true });
      } else {
        receiving.reject(new ZmqError("EAGAIN"));
      }
    }
    this.#tellWatchers();
  }

  // Sending.

  /** Sends, or waits for room without blocking the thread. */
  send(message: unknown, options?: OperationOptions): Promise<void> {
    const base = this.#usableToSend();
    if (options === undefined && this.#fastOperations < FAST_OPERATIONS_MAX) {
      try {
        if (this.#sendBytes(base, message)) {
          this.#fastOperations++;
          return SENT;
        }
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const out = this.#out;
    const signal = options === undefined ? undefined : checkedSignal(options);
    const count = this.#load(base, message);
    if (count === 0) return SENT;
    if (signal?.aborted) {
      out.clear();
      return Promise.reject(signal.reason);
    }
    const timeout = base.options.sendTimeout;
    const deferred = this.#fastOperations >= FAST_OPERATIONS_MAX &&
      timeout !== 0;
    let refusal: ZmqError | null = null;
    if (!deferred) {
      try {
        if (base.trySend(out.parts, count)) {
          this.#sent(base);
          this.#fastOperations++;
          return SENT;
        }
        if (timeout === 0) throw new ZmqError("EAGAIN");
      } catch (error) {
        if (timeout === 0 || !mayPass(error, base)) {
          out.clear();
          return Promise.reject(error);
        }
        refusal = error;
      }
    }
    const operation = new PendingOperation(ReceiveForm.PARTS, refusal);
    this.#sending = operation;
    out.keep();
    this.#wait(base, operation, timeout, signal, deferred);
    return operation.promise as Promise<void>;
  }

  /**
   * Sends a message of one part of bytes, if nothing stands in its way.
   * Everything else is left to the long way, refusals too.
   */
  #sendBytes(base: SocketBase, message: unknown): boolean {
    if (!(message instanceof Uint8Array) || message.length === 0) return false;
    if (this.#out.count !== 0 || !base.trySendBytes(message)) return false;
    this.#moved(base);
    return true;
  }

  #sent(base: SocketBase): void {
    this.#out.sent();
    this.#moved(base);
  }

  /** The message is gone; that may be what a receive waited for (REQ). */
  #moved(base: SocketBase): void {
    this.#turned();
    if (this.#receiving !== null) this.#advance(base);
  }

  /**
   * A message was sent or taken. A REP that has received may send, for example,
   * and one that has sent may receive: no mail tells of that.
   */
  #turned(): void {
    if (this.#watchers.size > 0) queueMicrotask(() => this.#tellWatchers());
  }

  /** Sends, blocking the thread for at most `sendTimeout`. */
  sendSync(message: unknown): void {
    const base = this.#usableToSend();
    if (this.#sendBytes(base, message)) return;
    const out = this.#out;
    const count = this.#load(base, message);
    if (count === 0) return;
    let sent = false;
    try {
      if (!base.trySend(out.parts, count)) waitToSend(base, out.parts, count);
      sent = true;
    } finally {
      if (!sent) out.clear();
    }
    this.#sent(base);
  }

  /** Sends if there is room now; false if there is none. */
  trySend(message: unknown): boolean {
    const base = this.#usableToSend();
    if (this.#sendBytes(base, message)) return true;
    const out = this.#out;
    const count = this.#load(base, message);
    if (count === 0) return true;
    let sent = false;
    try {
      sent = base.trySend(out.parts, count);
    } finally {
      if (!sent) out.clear();
    }
    if (sent) this.#sent(base);
    return sent;
  }

  /** Converts a message, which runs code of the application. */
  #load(base: SocketBase, message: unknown): number {
    const count = this.#out.load(message);
    if (this.#base === base) return count;
    this.#out.clear();
    throw new ZmqError("EBADF");
  }

  #usableToSend(): SocketBase {
    const base = this.usable();
    if (this.#sending !== null) {
      throw new ZmqError("EBUSY", { message: BUSY_MESSAGES.send });
    }
    return base;
  }

  #endSend(base: SocketBase, operation: PendingOperation): void {
    this.#sending = null;
    this.#out.clear();
    this.#endWait(base, operation);
  }

  // Receiving.

  /** Receives, or waits for a message without blocking the thread. */
  receive(form: ReceiveForm, options?: OperationOptions): Promise<unknown> {
    const base = this.#usableToReceive();
    const signal = options === undefined ? undefined : checkedSignal(options);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const timeout = base.options.receiveTimeout;
    const deferred = this.#fastOperations >= FAST_OPERATIONS_MAX &&
      timeout !== 0;
    let refusal: ZmqError | null = null;
    if (!deferred) {
      try {
        const value = this.#take(base, form);
        if (value !== undefined) {
          this.#fastOperations++;
          return Promise.resolve(value);
        }
        if (timeout === 0) throw new ZmqError("EAGAIN");
      } catch (error) {
        if (timeout === 0 || !mayPass(error, base)) {
          return Promise.reject(error);
        }
        refusal = error;
      }
    }
    const operation = new PendingOperation(form, refusal);
    this.#receiving = operation;
    this.#wait(base, operation, timeout, signal, deferred);
    return operation.promise;
  }

  /** Receives, blocking the thread for at most `receiveTimeout`. */
  receiveSync(form: ReceiveForm): unknown {
    const base = this.#usableToReceive();
    return this.#take(base, form) ?? this.#waitToTake(base, form);
  }

  #waitToTake(base: SocketBase, form: ReceiveForm): unknown {
    let value: unknown;
    blockUntil(base, base.options.receiveTimeout, () => {
      value = this.#take(base, form);
      return value !== undefined;
    });
    return value;
  }

  /** Receives a message that is there now; undefined if there is none. */
  tryReceive(form: ReceiveForm): unknown {
    return this.#take(this.#usableToReceive(), form);
  }

  #usableToReceive(): SocketBase {
    const base = this.usable();
    if (this.#receiving !== null) {
      throw new ZmqError("EBUSY", { message: BUSY_MESSAGES.receive });
    }
    return base;
  }

  #take(base: SocketBase, form: ReceiveForm): unknown {
    const parts = this.#takeParts(base, form);
    if (parts === undefined) return undefined;
    this.#turned();
    if (this.#sending !== null) this.#advance(base);
    return form === ReceiveForm.ITERATION
      ? { value: parts, done: false }
      : parts;
  }

  #takeParts(
    base: SocketBase,
    form: ReceiveForm,
  ): (Uint8Array | Message)[] | undefined {
    if (form !== ReceiveForm.MESSAGES) {
      const bytes = base.tryReceiveBytes();
      if (bytes !== null) return [bytes];
    }
    const received = this.#received;
    received.clear();
    received.asMessages = form === ReceiveForm.MESSAGES;
    if (!base.tryReceive(received)) return undefined;
    // The array goes to the application: the next message gets a new one.
    const { parts } = received;
    received.clear();
    return parts;
  }

  #endReceive(base: SocketBase, operation: PendingOperation): void {
    this.#receiving = null;
    this.#endWait(base, operation);
  }

  // Waiting.

  /**
   * Calls back whenever the socket may have become readable or writable, and
   * when it was closed or given up. Keeps the event loop alive.
   *
   * @returns A function that ends this.
   * @throws {ZmqError} ENOTSOCK when closed.
   */
  watch(onChange: () => void): () => void {
    const base = this.#base;
    if (base === null) throw new ZmqError("ENOTSOCK");
    // Of its own, so that one function can watch twice.
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    base.retain();
    return () => {
      if (this.#watchers.delete(watcher)) base.release();
    };
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of [...this.#watchers]) watcher();
  }

  #wait(
    base: SocketBase,
    operation: PendingOperation,
    timeout: number,
    signal: AbortSignal | undefined,
    deferred: boolean,
  ): void {
    this.keptOwner = this.#owner.deref() ?? null;
    operation.expireAfter(timeout, () => this.#expire(base, operation));
    if (signal !== undefined) {
      operation.abortOn(signal, () => {
        this.#fail(base, operation, signal.reason);
      });
    }
    if (deferred) {
      operation.deferTurn(() => {
        this.#endDeferral(base, operation);
        this.#advance(base);
      });
    } else {
      base.retain();
    }
  }

  #endDeferral(base: SocketBase, operation: PendingOperation): void {
    operation.deferred = false;
    this.#fastOperations = 0;
    base.retain();
  }

  #endWait(base: SocketBase, operation: PendingOperation): void {
    operation.finish();
    if (!operation.deferred) base.release();
    if (!this.#isWaiting()) this.keptOwner = null;
  }

  /** Moves pending operations on, as far as they get. */
  #advance(base: SocketBase): void {
    // Whatever enters the kernel handles this thread's mail, and that comes
    // back here: also from within an attempt of this very method, which would
    // then be made twice and send or take a second message.
    if (this.#advancing) {
      this.#advanceAgain = true;
      return;
    }
    this.#advancing = true;
    this.#advanceAgain = false;
    try {
      // Either direction may be what the other one waits for (REQ, REP), so
      // this goes on until neither moves.
      while (this.#advanceBoth(base));
    } finally {
      this.#advancing = false;
    }
    if (this.#advanceAgain && this.#isWaiting()) {
      // Mail that came with the last attempt may be for the one before it. The
      // event loop turns first: there may be mail at every attempt.
      setImmediate(() => this.#advance(base));
    }
  }

  /** One attempt of each; whether one of them moved. */
  #advanceBoth(base: SocketBase): boolean {
    let moved = false;
    const sending = this.#sending;
    if (sending !== null && !sending.deferred) {
      moved = this.#advanceSend(base, sending);
    }
    const receiving = this.#receiving;
    if (receiving !== null && !receiving.deferred) {
      moved = this.#advanceReceive(base, receiving) || moved;
    }
    return moved;
  }

  #isWaiting(): boolean {
    return this.#sending !== null || this.#receiving !== null;
  }

  #advanceSend(base: SocketBase, operation: PendingOperation): boolean {
    try {
      if (!base.trySend(this.#out.parts, this.#out.count)) {
        operation.refusal = null;
        return false;
      }
      this.#out.sent();
      this.#turned();
    } catch (error) {
      if (mayPass(error, base)) {
        operation.refusal = error;
        return false;
      }
      this.#endSend(base, operation);
      operation.reject(error);
      return true;
    }
    this.#endSend(base, operation);
    operation.resolve(undefined);
    return true;
  }

  #advanceReceive(base: SocketBase, operation: PendingOperation): boolean {
    let value: unknown;
    try {
      value = this.#take(base, operation.form);
    } catch (error) {
      if (mayPass(error, base)) {
        operation.refusal = error;
        return false;
      }
      this.#endReceive(base, operation);
      operation.reject(error);
      return true;
    }
    if (value === undefined) {
      operation.refusal = null;
      return false;
    }
    this.#endReceive(base, operation);
    operation.resolve(value);
    return true;
  }

  #expire(base: SocketBase, operation: PendingOperation): void {
    // The loop may have been busy for longer than the timeout, with the very
    // thing that was waited for already in the queue. One that only let others
    // go first was not even tried.
    if (operation.deferred) this.#endDeferral(base, operation);
    this.#advance(base);
    const reason = operation.refusal ?? new ZmqError("EAGAIN");
    this.#fail(base, operation, reason);
  }

  #fail(base: SocketBase, operation: PendingOperation, reason: unknown): void {
    if (operation === this.#sending) {
      this.#endSend(base, operation);
    } else if (operation === this.#receiving) {
      this.#endReceive(base, operation);
    } else {
      return;
    }
    operation.reject(reason);
    // An operation that waited for this one to change the socket's state has
    // nothing to wait for now.
    this.#advance(base);
  }
}

/**
 * Whether an error only says what state the socket is in. zeromq.js asks for
 * readiness first, so operations that wait see such an error only when their
 * time is over: what is out of turn (REQ, REP) waits for its turn, and what a
 * mandatory ROUTER cannot route waits as long as there is nobody at all to
 * send to.
 */
function mayPass(error: unknown, base: SocketBase): error is ZmqError {
  if (!(error instanceof ZmqError)) return false;
  return error.code === "EFSM" ||
    (error.code === "EHOSTUNREACH" && !base.wasWritable());
}

/** Blocks the thread until there was room for the message. */
function waitToSend(
  base: SocketBase,
  parts: readonly OutPart[],
  count: number,
): void {
  // Apart from the caller: what a closure holds on to is dear to make, also
  // where the closure is not.
  const { sendTimeout } = base.options;
  blockUntil(base, sendTimeout, () => base.trySend(parts, count));
}

/** Blocks the thread until an attempt succeeds or the time has passed. */
function blockUntil(
  base: SocketBase,
  timeout: number,
  attempt: () => boolean,
): void {
  const deadline = timeout < 0 ? Infinity : monotonicMs() + timeout;
  while (timeout !== 0 && base.waitSync(deadline)) {
    if (attempt()) return;
  }
  throw new ZmqError("EAGAIN");
}

// Parts are Buffers at run time, as zeromq.js programs expect. Zeroed, since
// users can reach the whole of `part.buffer`.
function allocateBuffer(size: number): Uint8Array {
  return Buffer.alloc(size);
}

/** The signal among the options of an operation; throws for what is none. */
export function checkedSignal(
  options: OperationOptions,
): AbortSignal | undefined {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Options must be an object");
  }
  const signal = options.signal;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError("Signal must be an AbortSignal");
}
