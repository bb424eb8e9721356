import { host } from "./host.ts";
import { INTERRUPTED, type Libc, openLibc, outcome } from "./libc.ts";
import { structLayout } from "./struct_layout.ts";
import { fstatRows, libraryNames } from "./symbols.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";

/** What a descriptor stands for. */
export interface FileStatus {
  /** S_IF* bits. */
  readonly type: number;
  /**
   * Differs between two files of this system. Sockets of a BSD may all have
   * the same one.
   */
  readonly identity: string;
  /** The user it belongs to. */
  readonly owner: number;
  /** Who may do what with it: the lower 12 bits of st_mode. */
  readonly permissions: number;
  /** Bytes in it, where that means something. */
  readonly sizeBytes: number;
}

const S_IFMT = 0xf000;
const S_IFDIR = 0x4000;
const S_IFREG = 0x8000;

type Fstat = (fd: number, stat: ArrayBufferView) => number;

// Overwritten by every reading; one per JS thread.
const stat = new DataView(new ArrayBuffer(structLayout.statSize));
const statBytes = new Uint8Array(stat.buffer);

/** fstat; negative errno for what is no open descriptor. */
export function fileStatus(fd: number): FileStatus | number {
  const result = readStatus(fd);
  if (result < 0) return result;
  // st_dev and st_ino stand first everywhere. The type is in the lower half of
  // st_mode, whether that has 16 bits or 32.
  const mode = stat.getUint16(structLayout.statMode, true);
  const identity = `${stat.getUint32(0, true)}:${stat.getBigUint64(8, true)}`;
  return {
    type: mode & S_IFMT,
    identity,
    owner: stat.getUint32(structLayout.statOwner, true),
    permissions: mode & ~S_IFMT,
    sizeBytes: sizeRead(),
  };
}

/** Bytes in a file, or negative errno; cheaper than all of its status. */
export function fileSize(fd: number): number {
  const result = readStatus(fd);
  return result < 0 ? result : sizeRead();
}

function readStatus(fd: number): number {
  const libc = openLibc();
  // Looked up when first needed, and kept with the other functions.
  const call = libc.call as unknown as { fstat?: Fstat };
  const fstat = call.fstat ??= openFstat(libc);
  let result: number;
  do result = outcome(libc, fstat(fd, statBytes)); while (
    result === INTERRUPTED
  );
  return result;
}

function sizeRead(): number {
  const at = structLayout.statBytes;
  return stat.getUint32(at + 4, true) * 2 ** 32 + stat.getUint32(at, true);
}

/** Whether it is a file in the narrow sense. */
export function isRegularFile(status: FileStatus): boolean {
  return status.type === S_IFREG;
}

/** Whether readiness means something; files and directories always have it. */
export function canBePolled(status: FileStatus): boolean {
  return status.type !== S_IFREG && status.type !== S_IFDIR;
}

/** By the first of its names that the C library has. */
function openFstat(libc: Libc): Fstat {
  for (const name of libraryNames(host.os, host.arch)) {
    for (const { symbol, row, version } of fstatRows(host.os, host.arch)) {
      try {
        const found = libc.library.open(name, { [symbol]: row })[symbol];
        if (found === undefined) continue;
        if (version === null) {
          return (fd, bytes) => Number(found(fd, bytes));
        }
        return (fd, bytes) => Number(found(version, fd, bytes));
      } catch {
        // Another name, or another library.
      }
    }
  }
  throw new UnsupportedPlatformError("The C library has no fstat");
}
