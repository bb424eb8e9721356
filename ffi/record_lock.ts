import { errnoNumber } from "./errno.ts";
import { openLibc, outcome, syscall } from "./libc.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";

// Locks of the open file description. The classic ones (F_SETLK) belong to the
// process: two users of a file in one process do not see each other's, and
// closing any descriptor of the file drops them all. These conflict within a
// process too, live as long as their own descriptor, and like the classic ones
// the kernel drops them when the process ends, reaped or not.
const F_GETLK = 5;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_OFD_SETLKW = 38;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** "shared" locks stand beside each other, an "exclusive" one stands alone. */
export type RecordLockKind = "shared" | "exclusive";

// struct flock, the same on both CPUs: l_type and l_whence (SEEK_SET, 0) are 16
// bits each, l_start and l_len 64 at 8 and 16, l_pid at 24 must be 0. Read and
// written by the kernel within the call. One per JS thread.
const flock = new Int32Array(new ArrayBuffer(32));
const flockTypes = new Int16Array(flock.buffer);

/** Bytes of a lock file: where they begin, in two halves, and how many. */
export interface LockRange {
  /** The upper 31 bits of the first byte's number. */
  readonly startHigh: number;
  /** The lower 32 bits of it. */
  readonly startLow: number;
  /** At least 1. */
  readonly length: number;
}

function control(fd: number, command: number, type: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  flockTypes[0] = type;
  flockTypes[1] = 0;
  flock[6] = 0;
  return outcome(libc, calls.fcntl(fd, command, flock));
}

function setRange(high: number, low: number, length: number): void {
  flock[2] = low | 0;
  flock[3] = high | 0;
  flock[4] = length % 2 ** 32 | 0;
  flock[5] = Math.floor(length / 2 ** 32);
}

/** Locks without waiting; 0, or negative errno: EAGAIN when others hold it. */
export function tryRecordLock(
  fd: number,
  kind: RecordLockKind,
  range: LockRange,
): number {
  setRange(range.startHigh, range.startLow, range.length);
  const type = kind === "shared" ? F_RDLCK : F_WRLCK;
  const result = syscall(openLibc(), () => control(fd, F_OFD_SETLK, type));
  return result === -errnoNumber("EACCES") ? -errnoNumber("EAGAIN") : result;
}

/**
 * Sleeps until the lock is had; 0, or negative errno: EINTR, unlike with other
 * calls of this package, when a signal came, since that is what ends the wait.
 */
export function waitForRecordLock(
  fd: number,
  kind: RecordLockKind,
  range: LockRange,
): number {
  setRange(range.startHigh, range.startLow, range.length);
  return control(fd, F_OFD_SETLKW, kind === "shared" ? F_RDLCK : F_WRLCK);
}

/** Gives a range back; 0 or negative errno. */
export function releaseRecordLock(fd: number, range: LockRange): number {
  setRange(range.startHigh, range.startLow, range.length);
  return control(fd, F_OFD_SETLK, F_UNLCK);
}

/** Whether the kernel has found nobody in the way. */
function isUnlocked(): boolean {
  return flockTypes[0] === F_UNLCK;
}

/**
 * Whether this very description has locked something of a range exclusively;
 * false for what is no open file. It opens nothing.
 */
export function ownsRecordLock(fd: number, range: LockRange): boolean {
  setRange(range.startHigh, range.startLow, range.length);
  // One's own locks stand in the way of classic ones only.
  const result = control(fd, F_GETLK, F_RDLCK);
  if (result < 0 || isUnlocked()) return false;
  return findRecordLock(fd, range) === null;
}

/**
 * The first byte that another description has locked exclusively, as its
 * distance from the range's start; null when there is none; negative errno.
 */
export function findRecordLock(fd: number, range: LockRange): number | null {
  setRange(range.startHigh, range.startLow, range.length);
  // What a shared lock would meet is never another shared one.
  const result = control(fd, F_OFD_GETLK, F_RDLCK);
  if (result < 0) return result;
  if (isUnlocked()) return null;
  const high = (flock[3] as number) - range.startHigh;
  const low = ((flock[2] as number) >>> 0) - (range.startLow >>> 0);
  // A lock that begins before the range holds its first byte.
  return Math.max(0, high * 2 ** 32 + low);
}
