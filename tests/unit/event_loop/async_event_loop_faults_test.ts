// What becomes of an async loop when the system has no memory for a while.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, test } from "node:test";
import {
  closeFd,
  errnoNumber,
  openLibc,
  openSocketPair,
  send,
} from "../../../ffi/mod.ts";
import { AsyncEventLoop } from "../../../src/event_loop/mod.ts";
import { testUnless } from "../../support/skip.ts";
import { within } from "../../support/wait.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const EPOLL_CTL_MOD = 3;
const obstacle = process.platform === "linux"
  ? null
  : "the calls that fail here are Linux'";

// deno-lint-ignore no-explicit-any -- each function has its own parameters
type CCall = (...args: any[]) => number;

/** Runs `body` while a C function may say that there is no memory. */
async function withFault(
  name: string,
  fails: (args: unknown[]) => boolean,
  body: () => Promise<void>,
): Promise<void> {
  const libc = openLibc();
  const table = libc.call as unknown as Record<string, CCall>;
  const real = table[name] as CCall;
  table[name] = (...args) => {
    if (!fails(args)) return real(...args);
    libc.errno[0] = errnoNumber("ENOMEM");
    return -1;
  };
  try {
    await body();
  } finally {
    table[name] = real;
  }
}

async function withLoop(
  body: (loop: AsyncEventLoop, near: number, far: number) => Promise<void>,
): Promise<void> {
  const fds = new Int32Array(2);
  assert.equal(openSocketPair(fds), 0);
  const [near, far] = fds as unknown as [number, number];
  try {
    using loop = new AsyncEventLoop({ trigger: "level" });
    await body(loop, near, far);
  } finally {
    closeFd(near);
    closeFd(far);
  }
}

testUnless(
  obstacle,
  "the end of a child is told where nobody knows how it was",
  () =>
    withLoop(async (loop) => {
      const child = spawn("/bin/sh", ["-c", "exit 5"]);
      const ended = new Promise((resolve) => child.once("close", resolve));
      const pid = child.pid ?? -1;
      const source = loop.onProcessExit(pid);
      assert.equal(await within(ended, "the runtime's own event"), 5);
      // Linux before 6.15: PIDFD_GET_INFO does not tell.
      const isInfo = ([, request]: unknown[]): boolean =>
        (Number(request) & 0xffff) === 0xff0b;
      await withFault("ioctl", isInfo, async () => {
        const { value } = await within(loop.next(), "the event");
        assert.deepEqual(value, {
          type: "exit",
          source,
          pid,
          exitCode: null,
          signal: null,
        });
      });
    }),
);

describe("an async event loop without memory", () => {
  testUnless(
    obstacle,
    "asks again for an interest that was refused",
    () =>
      withLoop(async (loop, near, far) => {
        let refusals = 0;
        await withFault(
          "epoll_ctl",
          ([, operation]) => operation === EPOLL_CTL_MOD && refusals++ === 0,
          async () => {
            loop.watch(near);
            const next = loop.next();
            send(far, Uint8Array.of(1), 0, 1);
            const { value } = await within(next, "the event");
            assert.equal(value?.type, "readable");
            assert.ok(refusals > 1, "refused once, then taken");
          },
        );
      }),
  );

  testUnless(
    obstacle,
    "does not spin while it cannot wait",
    () =>
      withLoop(async (loop, near, far) => {
        loop.watch(near);
        send(far, Uint8Array.of(1), 0, 1);
        const end = performance.now() + 500;
        let calls = 0;
        const before = process.cpuUsage();
        await withFault(
          "epoll_wait",
          () => performance.now() < end && ++calls > 0,
          async () => {
            const { value } = await within(loop.next(), "the event");
            assert.equal(value?.type, "readable");
          },
        );
        const { user, system } = process.cpuUsage(before);
        // At most one call per pause of 10 ms, with room for a busy machine.
        assert.ok(calls > 0 && calls < 100, `${calls} calls`);
        assert.ok(user + system < 250_000, `${user + system} µs of CPU time`);
      }),
  );
});

test("leaves nothing behind", leaks.after);
