// libzmq: none · runs on: any · RFC: –

import {
  closeFd,
  decodeWaitStatus,
  errnoNumber,
  EVFILT_PROC,
  host as system,
  NOTE_EXIT,
  NOTE_EXITSTATUS,
  openProcess,
  type ProcessEnd,
  processEnd,
  signalName,
} from "../../ffi/mod.ts";
import { POLLER_REASONS, refused } from "./event_loop_error.ts";
import type { FilterEvent, FilterQueue } from "./kevent_filters.ts";
import { type LoopHost, OpenSource } from "./loop_host.ts";
import type { PollHandle } from "../poller/poller.ts";

/** How a process ended. */
export interface ProcessExit {
  /** Its id, which may be somebody else's by now. */
  readonly pid: number;
  /**
   * What it gave to exit(3), 0 to 255; null when a signal ended it, or when
   * nobody knows: see `signal`.
   */
  readonly exitCode: number | null;
  /**
   * The signal that ended it, such as `"SIGKILL"`. When `exitCode` is null as
   * well, the system did not say how it ended. On Linux before 6.15 that is so
   * when somebody else had waited for it before the loop looked, as the runtime
   * does for what it started whenever its event loop turns: there an
   * `AsyncEventLoop` may find that out or not. On all systems it may be so for
   * what is no child of this process.
   */
  readonly signal: string | null;
}

const ENOENT = -errnoNumber("ENOENT");
const EINVAL = -errnoNumber("EINVAL");

function toExit(pid: number, { exitCode, signal }: ProcessEnd): ProcessExit {
  return {
    pid,
    exitCode,
    signal: signal === null ? null : signalName(signal),
  };
}

/** The end of a process, by a descriptor of it (Linux). */
export class PidSource extends OpenSource {
  readonly #loop: LoopHost;
  readonly #pid: number;
  readonly #fd: number;
  readonly #handle: PollHandle;
  readonly #callback: (exit: ProcessExit) => void;

  /** @param fd Of the process; closed with this. */
  private constructor(
    loop: LoopHost,
    pid: number,
    fd: number,
    handle: PollHandle,
    callback: (exit: ProcessExit) => void,
  ) {
    super(loop);
    this.#loop = loop;
    this.#pid = pid;
    this.#fd = fd;
    this.#callback = callback;
    this.#handle = handle;
  }

  /** @throws {EventLoopError} ESRCH, ENOSYS or what the poller refuses. */
  static open(
    loop: LoopHost,
    pid: number,
    callback: (exit: ProcessExit) => void,
    call: string,
  ): PidSource {
    const fd = openProcess(pid);
    // Linux since 6.9 says ENOENT of threads, and EINVAL before.
    if (fd < 0) throw refused(call, { pid }, fd === ENOENT ? EINVAL : fd);
    // The poller is asked first, with a listener that is there only later.
    let source: PidSource | null = null;
    const handle = loop.poller.add(fd, {
      inEvent: () => {
        if (source !== null) source.#ended();
      },
      outEvent: () => {},
    });
    if (typeof handle === "number") {
      closeFd(fd);
      throw refused(call, { pid }, handle, POLLER_REASONS);
    }
    loop.poller.setInterest(handle, true, false);
    source = new PidSource(loop, pid, fd, handle, callback);
    return source;
  }

  #ended(): void {
    const exit = toExit(this.#pid, processEnd(this.#fd));
    this.end();
    this.#loop.tell(this.#callback, exit);
  }

  protected override release(): void {
    this.#loop.poller.remove(this.#handle);
    closeFd(this.#fd);
  }
}

/** The end of a process, by a kqueue's filter. */
export class ProcFilterSource extends OpenSource {
  readonly #filters: FilterQueue;
  readonly #pid: number;
  readonly #told: FilterEvent;

  /** @throws {EventLoopError} ESRCH or what else the system says. */
  constructor(
    loop: LoopHost,
    filters: FilterQueue,
    pid: number,
    callback: (exit: ProcessExit) => void,
    call: string,
  ) {
    const notes = NOTE_EXIT +
      (system.os === "darwin" ? NOTE_EXITSTATUS : 0);
    let source: ProcFilterSource | null = null;
    const told: FilterEvent = (_notes, status) => {
      source?.end();
      loop.tell(callback, toExit(pid, decodeWaitStatus(status)));
    };
    filters.add(pid, EVFILT_PROC, notes, told, call, { pid });
    super(loop);
    source = this;
    this.#filters = filters;
    this.#pid = pid;
    this.#told = told;
  }

  protected override release(): void {
    this.#filters.remove(this.#pid, EVFILT_PROC, this.#told);
  }
}
