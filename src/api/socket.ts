// libzmq: zmq.cpp (zmq_socket, zmq_bind, …) · runs on: app thread · RFC: –

import { ZmqError } from "../base/errors.ts";
import type { OptionForm } from "../base/option_raw.ts";
import type { OptionReading } from "../base/option_table.ts";
import { isSocketType } from "../base/socket_type.ts";
import { Adoption, type Context, isContext, openSocket } from "./context.ts";
import { context as defaultContext } from "./default_context.ts";
import { readOptionById, writeOptionById } from "./option_access.ts";
import { SocketSettings, stateOf } from "./socket_settings.ts";
import type { SocketHandle, SocketState } from "./socket_state.ts";

export type { SocketHandle };

/**
 * The names of an object's properties that can be written.
 *
 * @typeParam T The object.
 */
export type WritableKeys<T> = {
  [K in keyof T]-?: T[K] extends (...args: never[]) => unknown ? never
    : IsSame<{ [P in K]: T[P] }, { -readonly [P in K]: T[P] }> extends true ? K
    : never;
}[keyof T];

/**
 * Whether two types are the same, `readonly` included.
 *
 * @typeParam A One type.
 * @typeParam B The other type.
 */
export type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/**
 * What a socket class can be made with: a context, and values for the class's
 * properties.
 *
 * @typeParam S The socket class.
 */
export type SocketOptions<S extends Socket> =
  & {
    /** The context to use instead of the default one. */
    context?: Context;
  }
  & { [K in WritableKeys<S>]?: S[K] };

/**
 * What sockets of all types can do. Programs use one of the subclasses, which
 * add `send`, `receive` and the options of their type.
 *
 * A socket belongs to the thread that made it. It is closed when the program
 * calls {@linkcode Socket.close}, at the end of a `using` scope, or at the end
 * of the program; a socket that was lost sight of and waits for nothing is
 * closed, too. An open socket does not keep the program running, a pending
 * operation does.
 *
 * After `close`, methods throw a {@linkcode ZmqError} with code EBADF; while a
 * bind or unbind is under way, one with code EBUSY.
 */
export class Socket extends SocketSettings {
  /**
   * Opens a socket. Programs use the constructors of the subclasses.
   *
   * @param type The kind of socket, one of the numbers of
   *   {@linkcode SocketType}.
   * @param options A context, and values for the properties of the same names.
   * @throws {TypeError} An argument or option is unknown, read-only or of the
   *   wrong type.
   * @throws {ZmqError} EINVAL for a type or value out of bounds, EMFILE if the
   *   context has its most sockets, ETERM if the context was terminated,
   *   EOWNERDEAD if one of its threads died, ENOMEM without memory.
   */
  constructor(type: number, options?: object) {
    const count = arguments.length;
    super((owner) => open(owner, type, options, count));
    Object.seal(this);
    if (options === undefined || options instanceof Adoption) return;
    try {
      for (const name of Object.keys(options)) {
        if (name === "context") continue;
        (this as Record<string, unknown>)[name] =
          (options as Record<string, unknown>)[name];
      }
    } catch (error) {
      stateOf(this).close();
      throw error;
    }
  }

  /** The socket's context. Not there any more once the socket is closed. */
  get context(): Context {
    // As in zeromq.js, whose type does not tell of that either.
    return (stateOf(this).context ?? undefined) as Context;
  }

  /** Whether the socket is closed. */
  get closed(): boolean {
    return stateOf(this).closed;
  }

  /** Whether a message could be received now. */
  get readable(): boolean {
    return attempt(stateOf(this), "hasIn");
  }

  /** Whether a message could be sent now. */
  get writable(): boolean {
    return attempt(stateOf(this), "hasOut");
  }

  /**
   * Accepts connections at an endpoint. While that is under way, other methods
   * throw EBUSY; only options can be used.
   *
   * @param address `tcp://` with an address of this computer, the name of a
   *   network device or `*`, and a port or `*` (any free one); `ipc://` with a
   *   path, `@` and a name (Linux), or `*`; `inproc://` with a name; `shm://`
   *   with a name or `*` (Publisher and XPublisher, Linux), behind which
   *   `?slots=4096&slotSize=1024` may say how large the ring is: a power of
   *   two, and bytes, below 2 GiB together.
   *   {@linkcode SocketSettings.lastEndpoint} tells what `*` became.
   * @returns A promise for the end of it. Rejected with a
   *   {@linkcode ZmqError} whose `address` is the endpoint: EINVAL,
   *   EPROTONOSUPPORT or ENAMETOOLONG for a bad one, EADDRINUSE, EADDRNOTAVAIL,
   *   EACCES, ENODEV, ENOENT for one that cannot be had, ENOCOMPATPROTO for
   *   one that is not for this type of socket, ENOSPC without memory for the
   *   ring, ENOTSUP where there is no `shm://`, EMTHREAD if the context has no
   *   I/O workers.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} EBADF, EBUSY.
   */
  bind(address: string): Promise<void> {
    checkAddress(address);
    return stateOf(this).runBlocked((base) => base.bind(address));
  }

