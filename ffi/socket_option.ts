import { constants } from "./constants.ts";
import { openLibc, syscall } from "./libc.ts";

// The four bytes of an int option and its length; one pair per JS thread.
const intValue = new Int32Array(new ArrayBuffer(4));
const intSize = new Uint32Array(new ArrayBuffer(4));

/** The value of an int option, or negative errno. */
export function getSockOptInt(fd: number, level: number, name: number): number {
  const libc = openLibc();
  intSize[0] = 4;
  const result = syscall(
    libc,
    () => libc.call.getsockopt(fd, level, name, intValue, intSize),
  );
  return result < 0 ? result : intValue[0] as number;
}

export function setSockOptInt(
  fd: number,
  level: number,
  name: number,
  value: number,
): number {
  const libc = openLibc();
  intValue[0] = value;
  return syscall(
    libc,
    () => libc.call.setsockopt(fd, level, name, intValue, 4),
  );
}

export function setSockOptBytes(
  fd: number,
  level: number,
  name: number,
  bytes: Uint8Array,
): number {
  const libc = openLibc();
  return syscall(
    libc,
    () => libc.call.setsockopt(fd, level, name, bytes, bytes.length),
  );
}

/** The pending error of a socket as negative errno, or 0; reading clears it. */
export function socketError(fd: number): number {
  const { SOL_SOCKET, SO_ERROR } = constants;
  const value = getSockOptInt(fd, SOL_SOCKET, SO_ERROR);
  return value > 0 ? -value : value;
}
