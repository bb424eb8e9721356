import { toCString } from "./c_string.ts";
import { errnoNumber } from "./errno.ts";
import { host } from "./host.ts";
import { openLibc, outcome } from "./libc.ts";
import type { CFunction, Word } from "./library.ts";
import { openSharedMemoryCalls } from "./shared_memory_calls.ts";
import { libraryNames } from "./symbols.ts";
import { gettid } from "./thread_id.ts";
import { UnsupportedPlatformError } from "./unsupported_platform_error.ts";

// A wait for a record lock has no time limit and heeds no other descriptor:
// what ends it early is a signal whose handler does nothing. It is the first of
// these real-time signals that the program has left alone; neither runtime uses
// any of them.
const SIGNALS: readonly number[] = [62, 61, 60, 59];

// struct sigaction: the handler stands first, sa_flags behind the mask of 128
// bytes. No SA_RESTART, or the wait would go on.
const SIGACTION_SIZE = 256;
// struct sigevent: sigev_signo at 8, sigev_notify at 12, the thread at 16.
const SIGEVENT_SIZE = 64;
const SIGEV_THREAD_ID = 4;
const SIG_DFL = 0n;
const CLOCK_MONOTONIC = 1;
const AGAIN_NS = 10_000_000n;

// struct itimerspec: the interval, then the first time. One per JS thread.
const times = new BigInt64Array(4);

const TIMER_ROWS = {
  timer_create: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  timer_settime: {
    parameters: ["word", "i32", "buffer", "buffer"],
    result: "i32",
  },
  timer_delete: { parameters: ["word"], result: "i32" },
} as const;

let timers: Record<string, CFunction> | null = null;
let handlerAddress = 0n;

/** A function of C that takes an int, has no effect, and is never unloaded. */
function handler(): bigint {
  if (handlerAddress === 0n) {
    const { libc, calls } = openSharedMemoryCalls();
    handlerAddress = BigInt(
      calls.dlsym(libc.library.word(0), toCString("abs")),
    );
  }
  return handlerAddress;
}

/** The signal with this handler; 0 when there is none. */
function signalHandledBy(address: bigint): number {
  const { call } = openLibc();
  const action = new BigUint64Array(SIGACTION_SIZE / 8);
  const has = (signal: number): boolean =>
    call.sigaction(signal, null, action) === 0 && action[0] === address;
  return SIGNALS.find(has) ?? 0;
}

/**
 * Makes a signal harmless, for all threads; nobody's handler is replaced. Its
 * number, or -EBUSY when the program handles or ignores all that there are.
 */
export function prepareInterrupts(): number {
  const address = handler();
  const ready = signalHandledBy(address);
  if (ready !== 0) return ready;
  const free = signalHandledBy(SIG_DFL);
  if (free === 0) return -errnoNumber("EBUSY");
  const action = new BigUint64Array(SIGACTION_SIZE / 8);
  action[0] = address;
  const libc = openLibc();
  const result = outcome(libc, libc.call.sigaction(free, action, null));
  return result < 0 ? result : free;
}

/**
 * Interrupts the system call that a thread of this process is in. Nothing is
 * sent unless the handler of `prepareInterrupts` is in place: the program may
 * have put another there since.
 */
export function interruptThread(threadId: number): void {
  const signal = signalHandledBy(handler());
  if (signal === 0) return;
  const libc = openLibc();
  const tgkill = libc.library.word(host.arch === "aarch64" ? 131 : 234);
  libc.call.syscall(tgkill, host.pid, threadId, signal);
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
 * Interrupts whatever call this thread is in, at times that are set anew for
 * each call. Owner: the thread that made it.
 */
export class InterruptTimer {
  /** What it sends, which was harmless when it was made. */
  readonly signal: number;
  readonly #timer: Word;

  private constructor(timer: Word, signal: number) {
    this.#timer = timer;
    this.signal = signal;
  }

  /**
   * A timer that is not set yet, or negative errno: see `prepareInterrupts`;
   * EAGAIN: the user has no timer left.
   */
  static create(): InterruptTimer | number {
    const signal = prepareInterrupts();
    if (signal < 0) return signal;
    const libc = openLibc();
    const event = new Int32Array(SIGEVENT_SIZE / 4);
    event[2] = signal;
    event[3] = SIGEV_THREAD_ID;
    event[4] = gettid();
    const id = new BigUint64Array(1);
    timers ??= openTimers();
    const { timer_create } = timers as { timer_create: CFunction };
    const created = Number(timer_create(CLOCK_MONOTONIC, event, id));
    if (created < 0) return outcome(libc, created);
    return new InterruptTimer(libc.library.word(Number(id[0])), signal);
  }

  /**
   * From `delayMs` on interrupts, again and again until it is set anew: a signal
   * that comes just before the call begins would be lost otherwise.
   */
  interruptAfter(delayMs: number): void {
    this.#set(Math.max(1, Math.floor(delayMs * 1e6)));
  }

  /** Interrupts nothing until it is set anew. */
  stop(): void {
    this.#set(0);
  }

  /** Ends it; to be called once. */
  close(): void {
    const { timer_delete } = timers as { timer_delete: CFunction };
    timer_delete(this.#timer);
  }

  /** @param delayNs 0 = not at all. */
  #set(delayNs: number): void {
    const { timer_settime } = timers as { timer_settime: CFunction };
    // Read by the kernel within the call.
    times[1] = AGAIN_NS;
    times[2] = BigInt(Math.floor(delayNs / 1e9));
    times[3] = BigInt(delayNs % 1e9);
    timer_settime(this.#timer, 0, times, null);
  }
}