  /**
   * Accepts connections at an endpoint, like {@linkcode Socket.bind}.
   *
   * @param address The endpoint.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} What `bind` rejects or throws.
   */
  bindSync(address: string): void {
    checkAddress(address);
    stateOf(this).usable().bind(address);
  }

  /**
   * Stops accepting connections at an endpoint, and ends those it accepted.
   *
   * @param address The endpoint given to `bind`, or the `lastEndpoint` that
   *   came of it.
   * @returns A promise for the end of it. Rejected with a
   *   {@linkcode ZmqError} with code ENOENT if there is no such endpoint, and
   *   EINVAL or EPROTONOSUPPORT for a bad one.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} EBADF, EBUSY.
   */
  unbind(address: string): Promise<void> {
    checkAddress(address);
    return stateOf(this).runBlocked((base) => base.unbind(address));
  }

  /**
   * Stops accepting connections at an endpoint, like
   * {@linkcode Socket.unbind}.
   *
   * @param address The endpoint.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} What `unbind` rejects or throws.
   */
  unbindSync(address: string): void {
    checkAddress(address);
    stateOf(this).usable().unbind(address);
  }

  /**
   * Connects to an endpoint. Returns at once: the connection is made in the
   * background, and made again whenever it is lost.
   *
   * @param address `tcp://` with a host and a port, before which a source
   *   address and `;` may stand; `ipc://` with a path or `@` and a name
   *   (Linux); `inproc://` with a name, which need not be bound yet; `shm://`
   *   with a name (Subscriber and XSubscriber, Linux), likewise.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} EINVAL, EPROTONOSUPPORT or ENAMETOOLONG for a bad
   *   endpoint, ENOCOMPATPROTO for one that is not for this type of socket,
   *   ENOTSUP where there is no `shm://`, EMTHREAD if the context has no I/O workers, EBADF, EBUSY. Its
   *   `address` is the endpoint.
   */
  connect(address: string): void {
    if (arguments.length > 1) {
      throw new TypeError(
        `Expected 1 argument but received ${arguments.length}`,
      );
    }
    checkAddress(address);
    stateOf(this).usable().connect(address);
  }

  /**
   * Ends a connection and gives up what was queued for it and not yet sent,
   * as far as `linger` allows.
   *
   * @param address The endpoint given to `connect`.
   * @throws {TypeError} The address is not a string.
   * @throws {ZmqError} ENOENT if there is no such endpoint, EINVAL or
   *   EPROTONOSUPPORT for a bad one, EBADF, EBUSY.
   */
  disconnect(address: string): void {
    checkAddress(address);
    stateOf(this).usable().disconnect(address);
  }

  /**
   * Closes the socket. Pending operations are rejected with EAGAIN, iterations
   * end. Queued messages are delivered in the background for as long as
   * `linger` says. While a bind or unbind is under way the socket is closed at
   * its end. Closing twice is harmless.
   */
  close(): void {
    stateOf(this).close();
  }

  /** Calls {@linkcode Socket.close}. */
  [Symbol.dispose](): void {
    stateOf(this).close();
  }

