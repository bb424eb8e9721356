import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import {
  closeFd,
  host,
  monotonicMs,
  openSocketPair,
  receive,
  send,
} from "../../../ffi/mod.ts";
import {
  AsyncEventLoop,
  EventLoop,
  EventLoopError,
  type LoopEvent,
} from "../../../src/event_loop/mod.ts";
import { endsMayBeUnknown, refusal } from "../../support/event_loops.ts";
import { leakFree } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";
import { nextTurn, within } from "../../support/wait.ts";

const BYTE = new Uint8Array([1]);
const scratch = new Uint8Array(16);

/** A test with a loop and two connected sockets; nothing is left. */
function withLoop(
  body: (
    loop: AsyncEventLoop,
    near: number,
    far: number,
  ) => Promise<void>,
  trigger: "level" | "edge" = "level",
): () => Promise<void> {
  return leakFree(async () => {
    const fds = new Int32Array(2);
    assert.equal(openSocketPair(fds), 0);
    const [near, far] = fds as unknown as [number, number];
    try {
      using loop = new AsyncEventLoop({ trigger });
      await body(loop, near, far);
    } finally {
      closeFd(near);
      closeFd(far);
    }
  });
}

async function next(loop: AsyncEventLoop): Promise<LoopEvent> {
  const result = await within(loop.next(), "an event");
  assert.equal(result.done, false);
  return result.value as LoopEvent;
}

