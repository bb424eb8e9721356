// libzmq: err.{hpp,cpp} · runs on: any · RFC: –

/** One error code: its text and its number on each operating system. */
export interface ErrorCodeRow {
  /** The text an error with this code carries unless its thrower says more. */
  readonly message: string;
  /**
   * The numbers on Linux, macOS and FreeBSD, in this order. Codes that only
   * ZeroMQ has carry libzmq's number (156384712 + n), the same everywhere.
   */
  readonly numbers: readonly [linux: number, darwin: number, freebsd: number];
}

function row(
  message: string,
  linux: number,
  darwin: number = linux,
  freebsd: number = darwin,
): ErrorCodeRow {
  return { message, numbers: [linux, darwin, freebsd] };
}

/**
 * Every code a `ZmqError` can have. The texts are the ones that zeromq.js
 * programs see today, so that programs comparing them keep working.
 */
export const ERROR_CODES: { readonly [code in ErrorCode]: ErrorCodeRow } = {
  // Codes of ZeroMQ itself.
  EFSM: row("Operation cannot be accomplished in current state", 156384763),
  ENOCOMPATPROTO: row(
    "The protocol is not compatible with the socket type",
    156384764,
  ),
  ETERM: row("Context was terminated", 156384765),
  EMTHREAD: row("No thread available", 156384766),

  // Codes of the operating system to which the API gives its own meaning.
  EAGAIN: row("Operation was not possible or timed out", 11, 35),
  EBADF: row("Socket is closed", 9),
  EBUSY: row("Socket is busy", 16),
  EFAULT: row("Context is closed", 14),
  EHOSTUNREACH: row("Host unreachable", 113, 65),
  EMFILE: row("Too many open file descriptors", 24),
  ENOENT: row("No such endpoint", 2),
  ENOTSOCK: row("Socket operation on non-socket", 88, 38),
  EOWNERDEAD: row("A thread of the context died", 130, 105, 96),

  // Codes of the operating system that mean what they always mean.
  EACCES: row("Permission denied", 13),
  EADDRINUSE: row("Address already in use", 98, 48),
  EADDRNOTAVAIL: row("Cannot assign requested address", 99, 49),
  EAFNOSUPPORT: row("Address family not supported by protocol", 97, 47),
  EALREADY: row("Operation already in progress", 114, 37),
  ECONNABORTED: row("Software caused connection abort", 103, 53),
  ECONNREFUSED: row("Connection refused", 111, 61),
  ECONNRESET: row("Connection reset by peer", 104, 54),
  EDESTADDRREQ: row("Destination address required", 89, 39),
  EEXIST: row("File exists", 17),
  EHOSTDOWN: row("Host is down", 112, 64),
  EINPROGRESS: row("Operation now in progress", 115, 36),
  EINTR: row("Interrupted system call", 4),
  EINVAL: row("Invalid argument", 22),
  EIO: row("Input/output error", 5),
  EISCONN: row("Transport endpoint is already connected", 106, 56),
  EISDIR: row("Is a directory", 21),
  ELOOP: row("Too many levels of symbolic links", 40, 62),
  EMSGSIZE: row("Message too long", 90, 40),
  ENAMETOOLONG: row("File name too long", 36, 63),
  ENETDOWN: row("Network is down", 100, 50),
  ENETRESET: row("Network dropped connection on reset", 102, 52),
  ENETUNREACH: row("Network is unreachable", 101, 51),
  ENFILE: row("Too many open files in system", 23),
  ENOBUFS: row("No buffer space available", 105, 55),
  ENODEV: row("No such device", 19),
  ENOLCK: row("No locks available", 37, 77),
  ENOMEM: row("Cannot allocate memory", 12),
  ENOPROTOOPT: row("Protocol not available", 92, 42),
  ENOSPC: row("No space left on device", 28),
  ENOSYS: row("Function not implemented", 38, 78),
  ENOTCONN: row("Transport endpoint is not connected", 107, 57),
  ENOTDIR: row("Not a directory", 20),
  ENOTSUP: row("Operation not supported", 95, 45),
  ENXIO: row("No such device or address", 6),
  EPERM: row("Operation not permitted", 1),
  EPIPE: row("Broken pipe", 32),
  EPROTO: row("Protocol error", 71, 100, 92),
  EPROTONOSUPPORT: row("Protocol not supported", 93, 43),
  EPROTOTYPE: row("Protocol wrong type for socket", 91, 41),
  EROFS: row("Read-only file system", 30),
  ESRCH: row("No such process", 3),
  ETIMEDOUT: row("Connection timed out", 110, 60),

  // A number of the operating system that this table does not know.
  EUNKNOWN: row("Unknown error", 0),
};

/** The name of an error, stable across operating systems. */
export type ErrorCode =
  | "EACCES"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EAFNOSUPPORT"
  | "EAGAIN"
  | "EALREADY"
  | "EBADF"
  | "EBUSY"
  | "ECONNABORTED"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "EDESTADDRREQ"
  | "EEXIST"
  | "EFAULT"
  | "EFSM"
  | "EHOSTDOWN"
  | "EHOSTUNREACH"
  | "EINPROGRESS"
  | "EINTR"
  | "EINVAL"
  | "EIO"
  | "EISCONN"
  | "EISDIR"
  | "ELOOP"
  | "EMFILE"
  | "EMSGSIZE"
  | "EMTHREAD"
  | "ENAMETOOLONG"
  | "ENETDOWN"
  | "ENETRESET"
  | "ENETUNREACH"
  | "ENFILE"
  | "ENOBUFS"
  | "ENOCOMPATPROTO"
  | "ENODEV"
  | "ENOENT"
  | "ENOLCK"
  | "ENOMEM"
  | "ENOPROTOOPT"
  | "ENOSPC"
  | "ENOSYS"
  | "ENOTCONN"
  | "ENOTDIR"
  | "ENOTSOCK"
  | "ENOTSUP"
  | "ENXIO"
  | "EOWNERDEAD"
  | "EPERM"
  | "EPIPE"
  | "EPROTO"
  | "EPROTONOSUPPORT"
  | "EPROTOTYPE"
  | "EROFS"
  | "ESRCH"
  | "ETERM"
  | "ETIMEDOUT"
  | "EUNKNOWN";

/** The column of `ErrorCodeRow.numbers` that belongs to a platform name. */
export function errorNumberColumn(platform: string | undefined): 0 | 1 | 2 {
  if (platform === "darwin") return 1;
  return platform === "freebsd" ? 2 : 0;
}

// Base stands below the layer that knows the host, so the platform is read from
// the `process` global that both runtimes have. It never changes.
const COLUMN: 0 | 1 | 2 = errorNumberColumn(
  (globalThis as { process?: { platform?: string } }).process?.platform,
);

/** The number of a code on this operating system. */
export function errorNumber(code: ErrorCode): number {
  return ERROR_CODES[code].numbers[COLUMN];
}

/** Whether a name, such as one the ffi layer made of a number, is in the table. */
export function isErrorCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERROR_CODES, name);
}
