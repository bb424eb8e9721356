import { constants } from "./constants.ts";
import { closeFd, setCloexecNonblocking } from "./descriptor.ts";
import { errnoNumber } from "./errno.ts";
import { host } from "./host.ts";
import { INTERRUPTED, openLibc, outcome, syscall } from "./libc.ts";
import { setSockOptInt } from "./socket_option.ts";

// Every descriptor made here is close-on-exec and non-blocking from birth,
// except on macOS, where a fork in another thread may get in between.
const CREATION_FLAGS = constants.SOCK_CLOEXEC | constants.SOCK_NONBLOCK;
const HAS_CREATION_FLAGS = host.os !== "darwin";

/** A new socket of a family such as `constants.AF_INET`, or negative errno. */
export function openSocket(
  family: number,
  type: number = constants.SOCK_STREAM,
): number {
  const libc = openLibc();
  return prepare(
    syscall(libc, () => libc.call.socket(family, type | CREATION_FLAGS, 0)),
  );
}

/** Fills `fds` with two connected sockets; 0 or negative errno. */
export function openSocketPair(fds: Int32Array): number {
  if (fds.length < 2) throw new RangeError("Cannot fill fds: two are needed");
  const libc = openLibc();
  const type = constants.SOCK_STREAM | CREATION_FLAGS;
  const result = syscall(
    libc,
    () => libc.call.socketpair(constants.AF_UNIX, type, 0, fds),
  );
  if (result < 0) return result;
  const first = prepare(fds[0] as number);
  const second = prepare(fds[1] as number);
  if (first < 0) closeFd(fds[1] as number);
  if (second < 0) closeFd(fds[0] as number);
  return Math.min(first, second, 0);
}

/** Does what macOS cannot do at creation; passes errors through. */
function prepare(fd: number): number {
  if (fd < 0 || HAS_CREATION_FLAGS) return fd;
  const result = setCloexecNonblocking(fd);
  if (result < 0) {
    closeFd(fd);
    return result;
  }
  // Instead of MSG_NOSIGNAL. It fails only on a connection that is gone.
  setSockOptInt(fd, constants.SOL_SOCKET, constants.SO_NOSIGPIPE, 1);
  return fd;
}

export function bindSocket(fd: number, sockaddr: Uint8Array): number {
  const libc = openLibc();
  return syscall(libc, () => libc.call.bind(fd, sockaddr, sockaddr.length));
}

export function listenSocket(fd: number, backlog: number): number {
  const libc = openLibc();
  return syscall(libc, () => libc.call.listen(fd, backlog));
}

/** The next connection of a listening socket, or negative errno. */
export function acceptSocket(fd: number): number {
  const libc = openLibc();
  const c = libc.call;
  if (HAS_CREATION_FLAGS) {
    return syscall(libc, () => c.accept4(fd, null, null, CREATION_FLAGS));
  }
  return prepare(syscall(libc, () => c.accept(fd, null, null)));
}

/** 0 when connected at once, else negative errno, usually EINPROGRESS. */
export function connectSocket(fd: number, sockaddr: Uint8Array): number {
  const libc = openLibc();
  const result = outcome(
    libc,
    libc.call.connect(fd, sockaddr, sockaddr.length),
  );
  // POSIX: an interrupted connect goes on by itself, and a second one would
  // only be told so (EALREADY).
  return result === INTERRUPTED ? -errnoNumber("EINPROGRESS") : result;
}

/** `how`: `constants.SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`. */
export function shutdownSocket(fd: number, how: number): number {
  const libc = openLibc();
  return syscall(libc, () => libc.call.shutdown(fd, how));
}

/** The bytes of the local sockaddr; null when the descriptor has none. */
export function localAddress(fd: number): Uint8Array | null {
  const c = openLibc().call;
  return addressFrom((bytes, length) => c.getsockname(fd, bytes, length));
}

/** The bytes of the peer's sockaddr; null when there is no peer. */
export function peerAddress(fd: number): Uint8Array | null {
  const c = openLibc().call;
  return addressFrom((bytes, length) => c.getpeername(fd, bytes, length));
}

const SOCKADDR_STORAGE_SIZE = 128;

function addressFrom(
  call: (bytes: Uint8Array, length: Uint32Array) => number,
): Uint8Array | null {
  const bytes = new Uint8Array(new ArrayBuffer(SOCKADDR_STORAGE_SIZE));
  const length = Uint32Array.of(SOCKADDR_STORAGE_SIZE);
  const result = syscall(openLibc(), () => call(bytes, length));
  return result < 0 ? null : bytes.slice(0, length[0]);
}
