import { toCString } from "./c_string.ts";
import { fileSize } from "./file_status.ts";
import { host } from "./host.ts";
import { outcome, syscall } from "./libc.ts";
import type { Word } from "./library.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";

const AT_FDCWD = -100;
const PATH_BYTES_MAX = 4096;
const SEEK_END = 2;
const O_RDWR = 2;
const O_CREAT = 0x40;
const O_EXCL = 0x80;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
// The one flag here whose number is the CPU's own.
const O_NOFOLLOW_X86 = 0x20000;
const O_NOFOLLOW_ARM = 0x8000;

const O_NOFOLLOW = host.arch === "aarch64" ? O_NOFOLLOW_ARM : O_NOFOLLOW_X86;

let zero: Word | null = null;

/** Whether a file may, must or must not be there. */
export type FileCreation = "existing" | "any" | "new";

/**
 * Opens a file for reading and writing, without following a link in its last
 * part and without waiting for the other end of a pipe. A new one is this
 * user's alone. The descriptor, or negative errno.
 */
export function openSharedFile(path: string, creation: FileCreation): number {
  const { libc, calls } = openSharedMemoryCalls();
  const bytes = toCString(path);
  const flags = O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW |
    (creation === "existing" ? 0 : O_CREAT) |
    (creation === "new" ? O_EXCL : 0);
  return syscall(libc, () => calls.openat(AT_FDCWD, bytes, flags, 0o600));
}

/**
 * Gives a file that many bytes, all of which have their space: what is mapped
 * later never lacks it. 0 or negative errno.
 */
export function allocateFile(fd: number, length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  for (;;) {
    // The one call here that returns its errno.
    const errno = calls.posix_fallocate(fd, word(0), word(length));
    if (errno !== 4) return 0 - errno; // 4 is EINTR; never -0
  }
}

/**
 * Whether a file has at least that many bytes, below 2^31. The cheapest call
 * that says so: two thirds of what fstat takes.
 */
export function hasFileBytes(fd: number, length: number): boolean {
  const { libc, calls } = openSharedMemoryCalls();
  zero ??= libc.library.word(0);
  // A size above 2^31 comes back cut or negative.
  return calls.lseek(fd, zero, SEEK_END) >= length || fileSize(fd) >= length;
}

/** Reads from the file's beginning; how many bytes, or negative errno. */
export function readFileStart(fd: number, target: Uint8Array): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  return syscall(
    libc,
    () => calls.pread(fd, target, word(target.length), word(0)),
  );
}

/** Renames, over what is there; 0 or negative errno. */
export function renamePath(from: string, to: string): number {
  const { libc, calls } = openSharedMemoryCalls();
  const source = toCString(from);
  const target = toCString(to);
  return syscall(libc, () => calls.rename(source, target));
}

/**
 * Where the file of a descriptor is now, or "<path> (deleted)"; null where
 * /proc does not say. It opens nothing.
 */
export function pathOfDescriptor(fd: number): string | null {
  const { libc, calls } = openSharedMemoryCalls();
  const link = toCString(`/proc/self/fd/${fd}`);
  const path = new Uint8Array(PATH_BYTES_MAX);
  const length = calls.readlink(link, path, libc.library.word(path.length));
  // What fills the room may have been cut.
  if (length < 0 || length === path.length) return null;
  return new TextDecoder().decode(path.subarray(0, length));
}

/** The user whose rights this process has. */
export function effectiveUser(): number {
  return openSharedMemoryCalls().calls.geteuid();
}

/** The beginning of a file that a system keeps up, such as one of /proc. */
export function readSystemFile(path: string): string | null {
  const { libc, calls } = openSharedMemoryCalls();
  const bytes = toCString(path);
  const fd = outcome(libc, calls.openat(AT_FDCWD, bytes, O_CLOEXEC, 0));
  if (fd < 0) return null;
  const text = new Uint8Array(1024);
  const length = readFileStart(fd, text);
  libc.call.close(fd);
  return length < 0 ? null : new TextDecoder().decode(text.subarray(0, length));
}
