import { openLibc, outcome, syscall } from "./libc.ts";

/** How a process ended; one of the two is null, or both when unknown. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  /** The number of the signal that ended it. */
  readonly signal: number | null;
}

// The number is the same on every CPU: it came after the tables were joined.
const SYS_PIDFD_OPEN = 434;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x1000000;
const CLD_EXITED = 1;
const SIGINFO_SIZE = 128;
// Element numbers of int fields in siginfo_t of a child's end.
const SI_CODE = 2;
const SI_PID = 4;
const SI_STATUS = 6;

// _IOWR(0xFF, 11, struct pidfd_info) of 64 bytes, its first published size.
const PIDFD_INFO_SIZE = 64;
const PIDFD_GET_INFO = 0xc000ff0b + PIDFD_INFO_SIZE * 2 ** 16;
const PIDFD_INFO_EXIT = 8n;
const PIDFD_INFO_EXIT_CODE = 60;

const UNKNOWN: ProcessEnd = { exitCode: null, signal: null };

/**
 * A descriptor that becomes readable when the process has ended, or negative
 * errno: ESRCH without such a process, ENOSYS before Linux 5.3. Linux only.
 */
export function openProcess(pid: number): number {
  const libc = openLibc();
  const number = libc.library.word(SYS_PIDFD_OPEN);
  // Close-on-exec by itself.
  return syscall(libc, () => libc.call.syscall(number, pid, 0, 0));
}

/**
 * How the process behind a readable descriptor ended. The parent's own wait
 * finds it afterwards as before.
 */
export function processEnd(pidFd: number): ProcessEnd {
  return endOfChild(pidFd) ?? endAfterReaping(pidFd) ?? UNKNOWN;
}

/** Null when it is no child, or one that was waited for already. */
function endOfChild(pidFd: number): ProcessEnd | null {
  const libc = openLibc();
  const info = new Int32Array(SIGINFO_SIZE / 4);
  const options = WEXITED | WNOHANG | WNOWAIT;
  const result = syscall(
    libc,
    () => libc.call.waitid(P_PIDFD, pidFd, info, options),
  );
  if (result < 0 || info[SI_PID] === 0) return null;
  const status = info[SI_STATUS] as number;
  return info[SI_CODE] === CLD_EXITED
    ? { exitCode: status, signal: null }
    : { exitCode: null, signal: status };
}

/** Linux 6.15 remembers the end of what its parent has waited for. */
function endAfterReaping(pidFd: number): ProcessEnd | null {
  const libc = openLibc();
  const info = new DataView(new ArrayBuffer(PIDFD_INFO_SIZE));
  info.setBigUint64(0, PIDFD_INFO_EXIT, true);
  const bytes = new Uint8Array(info.buffer);
  const request = libc.library.word(PIDFD_GET_INFO);
  const result = outcome(libc, libc.call.ioctl(pidFd, request, bytes));
  if (result < 0 || (info.getBigUint64(0, true) & PIDFD_INFO_EXIT) === 0n) {
    return null;
  }
  return decodeWaitStatus(info.getInt32(PIDFD_INFO_EXIT_CODE, true));
}

/** Takes the status apart that wait(2) gives; the same on every system. */
export function decodeWaitStatus(status: number): ProcessEnd {
  const signal = status & 0x7f;
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal: null }
    : { exitCode: null, signal };
}
