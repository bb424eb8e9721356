// libzmq: none · runs on: any · RFC: –

import { errnoName } from "../../ffi/mod.ts";
import { type ErrorCode, isErrorCode } from "../base/error_codes.ts";
import { ZmqError } from "../base/errors.ts";

const BRAND: unique symbol = Symbol.for("purezmq.ShmError");

/** What an error of a queue may carry beside its code. */
export interface ShmErrorOptions {
  /** The system's number, when that is not the one of the code. */
  readonly errno?: number | undefined;
  /** The error below this one. */
  readonly cause?: unknown;
}

/**
 * A shared-memory queue that refused something, or that is no more. `code` says
 * why, `queue` which one, and the message says both in words.
 */
export class ShmError extends ZmqError {
  /** The queue's name. */
  readonly queue: string;

  /**
   * Makes an error.
   *
   * @param code Why, such as `"EADDRINUSE"`.
   * @param queue The queue's name.
   * @param reason What happened, in words.
   * @param options The system's number and the error below.
   */
  constructor(
    code: ErrorCode,
    queue: string,
    reason: string,
    options: ShmErrorOptions = {},
  ) {
    const shown = queue.length > 64 ? `${queue.slice(0, 64)}…` : queue;
    super(code, {
      message: `Queue ${JSON.stringify(shown)}: ${reason} (${code})`,
      errno: options.errno,
      cause: options.cause,
    });
    this.queue = queue;
  }

  /** True for errors of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

Object.defineProperty(ShmError.prototype, "name", {
  value: "ShmError",
  writable: true,
  configurable: true,
});
Object.defineProperty(ShmError.prototype, BRAND, { value: true });

/** The error for a call of the system that failed with a negative errno. */
export function systemRefusal(
  queue: string,
  action: string,
  errno: number,
): ShmError {
  const name = errnoName(errno);
  const code = isErrorCode(name) ? name : "EUNKNOWN";
  const reason = `${action}: ${HINTS[name] ?? name}`;
  return new ShmError(code, queue, reason, { errno: Math.abs(errno) });
}

const HINTS: Readonly<Record<string, string>> = {
  EAGAIN: "the user has no timer or signal left (RLIMIT_SIGPENDING)",
  EBADF: "its lock file was closed by somebody in this process",
  EBUSY: "the program handles each of the signals 59 to 62 itself, of which " +
    "waiting for record locks needs one; use futexes",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link, which is not followed",
  EMFILE: "the process has no descriptor left",
  ENFILE: "the system has no descriptor left",
  ENODEV: "the file system cannot map files",
  ENOENT: "no such file or directory",
  ENOLCK: "the system has no record lock left",
  ENOMEM: "no memory, or too many mappings",
  ENOSPC: "no space left; choose fewer or smaller slots, or another directory",
  ENOTDIR: "a part of the path is no directory",
  ENXIO: "it is no regular file",
  EROFS: "the file system is read-only",
};
