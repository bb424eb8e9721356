// Processes and files as sources, on every poller, and by the filters of a
// kqueue where there is one.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { host } from "../../../ffi/mod.ts";
import {
  AsyncEventLoop,
  EventLoop,
  type EventLoopOptions,
  type FileChange,
  type ProcessExit,
} from "../../../src/event_loop/mod.ts";
import { loopWorkerUrl } from "../../../src/event_loop/loop_sources.ts";
import {
  LOOP_KINDS,
  type LoopKind,
  refusal,
  turnUntil,
} from "../../support/event_loops.ts";
import { leakFree } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";
import { within } from "../../support/wait.ts";

/** Whether this kind of loop stands on a kqueue's filters. */
function hasFilters(options: EventLoopOptions): boolean {
  return host.os !== "linux" || options.kqueueLibrary !== undefined;
}

interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly ended: Promise<[number | null, string | null]>;
}

function start(script: string): Child {
  const child = spawn("/bin/sh", ["-c", script], { stdio: "ignore" });
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    child.once("exit", (code, signal) => resolve([code, signal]));
  });
  return { pid: child.pid ?? -1, process: child, ended };
}

const PROCESS_CASES: Record<string, (loop: EventLoop) => Promise<void>> = {
  "tells how a child ended, and so does the runtime": async (loop) => {
    const all = [start("exit 7"), start("kill -9 $$"), start("exit 0")];
    const told: ProcessExit[] = [];
    for (const { pid } of all) {
      loop.onProcessExit(pid, (exit) => told.push(exit));
    }
    assert.equal(loop.load, 3);
    turnUntil(loop, () => told.length === 3, "three ends");
    assert.equal(loop.load, 0);
    const [first, second, third] = all.map(({ pid }) =>
      told.find((exit) => exit.pid === pid)
    );
    const pids = all.map(({ pid }) => pid);
    assert.deepEqual(first, { pid: pids[0], exitCode: 7, signal: null });
    assert.deepEqual(second, {
      pid: pids[1],
      exitCode: null,
      signal: "SIGKILL",
    });
    assert.deepEqual(third, { pid: pids[2], exitCode: 0, signal: null });
    const ends = await within(
      Promise.all(all.map(({ ended }) => ended)),
      "the runtime to tell it too",
    );
    assert.deepEqual(ends, [[7, null], [null, "SIGKILL"], [0, null]]);
  },
  "is silent about a process that is of no interest any more": async (loop) => {
    const child = start("exec sleep 60");
    const source = loop.onProcessExit(child.pid, () => assert.fail("closed"));
    let told = 0;
    loop.onProcessExit(child.pid, () => told++);
    source.close();
    source.close();
    assert.equal(source.active, false);
    assert.equal(loop.load, 1);
    process.kill(child.pid, "SIGKILL");
    turnUntil(loop, () => told > 0, "the other one to be told");
    assert.equal(loop.runOnce(0), 0);
    await within(child.ended, "the child's end");
  },
  "refuses a process that does not exist": async (loop) => {
    const child = start("exit 0");
    await within(child.ended, "the child's end");
    const { pid } = child;
    const error = refusal(() => loop.onProcessExit(pid, () => {}));
    assert.equal(error.code, "ESRCH");
    assert.equal(error.pid, pid);
    assert.equal(error.call, "EventLoop.onProcessExit");
    assert.match(error.message ?? "", new RegExp(`process ${pid} does not`));
    for (const wrong of [0, -1, 1.5, NaN, "1"]) {
      assert.throws(
        () => loop.onProcessExit(wrong as number, () => {}),
        /^TypeError: EventLoop.onProcessExit: /,
      );
    }
    assert.equal(loop.load, 0);
  },
};

interface Watched {
  readonly loop: EventLoop;
  readonly folder: string;
  readonly filters: boolean;
  /** Runs turns until such a change was told, and returns it. */
  told(kind: string, name?: string | null): FileChange;
  /** Notes what is told. */
  readonly note: (change: FileChange) => void;
  readonly log: FileChange[];
}

