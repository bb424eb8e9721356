import { host } from "./host.ts";
import { type Libc, openLibc, syscall } from "./libc.ts";
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
  const libc = openLibc();
  // Looked up when first needed, and kept with the other functions.
  const call = libc.call as unknown as { fstat?: Fstat };
  call.fstat ??= openFstat(libc);
  const result = syscall(libc, () => (call.fstat as Fstat)(fd, statBytes));
  if (result < 0) return result;
  // st_dev and st_ino stand first everywhere. The type is in the lower half of
  // st_mode, whether that has 16 bits or 32.
  const type = stat.getUint16(structLayout.statMode, true) & S_IFMT;
  const identity = `${stat.getUint32(0, true)}:${stat.getBigUint64(8, true)}`;
  return { type, identity };
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
