// A listening socket that two pollers watch, of which one is enough to be told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  acceptSocket,
  bindSocket,
  closeFd,
  connectSocket,
  constants,
  gettid,
  host,
  listenSocket,
  localAddress,
  openSocket,
  sockaddrIn,
  spawnWorker,
  wake,
} from "../../../ffi/mod.ts";
import { EpollPoller } from "../../../src/poller/epoll_poller.ts";
import type { PollHandle, Trigger } from "../../../src/poller/poller.ts";
import { testUnless } from "../../support/skip.ts";
import { until, within } from "../../support/wait.ts";
import {
  type ExclusiveData,
  ExclusiveWord,
} from "./fixtures/exclusive_task.ts";
import { leakCheck } from "../../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const obstacle = host.os === "linux" ? null : "epoll is Linux'";

/** A poller that watches the listening socket beside others. */
class Sharer {
  readonly poller: EpollPoller;
  readonly handle: PollHandle;
  told = 0;

  constructor(trigger: Trigger, fd: number) {
    this.poller = new EpollPoller(trigger);
    const handle = this.poller.add(fd, {
      inEvent: () => this.told += 1,
      outEvent: () => assert.fail("no interest in output"),
    }, true);
    assert.ok(typeof handle !== "number", `add: ${handle}`);
    this.handle = handle;
  }
}

function listening(): number {
  const fd = openSocket(constants.AF_INET);
  assert.equal(bindSocket(fd, sockaddrIn("127.0.0.1", 0) as Uint8Array), 0);
  assert.equal(listenSocket(fd, 16), 0);
  return fd;
}

/** Connects; the connection is there when this returns or soon after. */
function connectTo(fd: number): number {
  const client = openSocket(constants.AF_INET);
  connectSocket(client, localAddress(fd) as Uint8Array);
  return client;
}

describe("an exclusive descriptor", () => {
  for (const trigger of ["level", "edge"] as const) {
    testUnless(obstacle, `is told of as others are, ${trigger}`, () => {
      const fd = listening();
      const sharers = [new Sharer(trigger, fd), new Sharer(trigger, fd)];
      const open: number[] = [];
      const [one, two] = sharers as [Sharer, Sharer];
      one.poller.setInterest(one.handle, true, false);
      two.poller.setInterest(two.handle, true, false);
      for (const { poller } of sharers) assert.equal(poller.wait(0), 0);
      open.push(connectTo(fd));
      // Neither waits: that both are told is in order, that none is not.
      while (one.told + two.told === 0) {
        one.poller.wait(10);
        two.poller.wait(0);
      }
      open.push(acceptSocket(fd));
      assert.ok(acceptSocket(fd) < 0, "one connection");
      for (const { poller, handle } of sharers) poller.inputExhausted(handle);
      // Off and on again, as after running out of descriptors.
      const before = one.told;
      one.poller.setInterest(one.handle, false, false);
      one.poller.wait(0);
      open.push(connectTo(fd));
      one.poller.wait(0);
      assert.equal(one.told, before, "no interest");
      one.poller.setInterest(one.handle, true, false);
      while (one.told === before) one.poller.wait(10);
      open.push(acceptSocket(fd));
      for (const { poller, handle } of sharers) {
        poller.remove(handle);
        assert.equal(poller.load, 0);
        poller.close();
      }
      for (const each of [fd, ...open]) closeFd(each);
    });
  }
});

const EPOLLIN = 0x1;
const EPOLLEXCLUSIVE = 0x10000000;

/** What the kernel was told of a descriptor: /proc shows it. */
function knownToKernel({ poller, handle }: Sharer): number {
  const info = readFileSync(`/proc/self/fdinfo/${poller.descriptor}`, "utf8");
  const line = new RegExp(`^tfd: +${handle.fd} events: +([0-9a-f]+)`, "m");
  const events = line.exec(info)?.[1];
  assert.ok(events !== undefined, info);
  return Number.parseInt(events, 16);
}

/** The numbers of epoll_wait, epoll_pwait and epoll_pwait2. */
const WAITING: ReadonlySet<string> = new Set(["232", "281", "22", "441"]);

function systemCallOf(tid: number): string {
  const path = `/proc/self/task/${tid}/syscall`;
  return readFileSync(path, "utf8").split(" ")[0] as string;
}

