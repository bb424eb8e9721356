// Event loops on every poller that this system has, for tests of them.
import { release } from "node:os";
import process from "node:process";
import {
  closeFd,
  host,
  nativeKqueueLayout,
  openSocketPair,
} from "../../ffi/mod.ts";
import { EventLoop, type EventLoopOptions } from "../../src/event_loop/mod.ts";
import type { EventLoopError } from "../../src/event_loop/mod.ts";

/** The file that stands in for the kernel's kqueue, or null. */
export const KQUEUE_LIBRARY: string | null =
  process.env["PUREZMQ_KQUEUE_LIBRARY"] || null;

const hasKqueue = nativeKqueueLayout(host.os) !== null;

/** Why the filters of a kqueue cannot be tested here, or null. */
export const kqueueObstacle: string | null = hasKqueue ||
    KQUEUE_LIBRARY !== null
  ? null
  : "this system has no kqueue and PUREZMQ_KQUEUE_LIBRARY names no library";

const library: EventLoopOptions = hasKqueue || KQUEUE_LIBRARY === null
  ? {}
  : { kqueueLibrary: KQUEUE_LIBRARY };

/** Whether Linux remembers how a process ended that was waited for. */
const remembersEnds = (): boolean => {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 15);
};

/** Whether what a loop says of a child's end may be that nobody knows. */
export const endsMayBeUnknown: boolean = host.os === "linux" &&
  !remembersEnds();

/** A kind of loop, and why it cannot be tested here. */
export interface LoopKind {
  readonly name: string;
  readonly options: EventLoopOptions;
  readonly obstacle: string | null;
}

const notLinux = host.os === "linux" ? null : "epoll is Linux'";

/** Every kind, those that cannot be tested here included. */
export const LOOP_KINDS: readonly LoopKind[] = [
  {
    name: "epoll, level",
    options: { poller: "epoll", trigger: "level" },
    obstacle: notLinux,
  },
  {
    name: "epoll, edge",
    options: { poller: "epoll", trigger: "edge" },
    obstacle: notLinux,
  },
  { name: "poll", options: { poller: "poll" }, obstacle: null },
  { name: "select", options: { poller: "select" }, obstacle: null },
  {
    name: "kqueue, level",
    options: { poller: "kqueue", trigger: "level", ...library },
    obstacle: kqueueObstacle,
  },
  {
    name: "kqueue, edge",
    options: { poller: "kqueue", trigger: "edge", ...library },
    obstacle: kqueueObstacle,
  },
];

/** A test with a loop, closed afterwards. */
export function withLoop(
  options: EventLoopOptions,
  body: (loop: EventLoop) => void,
): () => void {
  return () => {
    using loop = new EventLoop(options);
    body(loop);
  };
}

/** Two connected sockets, for the time of a callback. */
export function withPair(body: (near: number, far: number) => void): void {
  const fds = new Int32Array(2);
  if (openSocketPair(fds) < 0) throw new Error("No socket pair");
  const [near, far] = fds as unknown as [number, number];
  try {
    body(near, far);
  } finally {
    closeFd(near);
    closeFd(far);
  }
}

/** What a call throws, with what is to be compared of it. */
export function refusal(call: () => unknown): Partial<EventLoopError> {
  try {
    call();
  } catch (error) {
    return error as EventLoopError;
  }
  throw new Error("Nothing was thrown");
}

/** Runs turns until a condition holds, and fails when that takes too long. */
export function turnUntil(
  loop: EventLoop,
  condition: () => boolean,
  what: string,
  limitMs: number = 10_000,
): void {
  let isLate = false;
  const limit = loop.setTimer(limitMs, () => isLate = true);
  while (!condition()) {
    loop.runOnce(100);
    if (isLate) throw new Error(`Ran for ${limitMs} ms in vain: ${what}`);
  }
  limit.cancel();
}
