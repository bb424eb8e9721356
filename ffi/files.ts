import { fromCString, toCString } from "./c_string.ts";
import { constants } from "./constants.ts";
import { openLibc, outcome, syscall } from "./libc.ts";
import { structLayout } from "./struct_layout.ts";

/** Removes a file or a socket's name; 0 or negative errno. */
export function unlinkPath(path: string): number {
  const libc = openLibc();
  const bytes = toCString(path);
  return syscall(libc, () => libc.call.unlink(bytes));
}

/** Removes an empty directory; 0 or negative errno. */
export function removeDir(path: string): number {
  const libc = openLibc();
  const bytes = toCString(path);
  return syscall(libc, () => libc.call.rmdir(bytes));
}

/** Whether there is anything at `path`; a broken link counts as nothing. */
export function pathExists(path: string): boolean {
  const libc = openLibc();
  const bytes = toCString(path);
  return syscall(libc, () => libc.call.access(bytes, 0)) === 0;
}

/**
 * Makes a new directory that only this user may enter; its path, which is
 * `prefix` and six characters, or negative errno.
 */
export function makeTempDir(prefix: string): string | number {
  const libc = openLibc();
  const template = toCString(`${prefix}XXXXXX`);
  const address = libc.call.mkdtemp(template);
  // The result is a null pointer instead of -1.
  if (Number(address ?? 0) === 0) return outcome(libc, -1);
  return fromCString(template);
}

/** How many descriptors this process may have open, or negative errno. */
export function maxFiles(): number {
  const libc = openLibc();
  const limit = new DataView(new ArrayBuffer(structLayout.rlimitSize));
  const bytes = new Uint8Array(limit.buffer);
  const result = syscall(
    libc,
    () => libc.call.getrlimit(constants.RLIMIT_NOFILE, bytes),
  );
  return result < 0 ? result : Number(limit.getBigUint64(0, true));
}