  /**
   * Calls {@linkcode Socket.close}.
   *
   * @returns A promise that is fulfilled when the socket is closed, which is
   *   later only if a bind or unbind is under way.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return stateOf(this).closeLater();
  }

  /**
   * Gives the socket up for another thread, with its connections and queued
   * messages. This object is closed afterwards.
   *
   * @returns A plain object to be posted to a Worker that uses the same
   *   context, for {@linkcode Context.adopt}.
   * @throws {ZmqError} EBUSY while an operation is pending or a message half
   *   received, EBADF.
   */
  detach(): SocketHandle {
    return stateOf(this).detach();
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 39 for `immediate`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getBoolOption(option: number): boolean {
    return Boolean(get(this, option, "bool"));
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 39 for `immediate`.
   * @param value The value.
   * @throws {TypeError} The value is not a boolean.
   * @throws {ZmqError} EINVAL if there is no such option to write, ENOTSUP if
   *   it is not supported, ENOTSOCK if the socket is closed.
   */
  setBoolOption(option: number, value: boolean): void {
    writeOptionById(stateOf(this), option, "bool", value);
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 17 for `linger`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getInt32Option(option: number): number {
    return Number(get(this, option, "int32"));
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 17 for `linger`.
   * @param value The value.
   * @throws {TypeError} The value is not a number.
   * @throws {ZmqError} EINVAL if there is no such option to write or for a
   *   value out of bounds, ENOTSUP if it is not supported, ENOTSOCK if the
   *   socket is closed.
   */
  setInt32Option(option: number, value: number): void {
    writeOptionById(stateOf(this), option, "int32", value);
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 57 for `typeOfService`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getUint32Option(option: number): number {
    return Number(get(this, option, "uint32"));
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 57 for `typeOfService`.
   * @param value The value.
   * @throws {TypeError} The value is not a number.
   * @throws {ZmqError} EINVAL if there is no such option to write or for a
   *   value out of bounds, ENOTSUP if it is not supported, ENOTSOCK if the
   *   socket is closed.
   */
  setUint32Option(option: number, value: number): void {
    writeOptionById(stateOf(this), option, "uint32", value);
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 22 for `maxMessageSize`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getInt64Option(option: number): number {
    return Number(get(this, option, "int64"));
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 22 for `maxMessageSize`.
   * @param value The value.
   * @throws {TypeError} The value is not a number.
   * @throws {ZmqError} EINVAL if there is no such option to write or for a
   *   value out of bounds, ENOTSUP if it is not supported, ENOTSOCK if the
   *   socket is closed.
   */
  setInt64Option(option: number, value: number): void {
    writeOptionById(stateOf(this), option, "int64", value);
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 4 for `affinity`.
   * @returns The value.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getUint64Option(option: number): number {
    return Number(get(this, option, "uint64"));
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 4 for `affinity`.
   * @param value The value.
   * @throws {TypeError} The value is not a number.
   * @throws {ZmqError} EINVAL if there is no such option to write or for a
   *   value out of bounds, ENOTSUP if it is not supported, ENOTSOCK if the
   *   socket is closed.
   */
  setUint64Option(option: number, value: number): void {
    writeOptionById(stateOf(this), option, "uint64", value);
  }

  /**
   * Reads an option by libzmq's number.
   *
   * @param option The number, such as 5 for `routingId`.
   * @returns The value; `null` if it is empty.
   * @throws {ZmqError} EINVAL if there is no such option to read, ENOTSOCK if
   *   the socket is closed.
   */
  getStringOption(option: number): string | null {
    const value = get(this, option, "string");
    return typeof value === "string" ? value : null;
  }

  /**
   * Writes an option by libzmq's number.
   *
   * @param option The number, such as 5 for `routingId`.
   * @param value The value; a string stands for its UTF-8 bytes.
   * @throws {TypeError} The value is of another type.
   * @throws {ZmqError} EINVAL if there is no such option to write or for a
   *   value out of bounds, ENOTSUP if it is not supported, ENOTSOCK if the
   *   socket is closed.
   */
  setStringOption(option: number, value: string | Uint8Array | null): void {
    writeOptionById(stateOf(this), option, "string", value);
  }
}

function open(
  owner: object,
  type: number,
  options: object | undefined,
  argumentCount: number,
): SocketState {
  if (typeof type !== "number") {
    throw new TypeError("Socket type must be a number");
  }
  if (options instanceof Adoption) {
    const { handle, context } = options;
    if (handle.type !== type) throw new ZmqError("EINVAL");
    return openSocket(context, owner, handle);
  }
  if (
    options === null || (options !== undefined && typeof options !== "object")
  ) {
    throw new TypeError("Options must be an object");
  }
  if (argumentCount > 2) {
    throw new TypeError(`Expected 2 arguments but received ${argumentCount}`);
  }
  if (!isSocketType(type)) throw new ZmqError("EINVAL");
  let context: unknown = defaultContext;
  if (options !== undefined && "context" in options) context = options.context;
  if (!isContext(context)) throw new ZmqError("EINVAL");
  return openSocket(context, owner, type);
}

function checkAddress(address: unknown): void {
  if (typeof address !== "string") {
    throw new TypeError("Address must be a string");
  }
}

/** Asks a socket about itself; one that cannot answer is not ready. */
function attempt(state: SocketState, question: "hasIn" | "hasOut"): boolean {
  try {
    return state.base?.[question]() ?? false;
  } catch {
    return false;
  }
}

function get(socket: Socket, option: number, form: OptionForm): OptionReading {
  return readOptionById(stateOf(socket), option, form);
}
