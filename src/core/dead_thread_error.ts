// libzmq: none · runs on: any · RFC: –

import { load } from "../memory/shared_access.ts";
import { H } from "../memory/layout.ts";
import type { ControlSegment } from "../memory/control_segment.ts";
import { ZmqError } from "../base/errors.ts";
import { FIRST_IO_SLOT, REAPER_SLOT } from "./choose_io_thread.ts";

/** The error of every call in a context that lost one of its threads. */
export function deadThreadError(control: ControlSegment): ZmqError {
  const slot = load(control.words, H.FAILED_THREAD) - 1;
  const reason = control.failureReason();
  const why = reason === "" ? "" : ` of ${reason}`;
  return new ZmqError("EOWNERDEAD", {
    message: `${threadName(control, slot)} died${why}; ` +
      `make another context to go on`,
  });
}

/**
 * What a worker died of, in words for the error of the calls that follow.
 *
 * @param error What its runtime says; null when that is nothing.
 */
export function causeOfDeath(error: Error | null): string {
  if (error === null) return "";
  const cause = String(error);
  const unread = /Requires read access to "(.+)"/.exec(cause)?.[1];
  if (unread === undefined) return cause;
  // Its name is that of the module which workers start from, below src/.
  const folder = unread.replace(/(\/src)?\/[^/]*$/, "");
  return `${cause} (this copy of purezmq is a local one, ` +
    `which needs --allow-read=${folder} beside --allow-ffi)`;
}

function threadName(control: ControlSegment, slot: number): string {
  if (slot === REAPER_SLOT) return "The context's reaper";
  if (slot >= FIRST_IO_SLOT && slot < FIRST_IO_SLOT + control.ioThreads) {
    return `The context's I/O worker ${slot - FIRST_IO_SLOT}`;
  }
  return slot === control.layout.threadCount
    ? "The thread that created the context"
    : "A thread that held a lock of the context";
}
