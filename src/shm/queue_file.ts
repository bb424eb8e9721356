// libzmq: none · runs on: any · RFC: –

import {
  allocateFile,
  closeFd,
  fileSize,
  type FileStatus,
  hasFileBytes,
  host,
  mapFile,
  monotonicMs,
  openSharedFile,
  processIdentity,
  readFileStart,
  renamePath,
  retireMapping,
  unlinkPath,
  unmapMemory,
  viewAt,
} from "../../ffi/mod.ts";
import { type GuardedMemory, guardMemory } from "../memory/guarded_memory.ts";
import {
  BYTE_ORDER,
  FILE_BYTES_MAX,
  type Geometry,
  geometryOf,
  IDENTITY_WORDS,
  LAYOUT_VERSION,
  MAGIC,
  MAGIC_END,
  MAGIC_SWAPPED,
  QueueState,
  ROWS_MAX,
  SLOTS_MAX,
  Waiting,
  Word,
} from "./layout.ts";
import { openQueueFile } from "./queue_locks.ts";
import type { QueuePaths } from "./queue_names.ts";
import { RingMemory } from "./ring_memory.ts";
import { ShmError, systemRefusal } from "./shm_error.ts";

/** What a queue is; nothing of it changes during an epoch. */
export interface QueueIdentity {
  readonly geometry: Geometry;
  /** See `Waiting`. */
  readonly waiting: number;
  /** -1: consumers do not hold the producer back. */
  readonly holdBackMs: number;
  readonly pid: number;
  readonly startTicks: number;
  readonly epoch: number;
}

/** What a producer decides. */
export interface QueuePlan {
  readonly geometry: Geometry;
  readonly waiting: number;
  readonly holdBackMs: number;
  readonly first: { readonly block: number; readonly low: number };
}

/**
 * How long a file is taken for whole where no guard tells when it was cut, ms.
 * There the process ends with SIGBUS when somebody cuts it within that time, and
 * a look before each record would take as long as the record.
 */
const CHECK_MS = 0.02;

// Gives addresses back when nobody has a view of them any more.
const retired = new FinalizationRegistry<{ address: number; length: number }>(
  ({ address, length }) => unmapMemory(address, length),
);

/** A queue's file in this process's memory. */
export class QueueFile {
  readonly identity: QueueIdentity;
  readonly memory: RingMemory;
  readonly address: number;
  readonly fd: number;
  readonly #queue: string;
  /** Null where the system allows none, or when there are too many. */
  readonly #guard: GuardedMemory | null;
  #buffer: ArrayBuffer | null;
  /** When the file was last known to be whole. */
  #wholeAt = 0;

  private constructor(
    queue: string,
    identity: QueueIdentity,
    fd: number,
    address: number,
  ) {
    const bytes = viewAt(address, identity.geometry.fileBytes);
    this.#queue = queue;
    this.identity = identity;
    this.fd = fd;
    this.address = address;
    this.#guard = guardMemory(address, identity.geometry.fileBytes);
    this.#buffer = bytes.buffer;
    this.memory = new RingMemory(bytes, identity.geometry);
  }

  /**
   * Makes the file of a new epoch, in place of what is there. Only the holder
   * of the owner's lock may call it.
   *
   * @param ready Called when the file is complete and before it has its name.
   * @throws {ShmError} No space, no permission, no directory.
   */
  static create(
    paths: QueuePaths,
    plan: QueuePlan,
    ready: (file: QueueFile) => void,
  ): QueueFile {
    const epoch = nextEpoch(paths);
    // Left by a producer that died in the middle of this.
    unlinkPath(paths.unfinished);
    const { fd } = openQueueFile(paths.name, paths.unfinished, "new");
    let file: QueueFile | null = null;
    try {
      file = QueueFile.#fill(paths.name, plan, epoch, fd);
      ready(file);
      const renamed = renamePath(paths.unfinished, paths.data);
      if (renamed < 0) {
        throw systemRefusal(paths.name, `cannot make ${paths.data}`, renamed);
      }
      return file;
    } catch (error) {
      unlinkPath(paths.unfinished);
      if (file === null) closeFd(fd);
      else file.close();
      throw error;
    }
  }

