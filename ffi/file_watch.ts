import { fromCString, toCString } from "./c_string.ts";
import { constants } from "./constants.ts";
import { host } from "./host.ts";
import { openLibc, outcome, syscall } from "./libc.ts";

export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_DONT_FOLLOW = 0x2000000;

/** struct inotify_event: int wd; uint32_t mask, cookie, len; char name[]. */
const HEADER_SIZE = 16;
/** Holds hundreds of events, and at least one with the longest name. */
const BUFFER_SIZE = 64 * 1024;

/** A new inotify descriptor, or negative errno. Linux only. */
export function openFileWatcher(): number {
  const libc = openLibc();
  // IN_CLOEXEC and IN_NONBLOCK are the same numbers as the O_ ones.
  const flags = constants.O_CLOEXEC | constants.O_NONBLOCK;
  return syscall(libc, () => libc.call.inotify_init1(flags));
}

/** Watches a path; the number of the watch, or negative errno. */
export function addFileWatch(fd: number, path: string, mask: number): number {
  const libc = openLibc();
  const bytes = toCString(path);
  return syscall(libc, () => libc.call.inotify_add_watch(fd, bytes, mask));
}

/** Ends a watch; 0 or negative errno. */
export function removeFileWatch(fd: number, watch: number): number {
  const libc = openLibc();
  return syscall(libc, () => libc.call.inotify_rm_watch(fd, watch));
}

/** A reusable buffer for the events that one read brings. */
export class FileEvents {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  /** @param size Of the buffer, bytes. */
  constructor(size: number = BUFFER_SIZE) {
    this.#bytes = new Uint8Array(new ArrayBuffer(size));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Reads events; how many bytes of them, or negative errno. */
  read(fd: number): number {
    const libc = openLibc();
    const size = libc.library.word(this.#bytes.length);
    return syscall(libc, () => libc.call.read(fd, this.#bytes, size));
  }

  /**
   * Takes the events apart.
   *
   * @param length What {@linkcode read} returned.
   * @param found Gets the watch's number, IN_* bits, and the name of an entry
   * of a directory or "".
   */
  forEach(
    length: number,
    found: (watch: number, mask: number, name: string) => void,
  ): void {
    const view = this.#view;
    let at = 0;
    while (at + HEADER_SIZE <= length) {
      const nameLength = view.getUint32(at + 12, true);
      const nameAt = at + HEADER_SIZE;
      const name = this.#bytes.subarray(nameAt, nameAt + nameLength);
      found(
        view.getInt32(at, true),
        view.getUint32(at + 4, true),
        fromCString(name),
      );
      at = nameAt + nameLength;
    }
  }
}

// O_EVTONLY is macOS' way to open a file without standing in the way of an
// unmount; FreeBSD has nothing like it.
const O_EVTONLY = 0x8000;

/**
 * Opens a file or directory to watch it by its descriptor, without waiting for
 * the other end of a FIFO; or negative errno. Not on Linux.
 */
export function openForEvents(path: string): number {
  const libc = openLibc();
  const bytes = toCString(path);
  const flags = constants.O_CLOEXEC | constants.O_NONBLOCK |
    (host.os === "darwin" ? O_EVTONLY : 0);
  // Not repeated after EINTR: only opening a slow device is interrupted.
  return outcome(libc, libc.call.open(bytes, flags));
}
