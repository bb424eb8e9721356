// libzmq: none · runs on: any · RFC: –

import { ShmError } from "./shm_error.ts";

/** Where queues are unless one says otherwise: memory that is a file system. */
export const DEFAULT_DIRECTORY = "/dev/shm";

/** Bytes of a name: with what stands around it, a file's name has 255. */
export const NAME_BYTES_MAX = 200;

/** How the name of every lock file ends. */
export const LOCK_SUFFIX = ".lock";
const DATA_SUFFIX = ".queue";

/** The files of a queue. */
export interface QueuePaths {
  readonly name: string;
  /** The memory; there while a producer lives, or has died. */
  readonly data: string;
  /** The same before it is complete. */
  readonly unfinished: string;
  /** Where the producer, and whoever it must know of, hold their locks. */
  readonly lock: string;
}

/**
 * The files of the queue called `name` in `directory`.
 *
 * @throws {ShmError} ENAMETOOLONG, EINVAL: no possible name.
 */
export function queuePaths(name: string, directory: string): QueuePaths {
  if (typeof name !== "string" || name === "") {
    throw new ShmError("EINVAL", String(name), "a name must not be empty");
  }
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > NAME_BYTES_MAX) {
    throw new ShmError(
      "ENAMETOOLONG",
      name,
      `a name has at most ${NAME_BYTES_MAX} bytes, this one has ${bytes}`,
    );
  }
  // deno-lint-ignore no-control-regex -- they would hide in a list of files
  if (/[/\u0000-\u001f\u007f]/.test(name)) {
    throw new ShmError(
      "EINVAL",
      name,
      "a name has no slash and no control character",
    );
  }
  if (typeof directory !== "string" || directory.includes("\0")) {
    throw new ShmError("EINVAL", name, "its directory is no path");
  }
  // The prefix keeps "." and ".." harmless, and others' files apart.
  const base = `${directory.replace(/\/+$/, "")}/purezmq.${name}`;
  return {
    name,
    data: `${base}${DATA_SUFFIX}`,
    unfinished: `${base}.new`,
    lock: `${base}${LOCK_SUFFIX}`,
  };
}

/** The files of the queue whose lock file that is. */
export function pathsBeside(lock: string): Pick<QueuePaths, "data" | "lock"> {
  const base = lock.slice(0, -LOCK_SUFFIX.length);
  return { data: `${base}${DATA_SUFFIX}`, lock };
}