describe("an async event loop", () => {
  for (const trigger of ["level", "edge"] as const) {
    test(
      `yields what a descriptor is ready for, ${trigger}-triggered`,
      withLoop(async (loop, near, far) => {
        const watch = loop.watch(near);
        assert.equal(loop.load, 1);
        const waiting = loop.next();
        send(far, BYTE, 0, 1);
        const first = await within(waiting, "the first event");
        assert.deepEqual(first, {
          done: false,
          value: { type: "readable", source: watch },
        });
        // Nobody read: it is told again, each time somebody asks.
        for (let n = 0; n < 40; n++) {
          assert.equal((await next(loop)).type, "readable");
        }
        receive(near, scratch, 0, 16);
        watch.inputExhausted();
        watch.setInterest({ read: false, write: true });
        assert.equal((await next(loop)).type, "writable");
      }, trigger),
    );
  }

  test(
    "hears of what is asked for while it waits",
    withLoop(async (loop, near, far) => {
      const timer = loop.setTimer(60_000);
      for (let n = 0; n < 20; n++) {
        const waiting = loop.next();
        await nextTurn();
        const watch = loop.watch(near, {});
        await nextTurn();
        watch.setInterest({ write: true });
        const { value } = await within(waiting, "the descriptor");
        assert.equal(value?.type, "writable");
        watch.close();
        const start = monotonicMs();
        const later = loop.next();
        await nextTurn();
        const short = loop.setTimer(5);
        const told = await within(later, "the shorter timer");
        assert.equal(told.value?.source, short);
        assert.ok(monotonicMs() - start >= 5);
      }
      assert.equal(timer.active, true);
      assert.equal(send(far, BYTE, 0, 1), 1);
    }),
  );

  test(
    "yields nothing of what was closed meanwhile",
    withLoop(async (loop, near, far) => {
      const watches = [near, far].map((fd) => loop.watch(fd, { write: true }));
      const first = await next(loop);
      for (const watch of watches) watch.close();
      const timer = loop.setTimer(1);
      assert.equal(first.type, "writable");
      assert.equal((await next(loop)).source, timer);
      assert.equal(loop.load, 0);
    }),
  );

  test(
    "yields nothing of what was cancelled after it had happened",
    withLoop(async (loop, near, far) => {
      const children = [0, 1].map(() => spawn("/bin/sh", ["-c", "exit 0"]));
      const ends = children.map((child) =>
        new Promise((resolve) => child.once("close", resolve))
      );
      const sources = children.map(({ pid }) => loop.onProcessExit(pid ?? -1));
      await within(Promise.all(ends), "their ends");
      // Both are told in one turn, and the other one is of no interest then.
      const exit = await next(loop);
      assert.equal(exit.type, "exit");
      for (const source of sources) assert.equal(source.active, false);
      sources.find((source) => source !== exit.source)?.close();

      const timers = [loop.setTimer(0), loop.setTimer(0)];
      assert.equal((await next(loop)).source, timers[0]);
      assert.equal(timers[1]?.active, false, "went off");
      timers[1]?.cancel();

      const watches = [loop.watch(near), loop.watch(far)];
      send(far, BYTE, 0, 1);
      send(near, BYTE, 0, 1);
      const first = await next(loop);
      assert.equal(first.type, "readable");
      for (const watch of watches) watch.setInterest({ read: false });

      const last = loop.setTimer(1);
      assert.equal((await next(loop)).source, last);
    }),
  );

  test(
    "keeps what is given with a descriptor",
    withLoop(async (loop, near) => {
      const watch = loop.watch(near, { write: true }, { data: 5 });
      assert.equal(watch.data.toFixed(), "5");
      const event = await next(loop);
      assert.ok(event.type === "writable");
      assert.equal(event.source.data, 5);
      assert.throws(() => loop.watch(near, null as never), TypeError);
    }),
  );

  testUnless(
    host.os === "linux" ? null : "inotify is Linux'",
    "goes on after a turn that told nothing, edge-triggered",
    withLoop(async (loop) => {
      const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
      const others = join(folder, "others");
      mkdirSync(others);
      const path = join(folder, "file");
      writeFileSync(path, "");
      // More than is read at once, of a source that nobody wants any more.
      const unwanted = loop.onFileChange(others);
      for (let n = 0; n < 2500; n++) {
        writeFileSync(join(others, "x"), "");
        unlinkSync(join(others, "x"));
      }
      unwanted.close();
      const source = loop.onFileChange(path);
      appendFileSync(path, "more");
      const event = await next(loop);
      assert.equal(event.source, source);
      rmSync(folder, { recursive: true });
    }, "edge"),
  );

  test(
    "leaves the thread to others",
    withLoop(async (loop, near) => {
      loop.watch(near, { write: true });
      let others = 0;
      let over = false;
      const other = (async () => {
        while (!over) {
          await nextTurn();
          others++;
        }
      })();
      for (let n = 0; n < 2000; n++) await next(loop);
      over = true;
      await other;
      assert.ok(others >= 10, `${others} turns for others`);
    }),
  );

  test(
    "gives each of several callers an event, in order",
    withLoop(async (loop) => {
      loop.setTimer(2);
      loop.setTimer(1);
      loop.setTimer(3);
      const start = [0, 1, 2].map(() => loop.next());
      const told = await within(Promise.all(start), "three events");
      for (const { value } of told) assert.equal(value?.type, "timer");
      loop.close();
      assert.deepEqual(await loop.next(), { done: true, value: undefined });
    }),
  );

  test(
    "leaves out the ticks that nobody asked for",
    withLoop(async (loop) => {
      const start = monotonicMs();
      loop.setTicker(5);
      const missed: number[] = [];
      for (let n = 0; n < 3; n++) {
        // The second time the consumer is busy for twelve ticks.
        const busyFrom = monotonicMs();
        while (n === 1 && monotonicMs() - busyFrom < 60);
        const event = await next(loop);
        assert.equal(event.type, "timer");
        if (event.type === "timer") missed.push(event.missedTicks);
        // One event for all of them, and none early.
        const ticks = missed.reduce((sum, some) => sum + some + 1, 0);
        assert.ok(ticks * 5 <= monotonicMs() - start);
      }
      // What was on its way when the consumer got busy is one by itself.
      const [, second = 0, third = 0] = missed;
      assert.ok(second + third >= 10, `${missed} left out`);
    }),
  );

  test(
    "is closed while somebody waits, at any time",
    withLoop(async () => {
      for (let n = 0; n < 10; n++) {
        const loop = new AsyncEventLoop();
        const waiting = [loop.next(), loop.next()];
        // Before the thread has started, while it starts, while it waits.
        for (let turn = 0; turn < n * 4; turn++) await nextTurn();
        loop.close();
        loop.close();
        for (const each of waiting) {
          const result = await within(each, "the wait's end");
          assert.deepEqual(result, { done: true, value: undefined });
        }
        assert.equal(EventLoop.wake(loop.wakeHandle), false);
      }
    }),
  );

  test(
    "is closed by leaving the iteration",
    withLoop(async (_, near) => {
      for (const leave of ["break", "throw"]) {
        const loop = new AsyncEventLoop();
        loop.watch(near, { write: true });
        try {
          for await (const event of loop) {
            assert.equal(event.type, "writable");
            if (leave === "break") break;
            throw new Error("out");
          }
        } catch (error) {
          assert.equal((error as Error).message, "out");
        }
        const refused = refusal(() => loop.watch(near));
        assert.equal(refused.code, "EBADF");
        assert.equal(refused.call, "AsyncEventLoop.watch");
      }
    }),
  );
});

