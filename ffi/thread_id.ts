import { host } from "./host.ts";
import { type Libc, openLibc, outcome } from "./libc.ts";
import type { Word } from "./library.ts";

const ESRCH = 3; // everywhere
const PROC_PIDTHREADID64INFO = 15;
const PROC_THREADINFO_SIZE = 112;

interface SystemCallNumbers {
  readonly gettid: Word;
  readonly tgkill: Word;
}

let linuxNumbers: SystemCallNumbers | null = null;

function linuxSystemCalls(libc: Libc): SystemCallNumbers {
  if (linuxNumbers === null) {
    const { word } = libc.library;
    linuxNumbers = host.arch === "aarch64"
      ? { gettid: word(178), tgkill: word(131) }
      : { gettid: word(186), tgkill: word(234) };
  }
  return linuxNumbers;
}

/** The kernel's id of the calling thread. */
export function gettid(): number {
  const libc = openLibc();
  if (host.os === "linux") {
    return libc.call.syscall(linuxSystemCalls(libc).gettid, 0, 0, 0);
  }
  const id = new Uint32Array(new ArrayBuffer(8));
  if (host.os === "darwin") {
    libc.call.pthread_threadid_np(libc.library.word(0), id);
  } else {
    libc.call.thr_self(id);
  }
  return (id[0] as number) + (id[1] as number) * 2 ** 32;
}

/**
 * Whether a thread of this process still exists. The kernel may give the id of
 * a dead thread to a new one, so "alive" is a hint and "dead" is the truth.
 */
export function threadAlive(tid: number): boolean {
  const libc = openLibc();
  const c = libc.call;
  if (host.os === "linux") {
    const { tgkill } = linuxSystemCalls(libc);
    // Signal 0 checks only. Any other failure proves that the thread is there.
    return outcome(libc, c.syscall(tgkill, host.pid, tid, 0)) !== -ESRCH;
  }
  const id = libc.library.word(tid);
  if (host.os === "darwin") {
    const info = new Uint8Array(new ArrayBuffer(PROC_THREADINFO_SIZE));
    return c.proc_pidinfo(
      host.pid,
      PROC_PIDTHREADID64INFO,
      id,
      info,
      PROC_THREADINFO_SIZE,
    ) > 0;
  }
  return outcome(libc, c.thr_kill(id, 0)) !== -ESRCH;
}

/** Lets other threads that can run have this processor first. */
export function yieldThread(): void {
  openLibc().call.sched_yield();
}
