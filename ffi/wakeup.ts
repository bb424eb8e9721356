import { constants } from "./constants.ts";
import { closeFd, setCloexecNonblocking } from "./descriptor.ts";
import { errnoNumber } from "./errno.ts";
import { host } from "./host.ts";
import { triggerKqueue } from "./kqueue.ts";
import { INTERRUPTED, openLibc, outcome, syscall } from "./libc.ts";
import type { Word } from "./library.ts";

/** How a wake-up travels: Linux has eventfd, every system has pipes. */
export type WakeupKind = "eventfd" | "pipe";

const EAGAIN = errnoNumber("EAGAIN");
const EPIPE = errnoNumber("EPIPE");

// The eight bytes that add 1 to an eventfd, and that wake a pipe just as well.
const one = new Uint32Array(new ArrayBuffer(8));
one[0] = 1;
let oneSize: Word = 0;

/** Makes a wake-up's read end readable, from any thread; 0 or negative errno. */
export function signalFd(writeFd: number): number {
  const libc = openLibc();
  if (oneSize === 0) oneSize = libc.library.word(8);
  let result: number;
  do {
    result = outcome(libc, libc.call.write(writeFd, one, oneSize));
  } while (result === INTERRUPTED);
  // Full means that it is readable already.
  return result >= 0 || result === -EAGAIN ? 0 : result;
}

/**
 * Ends a poller's wait, from any thread; 0 or negative errno.
 *
 * @param target The poller's wake target: a descriptor for
 * {@linkcode signalFd}, or what {@linkcode userEventTarget} made of a queue.
 */
export function wake(target: number): number {
  return target >= -1 ? signalFd(target) : triggerKqueue(-2 - target);
}

/** The wake target that stands for a kqueue's user event: -2 and below. */
export function userEventTarget(kqueueFd: number): number {
  return -2 - kqueueFd;
}

/** A descriptor that other threads make readable to wake a poller. */
export class Wakeup {
  /** To be polled for reading; a negative errno when `open` failed. */
  readonly readFd: number;
  /** For {@linkcode signalFd}; may be the same as `readFd`. */
  readonly writeFd: number;
  readonly #drained: Uint8Array;

  private constructor(readFd: number, writeFd: number) {
    this.readFd = readFd;
    this.writeFd = writeFd;
    this.#drained = new Uint8Array(new ArrayBuffer(512));
  }

  /** Opens one; look at `readFd` for failure. */
  static open(kind: WakeupKind = defaultKind()): Wakeup {
    const libc = openLibc();
    if (kind === "eventfd") {
      // EFD_CLOEXEC and EFD_NONBLOCK are the same numbers as the O_ ones.
      const flags = constants.O_CLOEXEC | constants.O_NONBLOCK;
      const fd = syscall(libc, () => libc.call.eventfd(0, flags));
      return new Wakeup(fd, fd);
    }
    const fds = new Int32Array(2);
    const result = openPipe(fds);
    if (result < 0) return new Wakeup(result, result);
    return new Wakeup(fds[0] as number, fds[1] as number);
  }

  /**
   * Takes all signals out, so that the read end is no longer readable.
   *
   * @returns 0, or negative errno: EPIPE when the write end is closed, after
   * which the read end would be readable for ever.
   */
  drain(): number {
    const libc = openLibc();
    const bytes = this.#drained;
    const size = libc.library.word(bytes.length);
    let result: number;
    do {
      result = outcome(libc, libc.call.read(this.readFd, bytes, size));
      // A full buffer may mean that a pipe holds more.
    } while (result === INTERRUPTED || result === bytes.length);
    if (result === 0) return -EPIPE;
    return result > 0 || result === -EAGAIN ? 0 : result;
  }

  /** Closes both ends. Nobody may signal any more. */
  close(): void {
    closeFd(this.readFd);
    if (this.writeFd !== this.readFd) closeFd(this.writeFd);
  }
}

function defaultKind(): WakeupKind {
  return host.os === "linux" ? "eventfd" : "pipe";
}

function openPipe(fds: Int32Array): number {
  const libc = openLibc();
  const c = libc.call;
  if (host.os !== "darwin") {
    const flags = constants.O_CLOEXEC | constants.O_NONBLOCK;
    return syscall(libc, () => c.pipe2(fds, flags));
  }
  const result = syscall(libc, () => c.pipe(fds));
  if (result < 0) return result;
  for (const fd of fds) {
    const prepared = setCloexecNonblocking(fd);
    if (prepared < 0) {
      for (const each of fds) closeFd(each);
      return prepared;
    }
  }
  return 0;
}
