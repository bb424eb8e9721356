// libzmq: none · runs on: the producer's thread · RFC: –

import {
  futexWake,
  pathOfDescriptor,
  sharedMemoryObstacle,
  unlinkPath,
  word,
} from "../../ffi/mod.ts";
import { QueueState, Waiting, Word } from "./layout.ts";
import { planOf, type ShmProducerOptions } from "./producer_options.ts";
import { QueueFile } from "./queue_file.ts";
import { lifeRange, QueueLocks, recordRange } from "./queue_locks.ts";
import {
  DEFAULT_DIRECTORY,
  LOCK_SUFFIX,
  pathsBeside,
  type QueuePaths,
  queuePaths,
} from "./queue_names.ts";
import { ShmError } from "./shm_error.ts";

/** What makes one the producer of a queue: its locks, and its memory. */
export class ProducerSeat {
  readonly paths: QueuePaths;
  readonly locks: QueueLocks;
  readonly file: QueueFile;
  /** Position and number of the epoch's first record. */
  readonly first: { readonly block: number; readonly low: number };

  private constructor(paths: QueuePaths, locks: QueueLocks, file: QueueFile) {
    this.paths = paths;
    this.locks = locks;
    this.file = file;
    // Plain: whoever wrote them is this thread, or has told it of the seat.
    this.first = {
      block: file.memory.get(Word.FIRST_BLOCK) >>> 0,
      low: file.memory.get(Word.FIRST_LOW),
    };
  }

  /**
   * Becomes the producer, and begins an epoch.
   *
   * @throws {ShmError} As `ShmProducer.create` says.
   */
  static take(name: string, options: ShmProducerOptions): ProducerSeat {
    const obstacle = sharedMemoryObstacle();
    if (obstacle !== null) throw new ShmError("ENOTSUP", name, obstacle);
    const paths = queuePaths(name, options.directory ?? DEFAULT_DIRECTORY);
    const plan = planOf(name, options);
    const locks = QueueLocks.acquire(paths);
    if (locks === null) {
      throw new ShmError(
        "EADDRINUSE",
        name,
        `it has ${currentProducer(paths)}`,
      );
    }
    try {
      const file = QueueFile.create(paths, plan, ({ identity }) => {
        locks.take(lifeRange(identity.epoch));
        if (plan.waiting === Waiting.RECORD_LOCK) {
          const { block, low } = plan.first;
          locks.take(recordRange(identity.epoch, block, low));
        }
      });
      return new ProducerSeat(paths, locks, file);
    } catch (error) {
      // Consumers of an epoch before this one need the lock file.
      if (!isThere(paths)) unlinkPath(paths.lock);
      locks.close();
      throw error;
    }
  }

  /**
   * Sits down where another thread of this process has left its seat, before
   * anything was written.
   *
   * @param lockFd What {@linkcode ProducerSeat.leave} gave; taken over even
   * when this fails, which leaves no file behind.
   * @param epoch The epoch that this seat has begun.
   * @throws {ShmError} EBADF: it was ended since; then `lockFd` may be another's
   * and is not touched. ENOENT: somebody has removed its files, or put others in
   * their place. And as `take`.
   */
  static resume(name: string, lockFd: number, epoch: number): ProducerSeat {
    const locks = QueueLocks.adopt(name, lockFd);
    if (!locks.owns(lifeRange(epoch))) {
      throw new ShmError(
        "EBADF",
        name,
        "this seat was ended by another thread",
      );
    }
    const paths = queuePaths(name, DEFAULT_DIRECTORY);
    let file: QueueFile | null = null;
    try {
      file = QueueFile.open(paths);
      if (file?.identity.epoch === epoch && locks.isAt(paths.lock)) {
        return new ProducerSeat(paths, locks, file);
      }
      const reason = "somebody has removed or replaced its files";
      throw new ShmError("ENOENT", name, reason);
    } catch (error) {
      file?.close(false);
      if (locks.isAt(paths.lock)) removeFiles(paths);
      locks.close();
      throw error;
    }
  }

  /** Leaves the seat to another thread, which gets the locks' descriptor. */
  leave(): number {
    this.file.close(false);
    return this.locks.fd;
  }

  /**
   * Ends a seat that was left to a thread which has died: consumers see a
   * producer that is dead. Does nothing when it has ended, after which the
   * number of the descriptor may be another's.
   *
   * It opens no file, for which there may be no descriptor left, and so asks the
   * descriptor for the name.
   */
  static giveUp(lockFd: number, epoch: number): void {
    const locks = QueueLocks.adopt("", lockFd);
    if (!locks.owns(lifeRange(epoch))) return;
    const path = pathOfDescriptor(lockFd);
    // Else somebody has removed it, and what has its name is another's.
    if (path?.endsWith(LOCK_SUFFIX)) removeFiles(pathsBeside(path));
    locks.close();
  }

  /** Ends the epoch, whose files are removed; see `QueueFile.close`. */
  end(viewsLeft = true): void {
    const { file, paths } = this;
    if (file.isWhole) file.memory.store(Word.STATE, QueueState.CLOSED);
    futexWake(word(file.addressOfWord(Word.HEAD_LOW)));
    // Still under the owner's lock, so they are this producer's own.
    removeFiles(paths);
    this.locks.close();
    file.close(viewsLeft);
  }
}

function removeFiles(paths: Pick<QueuePaths, "data" | "lock">): void {
  unlinkPath(paths.data);
  unlinkPath(paths.lock);
}

function isThere(paths: QueuePaths): boolean {
  try {
    const file = QueueFile.open(paths);
    file?.close(false);
    return file !== null;
  } catch {
    return true;
  }
}

/** For the error of the second one. */
function currentProducer(paths: QueuePaths): string {
  try {
    const file = QueueFile.open(paths);
    if (file === null) return "a producer that is just starting";
    file.close(false);
    return `a producer, process ${file.identity.pid}; close that one first`;
  } catch {
    return "a producer";
  }
}
