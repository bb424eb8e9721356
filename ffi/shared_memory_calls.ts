import { host } from "./host.ts";
import { type Libc, openLibc } from "./libc.ts";
import type { SymbolRow, Word } from "./library.ts";
import { libraryNames } from "./symbols.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";

// Apart from the other functions, so that programs without a shared-memory
// queue do not pay for looking them up. Linux only, like their callers.
const ROWS = {
  // Variadic, which neither CPU passes differently.
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  // Of files below 2 GiB, whose sizes fit.
  lseek: { parameters: ["i32", "word", "i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "word", "word"], result: "i32" },
  posix_fallocate: { parameters: ["i32", "word", "word"], result: "i32" },
  mmap: {
    parameters: ["word", "word", "i32", "i32", "i32", "word"],
    result: "word",
  },
  munmap: { parameters: ["word", "word"], result: "i32" },
  mprotect: { parameters: ["word", "word", "i32"], result: "i32" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "word"], result: "i32" },
  // With struct flock, which is all it is called for.
  fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  geteuid: { parameters: [], result: "u32" },
  // For futex, whose second argument is an address.
  syscall: {
    parameters: ["word", "word", "i32", "i32", "buffer"],
    result: "i32",
  },
  dlsym: { parameters: ["word", "buffer"], result: "word" },
} as const satisfies Record<string, SymbolRow>;

type Buffer = ArrayBufferView | null;

/** The C functions that only shared memory between processes needs. */
export interface SharedMemoryCalls {
  openat(directory: number, path: Buffer, flags: number, mode: number): number;
  lseek(fd: number, offset: Word, whence: number): number;
  pread(fd: number, target: Buffer, length: Word, offset: Word): number;
  posix_fallocate(fd: number, offset: Word, length: Word): number;
  mmap(
    address: Word,
    length: Word,
    protection: number,
    flags: number,
    fd: number,
    offset: Word,
  ): Word;
  munmap(address: Word, length: Word): number;
  mprotect(address: Word, length: Word, protection: number): number;
  rename(from: Buffer, to: Buffer): number;
  readlink(path: Buffer, target: Buffer, length: Word): number;
  fcntl(fd: number, command: number, flock: Buffer): number;
  geteuid(): number;
  syscall(
    number: Word,
    address: Word,
    operation: number,
    value: number,
    timeout: Buffer,
  ): number;
  dlsym(handle: Word, name: Buffer): Word;
}

/** libc, and those functions of it. */
export interface SharedMemoryLibc {
  readonly libc: Libc;
  readonly calls: SharedMemoryCalls;
}

let opened: SharedMemoryLibc | null = null;

/** Looked up by the first call in each JS thread. */
export function openSharedMemoryCalls(): SharedMemoryLibc {
  return opened ?? (opened = load());
}

/** Why there are no queues in shared memory here; null where there are. */
export function sharedMemoryObstacle(): string | null {
  if (host.os === "linux") return null;
  return "Shared-memory queues need Linux: its futexes and its record locks " +
    "of open files";
}

function load(): SharedMemoryLibc {
  const obstacle = sharedMemoryObstacle();
  if (obstacle !== null) throw new UnsupportedPlatformError(obstacle);
  const libc = openLibc();
  for (const name of libraryNames(host.os, host.arch)) {
    try {
      const found = libc.library.open(name, ROWS);
      return { libc, calls: found as unknown as SharedMemoryCalls };
    } catch {
      // Under the other name.
    }
  }
  throw new UnsupportedPlatformError(
    "The C library is too old for shared-memory queues: it needs those of " +
      "glibc 2.34 or musl",
  );
}