const FILE_CASES: Record<string, (w: Watched) => void> = {
  "tells that a file was written": ({ loop, folder, note, told, filters }) => {
    const path = join(folder, "file");
    writeFileSync(path, "a");
    const source = loop.onFileChange(path, note);
    assert.equal(loop.runOnce(0), 0);
    appendFileSync(path, "b");
    assert.deepEqual(told("modified"), { path, kind: "modified", name: null });
    if (!filters) told("written");
    chmodSync(path, 0o600);
    told("attributes");
    source.close();
    while (loop.runOnce(0) > 0);
    appendFileSync(path, "c");
    assert.equal(loop.runOnce(20), 0, "closed");
  },
  "tells which entry of a directory came or went": (w) => {
    const { loop, folder, note, told, filters } = w;
    loop.onFileChange(folder, note);
    writeFileSync(join(folder, "ünï cödé"), "");
    if (filters) {
      // A kqueue does not say which.
      assert.equal(told("modified").name, null);
      return;
    }
    told("created", "ünï cödé");
    mkdirSync(join(folder, "below"));
    told("created", "below");
    writeFileSync(join(folder, "below", "deep"), "");
    renameSync(join(folder, "ünï cödé"), join(folder, "other"));
    told("deleted", "ünï cödé");
    told("created", "other");
    unlinkSync(join(folder, "other"));
    told("deleted", "other");
    assert.ok(!w.log.some(({ name }) => name === "deep"), "not below");
  },
  "tells the end of a watched file, and that is all": (w) => {
    const { loop, folder, note, told, log } = w;
    const path = join(folder, "file");
    writeFileSync(path, "");
    const source = loop.onFileChange(path, note);
    unlinkSync(path);
    assert.deepEqual(told("removed"), { path, kind: "removed", name: null });
    assert.equal(source.active, false);
    assert.equal(loop.load, 0);
    writeFileSync(path, "");
    assert.equal(loop.runOnce(20), 0);
    assert.equal(log.at(-1)?.kind, "removed");
    source.close();
  },
  "tells the end of a file that somebody has open": (w) => {
    const { loop, folder, note, told } = w;
    const path = join(folder, "log");
    const fd = openSync(path, "w");
    loop.onFileChange(path, note);
    unlinkSync(path);
    told("removed");
    assert.equal(loop.load, 0);
    closeSync(fd);
    assert.equal(loop.runOnce(20), 0);
  },
  "goes on when a directory above gets another name": (w) => {
    const { loop, folder, note, told, log } = w;
    const [before, after] = [join(folder, "before"), join(folder, "after")];
    mkdirSync(before);
    writeFileSync(join(before, "file"), "");
    loop.onFileChange(join(before, "file"), note);
    renameSync(before, after);
    // Another one in its place does not have the file either.
    for (const again of [false, true]) {
      if (again) mkdirSync(before);
      log.length = 0;
      chmodSync(join(after, "file"), again ? 0o600 : 0o644);
      told("attributes");
      while (loop.runOnce(0) > 0);
      assert.equal(loop.load, 1);
    }
    unlinkSync(join(after, "file"));
    told("removed");
    assert.equal(loop.load, 0);
  },
  "goes on when a link to the file is gone": (w) => {
    const { loop, folder, note, told, log } = w;
    const [path, link] = [join(folder, "file"), join(folder, "link")];
    writeFileSync(path, "");
    symlinkSync(path, link);
    loop.onFileChange(link, note);
    unlinkSync(link);
    chmodSync(path, 0o600);
    told("attributes");
    while (loop.runOnce(0) > 0);
    assert.equal(loop.load, 1);
    assert.ok(!log.some(({ kind }) => kind === "removed"));
    unlinkSync(path);
    told("removed");
  },
  "takes a new name for no end, whatever came before it": (w) => {
    const { loop, folder, note, told, log } = w;
    const path = join(folder, "before");
    writeFileSync(path, "");
    loop.onFileChange(path, note);
    chmodSync(path, 0o600);
    renameSync(path, join(folder, "after"));
    told("renamed");
    while (loop.runOnce(0) > 0);
    assert.equal(loop.load, 1);
    assert.ok(!log.some(({ kind }) => kind === "removed"));
  },
  "tells that a file was renamed, and goes on": (w) => {
    const { loop, folder, note, told, log } = w;
    const path = join(folder, "before");
    writeFileSync(path, "");
    loop.onFileChange(path, note);
    renameSync(path, join(folder, "after"));
    told("renamed");
    log.length = 0;
    chmodSync(join(folder, "after"), 0o600);
    told("attributes");
    assert.equal(loop.load, 1);
  },
  "tells both of two who watch one file": (w) => {
    const { loop, folder, note, told } = w;
    const path = join(folder, "file");
    const link = join(folder, "link");
    writeFileSync(path, "");
    symlinkSync(path, link);
    let others = 0;
    const other = loop.onFileChange(link, (change) => {
      assert.equal(change.path, link, "as it was given");
      others++;
    });
    const source = loop.onFileChange(path, note);
    appendFileSync(path, "a");
    told("modified");
    turnUntil(loop, () => others > 0, "the other one to be told");
    other.close();
    others = 0;
    w.log.length = 0;
    appendFileSync(path, "b");
    told("modified");
    assert.equal(others, 0);
    source.close();
    assert.equal(loop.load, 0);
  },
  "refuses what is not there": ({ loop, folder }) => {
    const path = join(folder, "nothing");
    const error = refusal(() => loop.onFileChange(path, () => {}));
    assert.equal(error.code, "ENOENT");
    assert.equal(error.path, path);
    assert.equal(error.call, "EventLoop.onFileChange");
    assert.ok(error.message?.includes(`"${path}" does not exist`));
    for (const wrong of ["", "a\0b", 1, null]) {
      assert.throws(
        () => loop.onFileChange(wrong as string, () => {}),
        /^TypeError: EventLoop.onFileChange: /,
      );
    }
    assert.equal(loop.load, 0);
  },
};

