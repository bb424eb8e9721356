// libzmq: none · runs on: any · RFC: –

import {
  closeFd,
  effectiveUser,
  errnoNumber,
  type FileCreation,
  type FileStatus,
  fileStatus,
  findRecordLock,
  isRegularFile,
  type LockRange,
  openSharedFile,
  ownsRecordLock,
  releaseRecordLock,
  tryRecordLock,
} from "../../ffi/mod.ts";
import type { QueuePaths } from "./queue_names.ts";
import { ShmError, systemRefusal } from "./shm_error.ts";

/*
 * Bytes of the lock file, none of which exist:
 *   0                  held by the one who is, or becomes, the producer
 *   2^40 + row         held by the consumer that has the row
 *   2^41 + epoch       held by the epoch's producer for as long as it lives
 *   2^62 + …           the record that comes next (see `recordRange`)
 */
const OWNER: LockRange = { startHigh: 0, startLow: 0, length: 1 };

/** Held by a consumer that has this row. */
export function rowRange(row: number): LockRange {
  return { startHigh: 2 ** 8, startLow: row, length: 1 };
}

/** Held by the producer of this epoch. */
export function lifeRange(epoch: number): LockRange {
  return {
    startHigh: 2 ** 9 + Math.floor(epoch / 2 ** 32),
    startLow: epoch % 2 ** 32,
    length: 1,
  };
}

/** Where the records of an epoch begin; epochs in a row do not meet. */
function recordBase(epoch: number): number {
  return 2 ** 30 + (epoch % 2 ** 20) * 2 ** 8;
}

/** Held by the producer while the record of this position is to come. */
export function recordRange(
  epoch: number,
  block: number,
  low: number,
): LockRange {
  const more = Math.floor(recordOffset(block, low) / 2 ** 32);
  return { startHigh: recordBase(epoch) + more, startLow: low, length: 1 };
}

/**
 * How far a record's lock is behind the first of `recordsRange`: 40 bits of the
 * position, its lower word and eight more of its block.
 */
export function recordOffset(block: number, low: number): number {
  const more = Math.floor(block / 2 ** 8) % 2 ** 8;
  return more * 2 ** 32 + (low >>> 0);
}

/** All records of an epoch. */
export function recordsRange(epoch: number): LockRange {
  return { startHigh: recordBase(epoch), startLow: 0, length: 2 ** 40 };
}

/**
 * Opens a file of a queue and makes sure that it is one that only this user
 * can change.
 */
export function openQueueFile(
  queue: string,
  path: string,
  creation: FileCreation,
): { fd: number; status: FileStatus } {
  const fd = openSharedFile(path, creation);
  if (fd < 0) throw systemRefusal(queue, `cannot open ${path}`, fd);
  const status = fileStatus(fd);
  try {
    if (typeof status === "number") {
      throw systemRefusal(queue, `cannot look at ${path}`, status);
    }
    checkStatus(queue, path, status);
    return { fd, status };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function checkStatus(queue: string, path: string, status: FileStatus): void {
  if (!isRegularFile(status)) {
    throw new ShmError("EINVAL", queue, `${path} is no regular file`);
  }
  if (status.owner !== effectiveUser()) {
    throw new ShmError("EPERM", queue, `${path} belongs to another user`);
  }
  if ((status.permissions & 0o022) !== 0) {
    throw new ShmError(
      "EPERM",
      queue,
      `${path} can be written by other users; remove it`,
    );
  }
}

/** A queue's lock file, opened for one producer or one consumer. */
export class QueueLocks {
  readonly queue: string;
  /** A description of its own: locks belong to that. */
  readonly fd: number;

  private constructor(queue: string, fd: number) {
    this.queue = queue;
    this.fd = fd;
  }

  /** @throws {ShmError} It cannot be opened, or is not this user's alone. */
  static open(paths: QueuePaths, creation: FileCreation): QueueLocks {
    const { fd } = openQueueFile(paths.name, paths.lock, creation);
    return new QueueLocks(paths.name, fd);
  }

  /** The locks that another thread of this process has left in `fd`. */
  static adopt(queue: string, fd: number): QueueLocks {
    return new QueueLocks(queue, fd);
  }

  /**
   * Becomes the producer; null when somebody else is it.
   *
   * @throws {ShmError} The system refuses.
   */
  static acquire(paths: QueuePaths): QueueLocks | null {
    for (;;) {
      const locks = QueueLocks.open(paths, "any");
      try {
        if (!locks.take(OWNER)) {
          locks.close();
          return null;
        }
        // Whoever had it before may have removed the file since it was opened.
        if (locks.isAt(paths.lock)) return locks;
      } catch (error) {
        locks.close();
        throw error;
      }
      locks.close();
    }
  }

  /** Takes a lock for itself; false when another has it. */
  take(range: LockRange): boolean {
    const result = tryRecordLock(this.fd, "exclusive", range);
    if (result === -errnoNumber("EAGAIN")) return false;
    if (result < 0) throw systemRefusal(this.queue, "cannot lock", result);
    return true;
  }

  release(range: LockRange): void {
    const result = releaseRecordLock(this.fd, range);
    if (result < 0) throw systemRefusal(this.queue, "cannot unlock", result);
  }

  /** Does something with a lock taken; false when another has it. */
  whileTaken(range: LockRange, action: () => void): boolean {
    if (!this.take(range)) return false;
    try {
      action();
    } finally {
      this.release(range);
    }
    return true;
  }

  /** The first byte of a range that another has for itself, or null. */
  find(range: LockRange): number | null {
    const found = findRecordLock(this.fd, range);
    if (found !== null && found < 0) {
      throw systemRefusal(this.queue, "cannot look at its locks", found);
    }
    return found;
  }

  /** Whether a living process has that lock, reaped or not. */
  isHeld(range: LockRange): boolean {
    return this.find(range) !== null;
  }

  /** Whether that lock is one's own; false where `fd` is something else. */
  owns(range: LockRange): boolean {
    return ownsRecordLock(this.fd, range);
  }

  /** Lets go of all locks. */
  close(): void {
    closeFd(this.fd);
  }

  /** Whether the lock file is still the one of that name. */
  isAt(path: string): boolean {
    const fd = openSharedFile(path, "existing");
    if (fd < 0) return false;
    const [there, here] = [fileStatus(fd), fileStatus(this.fd)];
    closeFd(fd);
    return typeof there !== "number" && typeof here !== "number" &&
      there.identity === here.identity;
  }
}
