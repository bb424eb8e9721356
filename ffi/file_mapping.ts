import { outcome } from "./libc.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;

/** Beyond what a process may have on any CPU: the result was an error. */
const ADDRESS_MAX = 2 ** 52;

/**
 * Maps the beginning of a file into this process's memory, shared with all
 * that map it. The address, or negative errno.
 *
 * Readers need it writable as well: JavaScriptCore's `Atomics.load` is a
 * read-modify-write instruction, and ends the process on memory that is not.
 *
 * Safety: the file must have that many bytes, with space behind them, for as
 * long as the memory is used: else the process ends with SIGBUS, unless
 * `guardMemory` has made that survivable.
 */
export function mapFile(fd: number, length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  const protection = PROT_READ | PROT_WRITE;
  const address = Number(
    calls.mmap(word(0), word(length), protection, MAP_SHARED, fd, word(0)),
  );
  return address > 0 && address < ADDRESS_MAX ? address : outcome(libc, -1);
}

/**
 * Takes the file out of a mapping and leaves empty private memory at its
 * addresses, which costs nothing: views that somebody kept see zeros, where
 * touching memory that is unmapped would end the process. 0 or negative errno.
 */
export function retireMapping(address: number, length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  const protection = PROT_READ | PROT_WRITE;
  const result = Number(
    calls.mmap(word(address), word(length), protection, flags, -1, word(0)),
  );
  return result === address ? 0 : outcome(libc, -1);
}

/** Empty memory of this process alone; its address, or negative errno. */
export function mapPrivate(length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const protection = PROT_READ | PROT_WRITE;
  const address = Number(
    calls.mmap(word(0), word(length), protection, flags, -1, word(0)),
  );
  return address > 0 && address < ADDRESS_MAX ? address : outcome(libc, -1);
}

/**
 * Makes memory executable that holds instructions, and no longer writable. 0 or
 * negative errno.
 */
export function protectCode(address: number, length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  const protection = PROT_READ | PROT_EXEC;
  return outcome(
    libc,
    calls.mprotect(word(address), word(length), protection),
  );
}

/**
 * Gives the addresses back. Safety: no view of them may be left.
 */
export function unmapMemory(address: number, length: number): number {
  const { libc, calls } = openSharedMemoryCalls();
  const { word } = libc.library;
  return outcome(libc, calls.munmap(word(address), word(length)));
}
