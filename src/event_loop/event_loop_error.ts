// libzmq: none · runs on: any · RFC: –

import { errnoName } from "../../ffi/mod.ts";
import { type ErrorCode, isErrorCode } from "../base/error_codes.ts";
import { ZmqError } from "../base/errors.ts";

const BRAND: unique symbol = Symbol.for("purezmq.EventLoopError");

/** What an {@linkcode EventLoopError} was about; one of these, or none. */
export interface EventLoopSubject {
  /** The descriptor. */
  readonly fd?: number;
  /** The file or directory. */
  readonly path?: string;
  /** The process. */
  readonly pid?: number;
  /** The name of the signal. */
  readonly signal?: string;
}

/**
 * A call of an event loop that was refused, by the system or by the loop.
 * `code` says why, `call` which call it was, and `fd`, `path`, `pid` or
 * `signal` what it was about; the message says all of that.
 */
export class EventLoopError extends ZmqError {
  /** The call, such as `"EventLoop.watch"`. */
  readonly call: string;
  /** The descriptor that the call was about. */
  declare readonly fd?: number;
  /** The path that the call was about. */
  declare readonly path?: string;
  /** The process that the call was about. */
  declare readonly pid?: number;
  /** The signal that the call was about. */
  declare readonly signal?: string;

  /**
   * Makes an error.
   *
   * @param code Why, such as `"EBADF"`.
   * @param call Which call, such as `"EventLoop.watch"`.
   * @param subject What it was about.
   * @param reason In words.
   * @param errno The system's number, when that is not the one of `code`.
   */
  constructor(
    code: ErrorCode,
    call: string,
    subject: EventLoopSubject,
    reason: string,
    errno?: number,
  ) {
    const name = describe(subject);
    super(code, {
      message: `${call}: ${name === "" ? "" : `${name} `}${reason} (${code})`,
      errno,
    });
    this.call = call;
    // Absent rather than undefined otherwise, since printed errors list them.
    Object.assign(this, subject);
  }

  /** True for errors of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

Object.defineProperty(EventLoopError.prototype, "name", {
  value: "EventLoopError",
  writable: true,
  configurable: true,
});
Object.defineProperty(EventLoopError.prototype, BRAND, { value: true });

function describe({ fd, path, pid, signal }: EventLoopSubject): string {
  if (fd !== undefined) return `descriptor ${fd}`;
  if (path !== undefined) return `"${path}"`;
  if (pid !== undefined) return `process ${pid}`;
  return signal ?? "";
}

/** What the system's refusals mean here; other codes speak for themselves. */
const REASONS: Readonly<Record<string, string>> = {
  "fd EBADF": "is not open",
  "fd EEXIST": "is watched already",
  "fd EPERM": "cannot be polled: it is always ready, like regular files, " +
    "directories and some devices",
  "pid ESRCH": "does not exist",
  "pid EINVAL": "is a thread, or no process at all",
  "pid ENOSYS": "cannot be watched: that needs Linux 5.3 or a kqueue",
  "path ENOENT": "does not exist",
  "path ENOSPC": "cannot be watched: the user has too many watches " +
    "(fs.inotify.max_user_watches)",
  "path EACCES": "may not be read",
  " EMFILE": "was refused: the process has no descriptor left",
  " ENFILE": "was refused: the system has no descriptor left",
};

/** What a poller's refusals mean beyond that. */
export const POLLER_REASONS: Readonly<Record<string, string>> = {
  EMFILE: "is beyond what select(2) can wait for: below 1024",
};

/** What inotify's refusals mean beyond that. */
export const INOTIFY_REASONS: Readonly<Record<string, string>> = {
  EMFILE: "was refused: the user has no inotify instance left " +
    "(fs.inotify.max_user_instances), or the process no descriptor",
};

/**
 * The error for a negative errno.
 *
 * @param reasons What some codes mean to this very call.
 */
export function refused(
  call: string,
  subject: EventLoopSubject,
  errno: number,
  reasons: Readonly<Record<string, string>> = {},
): EventLoopError {
  const name = errnoName(errno);
  const code = isErrorCode(name) ? name : "EUNKNOWN";
  const [kind = ""] = Object.keys(subject);
  const reason = reasons[code] ?? REASONS[`${kind} ${code}`] ??
    REASONS[` ${code}`] ?? `was refused by the system: ${name}`;
  return new EventLoopError(code, call, subject, reason, Math.abs(errno));
}