function withFolder(kind: LoopKind, body: (w: Watched) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
    using loop = new EventLoop(kind.options);
    const log: FileChange[] = [];
    const told = (wanted: string, name: string | null = null): FileChange => {
      let found: FileChange | undefined;
      turnUntil(loop, () => {
        found = log.find((change) =>
          change.kind === wanted && change.name === name
        );
        return found !== undefined;
      }, `${wanted} ${name ?? ""} among ${JSON.stringify(log)}`);
      return found as FileChange;
    };
    try {
      body({
        loop,
        folder,
        filters: hasFilters(kind.options),
        told,
        log,
        note: (change) => log.push(change),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

for (const kind of LOOP_KINDS) {
  describe(`a loop over ${kind.name}`, () => {
    for (const [title, body] of Object.entries(PROCESS_CASES)) {
      testUnless(kind.obstacle, title, async () => {
        using loop = new EventLoop(kind.options);
        await body(loop);
      });
    }
    for (const [title, body] of Object.entries(FILE_CASES)) {
      testUnless(kind.obstacle, title, leakFree(withFolder(kind, body)));
    }
  });
}

const notLinux = host.os === "linux" ? null : "inotify is Linux'";

testUnless(
  host.os === "linux" ? null : "there is no /proc to look into",
  "the id of a thread is refused",
  () => {
    using loop = new EventLoop();
    const threads = readdirSync("/proc/self/task").map(Number);
    const thread = threads.find((id) => id !== process.pid) ?? -1;
    const error = refusal(() => loop.onProcessExit(thread, () => {}));
    assert.equal(error.code, "EINVAL");
    assert.match(error.message ?? "", new RegExp(`process ${thread} is a thr`));
  },
);

testUnless(notLinux, "a queue that ran over is told as such", () => {
  const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
  using loop = new EventLoop();
  const kinds = new Set<string>();
  loop.onFileChange(folder, ({ kind }) => kinds.add(kind));
  // More than fs.inotify.max_queued_events as distributions have it: pairs of
  // different events, because the kernel joins those that are the same.
  for (let n = 0; n < 12_000; n++) {
    writeFileSync(join(folder, "file"), "");
    unlinkSync(join(folder, "file"));
  }
  turnUntil(loop, () => kinds.has("overflow"), "the overflow");
  assert.equal(loop.load, 1, "watched on");
  while (loop.runOnce(0) > 0);
  kinds.clear();
  writeFileSync(join(folder, "file"), "");
  turnUntil(loop, () => kinds.has("created"), "what comes after it");
  assert.deepEqual(readdirSync(folder), ["file"]);
  rmSync(folder, { recursive: true });
});

testUnless(notLinux, "a process that is no child is told of", async () => {
  using loop = new EventLoop();
  // The child of a child, whose status belongs to somebody else.
  const child = spawn("/bin/sh", ["-c", "sleep 60 & echo $!; wait; exit 0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const line = await within(
    new Promise<string>((resolve) =>
      child.stdout.once("data", (chunk) => resolve(String(chunk)))
    ),
    "the grandchild's id",
  );
  const pid = Number(line.trim());
  const told: ProcessExit[] = [];
  loop.onProcessExit(pid, (exit) => told.push(exit));
  process.kill(pid, "SIGTERM");
  turnUntil(loop, () => told.length > 0, "the grandchild's end");
  assert.equal(told[0]?.pid, pid);
  assert.equal(told[0]?.exitCode, null, "killed, or not known");
});

describe("the module that a loop's threads start from", () => {
  test("is what the loop says, else the one beside, else an error", () => {
    const call = "AsyncEventLoop.next";
    assert.equal(loopWorkerUrl("data:,x", call, null), "data:,x");
    assert.equal(loopWorkerUrl(null, call, "data:,y"), "data:,y");
    assert.match(loopWorkerUrl(null, call), /\/event_loop_worker\.ts$/);
    assert.throws(() => loopWorkerUrl(null, call, null), {
      name: "EventLoopError",
      code: "ENOTSUP",
      message: /^AsyncEventLoop.next: .*"event-loop-worker".*workerUrl/,
    });
  });

  test("can be said by an AsyncEventLoop", async () => {
    using loop = new AsyncEventLoop({ workerUrl: "data:text/javascript,1" });
    loop.setTimer(60_000);
    // That module does nothing, so the thread ends at once.
    await assert.rejects(() => loop.next(), { code: "EMTHREAD" });
  });
});