function noSystemCalls(): string | null {
  if (obstacle !== null) return obstacle;
  try {
    systemCallOf(gettid());
    return null;
  } catch {
    return "/proc does not tell where a thread waits";
  }
}

/** A worker that waits for connections in its poller. */
class Waiter {
  readonly words = new Int32Array(
    new SharedArrayBuffer(4 * ExclusiveWord.COUNT),
  );
  readonly #ended: Promise<Error | null>;

  constructor(task: Omit<ExclusiveData, "words">) {
    const data: ExclusiveData = { ...task, words: this.words };
    const url = new URL("./fixtures/exclusive_worker.ts", import.meta.url);
    const worker = spawnWorker(url.href, data);
    this.#ended = new Promise((resolve) => worker.onExit(resolve));
  }

  get(word: "TOLD" | "ACCEPTED"): number {
    return Atomics.load(this.words, ExclusiveWord[word]);
  }

  async waits(): Promise<void> {
    await until(() => {
      const tid = Atomics.load(this.words, ExclusiveWord.TID);
      return tid !== 0 && WAITING.has(systemCallOf(tid));
    }, "the worker waits in its poller");
  }

  async end(): Promise<void> {
    Atomics.store(this.words, ExclusiveWord.END, 1);
    wake(Atomics.load(this.words, ExclusiveWord.TARGET));
    assert.equal(await within(this.#ended, "the worker's end"), null);
  }
}

describe("pollers that wait for one exclusive descriptor", () => {
  for (const trigger of ["level", "edge"] as const) {
    testUnless(obstacle, `wait while they have interest, ${trigger}`, () => {
      const fd = listening();
      const sharer = new Sharer(trigger, fd);
      const { poller, handle } = sharer;
      const waits = (): boolean => {
        poller.wait(0);
        const events = knownToKernel(sharer);
        const isExclusive = (events & EPOLLEXCLUSIVE) !== 0;
        assert.equal((events & EPOLLIN) !== 0, isExclusive);
        return isExclusive;
      };
      try {
        assert.equal(waits(), false, "not before");
        for (let round = 0; round < 2; round++) {
          poller.setInterest(handle, true, false);
          assert.equal(waits(), true);
          poller.setInterest(handle, false, false);
          assert.equal(waits(), false, "the kernel would wake it for nothing");
        }
      } finally {
        poller.close();
        closeFd(fd);
      }
    });

    testUnless(
      noSystemCalls(),
      `are woken one at a time, ${trigger}`,
      async () => {
        const fd = listening();
        const open = [fd];
        const task = { trigger, fd, interested: true };
        const waiters = [new Waiter(task), new Waiter(task)];
        try {
          for (let round = 1; round <= 8; round++) {
            for (const waiter of waiters) await waiter.waits();
            open.push(connectTo(fd));
            const sum = (word: "TOLD" | "ACCEPTED"): number =>
              waiters.reduce((so, waiter) => so + waiter.get(word), 0);
            await until(() => sum("ACCEPTED") === round, "accepted");
            for (const waiter of waiters) await waiter.waits();
            assert.equal(sum("TOLD"), round, "one of them is enough");
          }
        } finally {
          for (const waiter of waiters) await waiter.end();
          for (const each of open) closeFd(each);
        }
      },
    );

    testUnless(
      noSystemCalls(),
      `are not passed over for one without interest, ${trigger}`,
      async () => {
        const fd = listening();
        const open = [fd];
        const waiters: Waiter[] = [];
        try {
          // The first one in the kernel's queue is the first to be woken.
          for (const interested of [false, true]) {
            const waiter = new Waiter({ trigger, fd, interested });
            waiters.push(waiter);
            await waiter.waits();
          }
          const [idle, busy] = waiters as [Waiter, Waiter];
          for (let round = 1; round <= 3; round++) {
            open.push(connectTo(fd));
            await until(() => busy.get("ACCEPTED") === round, "accepted");
            for (const waiter of waiters) await waiter.waits();
          }
          assert.equal(idle.get("TOLD"), 0);
        } finally {
          for (const waiter of waiters) await waiter.end();
          for (const each of open) closeFd(each);
        }
      },
    );
  }
});

test("leaves nothing behind", leaks.after);
