// libzmq: err.{hpp,cpp} · runs on: any · RFC: –

import {
  ERROR_CODES,
  type ErrorCode,
  errorNumber,
  isErrorCode,
} from "./error_codes.ts";

// A registered symbol, so that errors of another copy of this package (another
// version, or the same one loaded through another path) are recognised too.
const BRAND: unique symbol = Symbol.for("purezmq.ZmqError");

/** What a `ZmqError` may carry beyond its code. */
export interface ZmqErrorOptions {
  /** Replaces the text that belongs to the code. */
  readonly message?: string | undefined;
  /** The operating system's number, when it is the origin of the error. */
  readonly errno?: number | undefined;
  /** The endpoint the failed operation was about. */
  readonly address?: string | undefined;
  /** The error below this one. */
  readonly cause?: unknown;
}

/** An operation that ZeroMQ or the operating system refused. */
export class ZmqError extends Error {
  /** The name of the error, such as `"EAGAIN"`; the thing to compare. */
  readonly code: ErrorCode;
  /** The positive number of the error on this operating system. */
  readonly errno: number;
  /** The endpoint the operation was about; only present when there is one. */
  declare readonly address?: string;

  /** Makes an error whose text is the one of its code unless given. */
  constructor(code: ErrorCode, options: ZmqErrorOptions = {}) {
    super(
      options.message ?? ERROR_CODES[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.errno = options.errno ?? errorNumber(code);
    if (options.address !== undefined) {
      // Absent rather than undefined otherwise, since printed errors list it.
      this.address = options.address;
    }
  }

  /** True for errors of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

// On the prototype: not listed when an error is printed, and shared by all.
Object.defineProperty(ZmqError.prototype, "name", {
  value: "ZmqError",
  writable: true,
  configurable: true,
});
Object.defineProperty(ZmqError.prototype, BRAND, { value: true });

/**
 * The error for a failed system call.
 *
 * @param name The errno's name as the ffi layer gives it.
 * @param errno Its number; the kernel's negative form is accepted too.
 * @param address The endpoint the call was about.
 */
export function systemError(
  name: string,
  errno: number,
  address?: string,
): ZmqError {
  const number = Math.abs(errno);
  // Two names of one condition on some systems; callers compare one of them.
  if (name === "EOPNOTSUPP") name = "ENOTSUP";
  if (name === "EWOULDBLOCK") name = "EAGAIN";
  if (isErrorCode(name)) return new ZmqError(name, { errno: number, address });
  return new ZmqError("EUNKNOWN", {
    message: `Unknown error ${name || number}`,
    errno: number,
    address,
  });
}

/** Busy texts that say which of the two directions is taken. */
export const BUSY_MESSAGES: {
  readonly send: string;
  readonly receive: string;
  readonly observe: string;
  readonly bind: string;
} = {
  send: "Socket is busy writing; " +
    "only one send operation may be in progress at any time",
  receive: "Socket is busy reading; " +
    "only one receive operation may be in progress at any time",
  observe: "Observer is busy reading; " +
    "only one receive operation may be in progress at any time",
  bind: "Socket is blocked by a bind or unbind operation",
};
