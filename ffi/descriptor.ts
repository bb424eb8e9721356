import { constants } from "./constants.ts";
import { host } from "./host.ts";
import { INTERRUPTED, openLibc, outcome, syscall } from "./libc.ts";
import type { CFunction } from "./library.ts";

/** Closes a descriptor; 0 or a negative errno. */
export function closeFd(fd: number): number {
  const libc = openLibc();
  const result = outcome(libc, libc.call.close(fd));
  // Not repeated: the number is free even when a signal interrupted the call,
  // and another thread may own it by now.
  return result === INTERRUPTED ? 0 : result;
}

/**
 * Makes a new descriptor close-on-exec and non-blocking where the call that
 * made it cannot (macOS); 0 or a negative errno.
 */
export function setCloexecNonblocking(
  fd: number,
  fcntl: CFunction = openLibc().call.fcntl,
): number {
  const { F_SETFD, F_SETFL, FD_CLOEXEC, O_NONBLOCK } = constants;
  const result = control(fcntl, fd, F_SETFD, FD_CLOEXEC);
  return result < 0 ? result : control(fcntl, fd, F_SETFL, O_NONBLOCK);
}

// Apple's arm64 wants a variadic argument on the stack: see symbols.ts.
const ARGUMENT_ON_STACK = host.os === "darwin" && host.arch === "aarch64";

function control(
  fcntl: CFunction,
  fd: number,
  command: number,
  argument: number,
): number {
  const libc = openLibc();
  const value = libc.library.word(argument);
  const pad = libc.library.word(0);
  return syscall(
    libc,
    () =>
      ARGUMENT_ON_STACK
        ? Number(fcntl(fd, command, pad, pad, pad, pad, pad, pad, value))
        : Number(fcntl(fd, command, value)),
  );
}
