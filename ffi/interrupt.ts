import { toCString } from "./c_string.ts";
import { host } from "./host.ts";
import { openLibc } from "./libc.ts";
import type { CFunction, Word } from "./library.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";
import { libraryNames } from "./symbols.ts";
import { gettid } from "./thread_id.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";

// A wait for a record lock has no time limit and heeds no other descriptor:
// what ends it early is a signal whose handler does nothing. This one is the
// last but two of the real-time signals, which neither runtime uses.
const INTERRUPT_SIGNAL = 62;

// struct sigaction: the handler stands first, sa_flags behind the mask of 128
// bytes. No SA_RESTART, or the wait would go on.
const SIGACTION_SIZE = 256;
// struct sigevent: sigev_signo at 8, sigev_notify at 12, the thread at 16.
const SIGEVENT_SIZE = 64;
const SIGEV_THREAD_ID = 4;
const CLOCK_MONOTONIC = 1;
const ITIMERSPEC_WORDS = 4;

const TIMER_ROWS = {
  timer_create: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  timer_settime: {
    parameters: ["word", "i32", "buffer", "buffer"],
    result: "i32",
  },
  timer_delete: { parameters: ["word"], result: "i32" },
} as const;

let timers: Record<string, CFunction> | null = null;
let prepared = false;

/**
 * Makes the signal harmless; called once in each JS thread.
 *
 * @throws {UnsupportedPlatformError} The program handles the signal itself.
 */
export function prepareInterrupts(): void {
  if (prepared) return;
  const { libc, calls } = openSharedMemoryCalls();
  // A function of C that takes an int, has no effect, and is never unloaded.
  const handler = BigInt(calls.dlsym(libc.library.word(0), toCString("abs")));
  const action = new BigUint64Array(SIGACTION_SIZE / 8);
  libc.call.sigaction(INTERRUPT_SIGNAL, null, action);
  if (action[0] !== 0n && action[0] !== handler) {
    throw new UnsupportedPlatformError(
      `Cannot wait for record locks: the program handles signal ` +
        `${INTERRUPT_SIGNAL} itself`,
    );
  }
  action.fill(0n);
  action[0] = handler;
  libc.call.sigaction(INTERRUPT_SIGNAL, action, null);
  prepared = true;
}

/** Interrupts the system call that a thread of this process is in. */
export function interruptThread(threadId: number): void {
  const libc = openLibc();
  const tgkill = libc.library.word(host.arch === "aarch64" ? 131 : 234);
  libc.call.syscall(tgkill, host.pid, threadId, INTERRUPT_SIGNAL);
}

function openTimers(): Record<string, CFunction> {
  const { libc } = openSharedMemoryCalls();
  for (const name of libraryNames(host.os, host.arch)) {
    try {
      return libc.library.open(name, TIMER_ROWS);
    } catch {
      // Under the other name.
    }
  }
  throw new UnsupportedPlatformError("The C library has no timer_create");
}

/**
 * From `delayMs` on interrupts whatever call this thread is in, again and again
 * until the function that is returned is called: a signal that comes just
 * before the call begins would be lost otherwise.
 */
export function interruptAfter(delayMs: number): () => void {
  prepareInterrupts();
  const { word } = openLibc().library;
  timers ??= openTimers();
  const { timer_create, timer_settime, timer_delete } = timers as {
    timer_create: CFunction;
    timer_settime: CFunction;
    timer_delete: CFunction;
  };
  const event = new Int32Array(SIGEVENT_SIZE / 4);
  event[2] = INTERRUPT_SIGNAL;
  event[3] = SIGEV_THREAD_ID;
  event[4] = gettid();
  const id = new BigUint64Array(1);
  if (Number(timer_create(CLOCK_MONOTONIC, event, id)) < 0) {
    throw new UnsupportedPlatformError("The system has no timer left");
  }
  const timer: Word = word(Number(id[0]));
  const times = new BigInt64Array(ITIMERSPEC_WORDS);
  times[1] = 10_000_000n; // every 10 ms from then on
  const delayNs = Math.max(1, Math.floor(delayMs * 1e6));
  times[2] = BigInt(Math.floor(delayNs / 1e9));
  times[3] = BigInt(delayNs % 1e9);
  timer_settime(timer, 0, times, null);
  return () => {
    timer_delete(timer);
  };
}
