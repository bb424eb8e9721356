// libzmq: none · runs on: io thread · RFC: –

import { canBePolled, errnoNumber, fileStatus } from "../../ffi/mod.ts";
import { NumberMap } from "../base/number_map.ts";

const EEXIST = errnoNumber("EEXIST");
const EPERM = errnoNumber("EPERM");

/** What a {@link DescriptorTable} asks of a handle. */
export interface TableEntry {
  readonly fd: number;
  /**
   * Of the file that was behind the number when it was registered; empty when
   * the poller has found it closed.
   */
  identity: string;
}

/**
 * The registered descriptors of a poller whose system call does not refuse
 * what epoll refuses: poll takes any number, and calls a file always ready.
 */
export class DescriptorTable<T extends TableEntry> {
  readonly #byFd: NumberMap<T> = new NumberMap();

  get size(): number {
    return this.#byFd.size;
  }

  get(fd: number): T | undefined {
    return this.#byFd.get(fd);
  }

  values(): Iterable<T> {
    return this.#byFd.values();
  }

  /**
   * Whether a descriptor may be registered: the identity to register it with,
   * or a negative errno. The number of one that was closed without being
   * removed is free. Some kinds of files have one identity for all: a BSD's
   * sockets, Linux' eventfds, timerfds and pidfds. Among those such a number
   * stays taken until a turn has found it closed, since nothing tells the new
   * one from the same one registered twice.
   */
  admit(fd: number): string | number {
    const status = fileStatus(fd);
    if (typeof status === "number") return status;
    if (!canBePolled(status)) return -EPERM;
    const former = this.#byFd.get(fd);
    return former?.identity === status.identity ? -EEXIST : status.identity;
  }

  /** Registers a handle instead of the former one of its number. */
  set(entry: T): void {
    this.#byFd.set(entry.fd, entry);
  }

  /** Its number may be anybody's, though it still counts. */
  closed(entry: T): void {
    entry.identity = "";
  }

  delete(entry: T): void {
    if (this.#byFd.get(entry.fd) === entry) this.#byFd.delete(entry.fd);
  }
}
