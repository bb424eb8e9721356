import { library } from "./choose_library.ts";
import { host, unsupportedReason } from "./host.ts";
import type { CFunction, Library, Word } from "./library.ts";
import { type CFunctions, libraryNames, symbolTable } from "./symbols.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";

/** The C library as one JS thread sees it. */
export interface Libc {
  readonly call: CFunctions;
  readonly library: Library;
  /** This thread's errno, in place: errno is thread-local and never moves. */
  readonly errno: Int32Array;
}

/** What {@linkcode outcome} returns for a call that a signal interrupted. */
export const INTERRUPTED = -4; // EINTR is 4 everywhere

// One per JS thread, since every thread has module instances of its own.
let opened: Libc | null = null;

/** The C library; opened by the first call in each JS thread. */
export function openLibc(): Libc {
  return opened ?? (opened = load());
}

function load(): Libc {
  const reason = unsupportedReason(host);
  if (reason !== null || library === null) {
    throw new UnsupportedPlatformError(reason ?? "No foreign functions here");
  }
  const symbols = openFirst(library);
  const locate = symbols["__errno_location"] ?? symbols["__error"];
  if (locate === undefined) throw new UnsupportedPlatformError("No errno");
  const location = Number(locate());
  return {
    call: symbols as unknown as CFunctions,
    library,
    errno: new Int32Array(library.bufferAt(location, 4)),
  };
}

function openFirst(from: Library): Record<string, CFunction> {
  const table = symbolTable(host.os, host.arch);
  let firstError: unknown = null;
  for (const name of libraryNames(host.os, host.arch)) {
    try {
      return from.open(name, table);
    } catch (error) {
      if (from.isPermissionError(error)) throw permissionError(error);
      firstError ??= error;
    }
  }
  throw new UnsupportedPlatformError(
    "Cannot open the C library: the system's libc is missing or too old, or " +
      'foreign calls are allowed for other libraries only (use "--allow-ffi" ' +
      "without a path)",
    { cause: firstError },
  );
}

function permissionError(cause: unknown): UnsupportedPlatformError {
  return new UnsupportedPlatformError(
    "Cannot open the C library: permission denied; run the program with " +
      '"deno run --allow-ffi"',
    { cause },
  );
}

/**
 * Turns what a C call returned into this package's convention: the result, or
 * the negative errno. {@linkcode INTERRUPTED} means: call again.
 *
 * It must be applied to the call's result at once, since any other call may
 * overwrite errno. Hot functions use it in a loop of their own
 *
 *     do result = outcome(libc, c.recvmsg(…)); while (result === INTERRUPTED);
 *
 * because a call through a function value would miss the runtimes' fast path;
 * all others go through {@linkcode syscall}.
 */
export function outcome(libc: Libc, result: number): number {
  if (result >= 0) return result;
  // Never 0, which would read as success: EIO, 5 everywhere, stands in for it.
  return -((libc.errno[0] as number) || 5);
}

/** Makes a call until no signal interrupts it; result or negative errno. */
export function syscall(libc: Libc, call: () => number): number {
  for (;;) {
    const result = outcome(libc, call());
    if (result !== INTERRUPTED) return result;
  }
}

/** A safe integer as an argument of type `word`. */
export function word(value: number): Word {
  return openLibc().library.word(value);
}
