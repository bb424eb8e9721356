import { host } from "./host.ts";
import { outcome } from "./libc.ts";
import type { Word } from "./library.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";

// Without FUTEX_PRIVATE_FLAG: the kernel finds the sleepers of other processes
// by the file behind the memory.
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const WAKE_ALL = 0x7fffffff;

// struct timespec; read by the kernel before the thread sleeps. One per JS
// thread.
const timespec = new BigInt64Array(2);

let number: Word | null = null;

function futexNumber(): Word {
  return number ??= openSharedMemoryCalls().libc.library.word(
    host.arch === "aarch64" ? 98 : 202,
  );
}

/**
 * Sleeps while the 32-bit word at `address` holds `expected`, at most
 * `timeoutMs`; other processes may wake it. 0 when it was woken, or a negative
 * errno: EAGAIN when the word holds something else, ETIMEDOUT, EINTR.
 */
export function futexWait(
  address: Word,
  expected: number,
  timeoutMs: number,
): number {
  const { libc, calls } = openSharedMemoryCalls();
  const seconds = Math.floor(timeoutMs / 1000);
  timespec[0] = BigInt(seconds);
  timespec[1] = BigInt(Math.floor((timeoutMs - seconds * 1000) * 1e6));
  return outcome(
    libc,
    calls.syscall(futexNumber(), address, FUTEX_WAIT, expected, timespec),
  );
}

/** Wakes all sleepers of the word, in every process; how many. */
export function futexWake(address: Word): number {
  const { libc, calls } = openSharedMemoryCalls();
  return outcome(
    libc,
    calls.syscall(futexNumber(), address, FUTEX_WAKE, WAKE_ALL, null),
  );
}