describe("an async event loop tells", () => {
  test(
    "of signals, wake-ups and processes",
    withLoop(async (loop) => {
      const signal = loop.onSignal("SIGUSR2");
      process.kill(process.pid, "SIGUSR2");
      assert.deepEqual(await next(loop), {
        type: "signal",
        source: signal,
        signal: "SIGUSR2",
        count: 1,
      });
      const waiting = loop.next();
      await nextTurn();
      process.kill(process.pid, "SIGUSR2");
      const second = await within(waiting, "a signal while it waits");
      assert.equal(second.value?.type, "signal");
      signal.close();
      const wake = loop.onWake();
      EventLoop.wake(loop.wakeHandle);
      assert.deepEqual(await next(loop), { type: "wake", source: wake });
      const child = spawn("/bin/sh", ["-c", "sleep 0.05; exit 5"]);
      const pid = child.pid ?? -1;
      const source = loop.onProcessExit(pid);
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const exit = await next(loop);
      assert.ok(exit.type === "exit");
      const { exitCode } = exit;
      // Unless the runtime has waited for it before.
      if (exitCode !== null || !endsMayBeUnknown) assert.equal(exitCode, 5);
      assert.deepEqual(exit, {
        type: "exit",
        source,
        pid,
        exitCode,
        signal: null,
      });
      assert.equal(await within(ended, "the runtime's own event"), 5);
      assert.equal(loop.load, 1);
    }),
  );

  test(
    "of files, to their end",
    withLoop(async (loop) => {
      const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
      const path = join(folder, "file");
      writeFileSync(path, "");
      const source = loop.onFileChange(path);
      appendFileSync(path, "more");
      unlinkSync(path);
      const kinds: string[] = [];
      for (;;) {
        const event = await next(loop);
        assert.equal(event.source, source);
        if (event.type !== "file") continue;
        assert.equal(event.path, path);
        kinds.push(event.kind);
        if (event.kind === "removed") break;
      }
      // What came before the end is of no interest any more.
      assert.equal(loop.load, 0);
      rmSync(folder, { recursive: true });
    }),
  );

  test(
    "what is wrong, at the call",
    withLoop(async (loop, near) => {
      const calls: [() => unknown, string, string][] = [
        [() => loop.watch(-1), "EBADF", "watch"],
        [() => loop.unwatch(near), "ENOENT", "unwatch"],
        [() => loop.onProcessExit(2 ** 31 - 1), "ESRCH", "onProcessExit"],
        [() => loop.onFileChange("/nowhere"), "ENOENT", "onFileChange"],
        [() => loop.onSignal("SIGKILL"), "EINVAL", "onSignal"],
      ];
      for (const [call, code, method] of calls) {
        const error = refusal(call);
        assert.ok(error instanceof EventLoopError, method);
        assert.equal(error.code, code);
        assert.equal(error.call, `AsyncEventLoop.${method}`);
      }
      assert.throws(() => loop.setTimer(-1), TypeError);
      assert.throws(() => loop.setTicker(0), TypeError);
      assert.equal(loop.load, 0);
      await nextTurn();
    }),
  );
});