  static #fill(
    queue: string,
    plan: QueuePlan,
    epoch: number,
    fd: number,
  ): QueueFile {
    const { geometry } = plan;
    // Memory without space behind it would end the process when it is touched.
    const allocated = allocateFile(fd, geometry.fileBytes);
    if (allocated < 0) {
      const what = `cannot have ${geometry.fileBytes} bytes`;
      throw systemRefusal(queue, what, allocated);
    }
    const identity: QueueIdentity = {
      ...plan,
      pid: host.pid,
      startTicks: processIdentity(host.pid)?.startTicks ?? 0,
      epoch,
    };
    const file = new QueueFile(queue, identity, fd, map(queue, fd, geometry));
    writeHeader(file.memory, identity, plan.first);
    return file;
  }

  /**
   * Opens the file of the current epoch; null when there is none.
   *
   * @throws {ShmError} It is no queue's file, or not one of this user's.
   */
  static open(paths: QueuePaths): QueueFile | null {
    const opened = openQueueFileIfThere(paths);
    if (opened === null) return null;
    const { fd, status } = opened;
    try {
      const identity = readIdentity(paths.name, fd, status.sizeBytes);
      const address = map(paths.name, fd, identity.geometry);
      return new QueueFile(paths.name, identity, fd, address);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /**
   * Whether everything that was read so far was the file's. Without a guard:
   * whether the file has its length now.
   */
  get isWhole(): boolean {
    if (this.#guard !== null) return this.memory.hasEndMark;
    return hasFileBytes(this.fd, this.identity.geometry.fileBytes);
  }

  /** Whether touching what was cut off is survived. */
  get isGuarded(): boolean {
    return this.#guard !== null;
  }

  /**
   * Makes sure that nobody has made the file shorter, also where nothing has
   * touched it since.
   *
   * @throws {ShmError} EIO: somebody has.
   */
  checkSize(): void {
    const { fd, identity } = this;
    const isLong = hasFileBytes(fd, identity.geometry.fileBytes);
    if (!isLong || !this.isWhole) this.#refuseCut();
    this.#wholeAt = monotonicMs();
  }

  /**
   * Makes sure, after an access, that it was of the file; without a guard,
   * before one, that the file was whole within `CHECK_MS`.
   *
   * @throws {ShmError} EIO: somebody has made it shorter.
   */
  checkSizeNow(): void {
    if (this.#guard === null) {
      if (monotonicMs() - this.#wholeAt > CHECK_MS) this.checkSize();
    } else if (!this.memory.hasEndMark) this.#refuseCut();
  }

  #refuseCut(): never {
    const size = fileSize(this.fd);
    // It may have grown again since; what was in it has not come back.
    const isShort = size < this.identity.geometry.fileBytes;
    const what = isShort ? `cut to ${size} bytes` : "cut or overwritten";
    throw new ShmError(
      "EIO",
      this.#queue,
      `its file was ${what} by somebody; close it`,
    );
  }

  /** Where a word lies, for futexes. */
  addressOfWord(index: number): number {
    return this.address + index * 4;
  }

  /**
   * Views that are left see zeros from now on.
   *
   * @param viewsLeft False where nobody can have any: the addresses are given
   * back at once, also in a thread that never turns its event loop.
   */
  close(viewsLeft = true): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    this.#buffer = null;
    const length = this.identity.geometry.fileBytes;
    if (!viewsLeft) {
      this.#guard?.release();
      unmapMemory(this.address, length);
      closeFd(this.fd);
      return;
    }
    retireMapping(this.address, length);
    this.#guard?.release();
    // Who has detached the buffer has a view of these addresses elsewhere.
    if (this.memory.attached) {
      retired.register(buffer, { address: this.address, length });
    }
    closeFd(this.fd);
  }
}

function openQueueFileIfThere(
  paths: QueuePaths,
): { fd: number; status: FileStatus } | null {
  try {
    return openQueueFile(paths.name, paths.data, "existing");
  } catch (error) {
    if (error instanceof ShmError && error.code === "ENOENT") return null;
    throw error;
  }
}

function map(queue: string, fd: number, geometry: Geometry): number {
  const address = mapFile(fd, geometry.fileBytes);
  if (address < 0) throw systemRefusal(queue, "cannot map its file", address);
  return address;
}

function writeHeader(
  memory: RingMemory,
  identity: QueueIdentity,
  first: { readonly block: number; readonly low: number },
): void {
  const { geometry, epoch, startTicks } = identity;
  const high = (value: number): number => Math.floor(value / 2 ** 32) | 0;
  const low = (value: number): number => value % 2 ** 32 | 0;
  const words: [number, number][] = [
    [Word.VERSION, LAYOUT_VERSION],
    [Word.BYTE_ORDER, BYTE_ORDER],
    [Word.ROWS_AT, Word.FIRST_ROW],
    [Word.SLOTS, geometry.slots],
    [Word.SLOT_BYTES, geometry.slotBytes],
    [Word.ROWS, geometry.rows],
    [Word.WAITING, identity.waiting],
    [Word.HOLD_BACK_MS, identity.holdBackMs],
    [Word.FILE_BYTES_LOW, low(geometry.fileBytes)],
    [Word.FILE_BYTES_HIGH, high(geometry.fileBytes)],
    [Word.PID, identity.pid],
    [Word.START_LOW, low(startTicks)],
    [Word.START_HIGH, high(startTicks)],
    [Word.EPOCH_LOW, low(epoch)],
    [Word.EPOCH_HIGH, high(epoch)],
    [Word.FIRST_LOW, first.low],
    [Word.FIRST_BLOCK, first.block | 0],
    [Word.HEAD_LOW, first.low],
    [Word.HEAD_BLOCK, first.block | 0],
    [Word.INTENT_LOW, first.low],
    [Word.INTENT_BLOCK, first.block | 0],
    [Word.STATE, QueueState.OPEN],
  ];
  // Plain: the stores below come after them.
  for (const [index, value] of words) memory.put(index, value);
  memory.putEndMark();
  memory.store(Word.MAGIC_END, MAGIC_END);
  memory.store(Word.MAGIC, MAGIC);
}

/**
 * A number above those of all epochs before: microseconds since the machine's
 * start, which empties shared memory, or one more than the last one's.
 */
function nextEpoch(paths: QueuePaths): number {
  const now = Math.floor(monotonicMs() * 1000);
  const fd = openSharedFile(paths.data, "existing");
  if (fd < 0) return now;
  const header = new Uint32Array(IDENTITY_WORDS);
  const length = readFileStart(fd, new Uint8Array(header.buffer));
  closeFd(fd);
  const isQueue = length === header.byteLength &&
    header[Word.MAGIC] === MAGIC && header[Word.MAGIC_END] === MAGIC_END;
  const before = isQueue ? wide(header, Word.EPOCH_LOW) : 0;
  return before < 2 ** 52 ? Math.max(now, before + 1) : now;
}

function wide(header: Uint32Array, index: number): number {
  return (header[index] as number) +
    (header[index + 1] as number) * 2 ** 32;
}

/** Reads and checks what a file says of itself, before it is mapped. */
function readIdentity(
  queue: string,
  fd: number,
  fileBytes: number,
): QueueIdentity {
  const header = new Uint32Array(IDENTITY_WORDS);
  const length = readFileStart(fd, new Uint8Array(header.buffer));
  if (length < 0) throw systemRefusal(queue, "cannot read its file", length);
  if (length < header.byteLength) {
    throw new ShmError(
      "EPROTO",
      queue,
      `its file is no queue: it has ${length} bytes`,
    );
  }
  checkMagic(queue, header);
  const geometry = readGeometry(header);
  const bytes = wide(header, Word.FILE_BYTES_LOW);
  if (geometry === null || geometry.fileBytes !== bytes) {
    throw new ShmError("EPROTO", queue, "its file's sizes make no sense");
  }
  if (bytes > fileBytes) {
    const sizes = `${fileBytes} bytes instead of ${bytes}`;
    throw new ShmError("EPROTO", queue, `its file was cut: it has ${sizes}`);
  }
  const waiting = header[Word.WAITING] as number;
  if (waiting !== Waiting.FUTEX && waiting !== Waiting.RECORD_LOCK) {
    throw new ShmError("EPROTO", queue, `no such way of waiting: ${waiting}`);
  }
  return {
    geometry,
    waiting,
    holdBackMs: (header[Word.HOLD_BACK_MS] as number) | 0,
    pid: header[Word.PID] as number,
    startTicks: wide(header, Word.START_LOW),
    epoch: wide(header, Word.EPOCH_LOW),
  };
}

function checkMagic(queue: string, header: Uint32Array): void {
  const magic = header[Word.MAGIC];
  if (magic === MAGIC_SWAPPED) {
    throw new ShmError(
      "EPROTO",
      queue,
      "its file is of a machine with another byte order",
    );
  }
  if (magic !== MAGIC || header[Word.MAGIC_END] !== MAGIC_END) {
    throw new ShmError("EPROTO", queue, "its file is no queue");
  }
  const version = header[Word.VERSION];
  if (version !== LAYOUT_VERSION) {
    throw new ShmError(
      "EPROTONOSUPPORT",
      queue,
      `its layout has version ${version}, this package knows ` +
        `${LAYOUT_VERSION}; use the same package on both sides`,
    );
  }
  if (header[Word.BYTE_ORDER] !== BYTE_ORDER) {
    throw new ShmError("EPROTO", queue, "its file has another byte order");
  }
}

function readGeometry(header: Uint32Array): Geometry | null {
  const slots = header[Word.SLOTS] as number;
  const slotBytes = header[Word.SLOT_BYTES] as number;
  const rows = header[Word.ROWS] as number;
  const isPossible = slots >= 1 && slots <= SLOTS_MAX &&
    (slots & (slots - 1)) === 0 && rows <= ROWS_MAX &&
    slotBytes >= 1 && slotBytes * slots <= FILE_BYTES_MAX &&
    header[Word.ROWS_AT] === Word.FIRST_ROW;
  if (!isPossible) return null;
  const geometry = geometryOf(slots, slotBytes, rows);
  const agrees = geometry.slotBytes === slotBytes &&
    geometry.fileBytes <= FILE_BYTES_MAX;
  return agrees ? geometry : null;
}
