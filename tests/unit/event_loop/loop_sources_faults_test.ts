// What becomes of the sources of a loop when the system refuses one call, any
// of them: they work on, or say what was refused.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { host, monotonicMs } from "../../../ffi/mod.ts";
import {
  acceptConnection,
  closeDescriptor,
  connectTcp,
  EventLoop,
  EventLoopError,
  listenTcp,
  receiveBytes,
  sendBytes,
} from "../../../src/event_loop/mod.ts";
import { NO_MEMORY_PAUSE_MS } from "../../../src/poller/poller.ts";
import { turnUntil } from "../../support/event_loops.ts";
import { leakFree } from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";
import { until } from "../../support/wait.ts";
import { failWith, Faults } from "../poller/faults.ts";

const obstacle = host.os === "linux"
  ? null
  : "the calls that fail here are Linux'";
const ERRORS = ["EINTR", "EAGAIN", "EMFILE", "ENOMEM"];
const FAULT_MS = 300;

/** A use of sources, and the calls that it makes. */
interface Scenario {
  readonly calls: readonly string[];
  readonly use: (loop: EventLoop) => void;
}

function withFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "purezmq-loop-"));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function useFiles(loop: EventLoop): void {
  withFolder((folder) => {
    const kinds: string[] = [];
    const source = loop.onFileChange(folder, ({ kind }) => kinds.push(kind));
    for (const name of ["a", "b"]) {
      writeFileSync(join(folder, name), "");
      turnUntil(loop, () => kinds.includes("created"), `"${name}"`, 3000);
      kinds.length = 0;
    }
    source.close();
  });
}

const children: ChildProcess[] = [];

function useProcess(loop: EventLoop): void {
  const child = spawn("/bin/sh", ["-c", "exit 7"], { stdio: "ignore" });
  children.push(child);
  let ends = 0;
  const source = loop.onProcessExit(child.pid as number, () => ends++);
  turnUntil(loop, () => ends === 1, "the end of the process", 3000);
  assert.equal(source.active, false);
}

function useSockets(loop: EventLoop): void {
  const open: number[] = [];
  const keep = (fd: number): number => {
    if (fd >= 0) open.push(fd);
    return fd;
  };
  const byte = new Uint8Array(1);
  try {
    const listener = listenTcp("127.0.0.1", 0);
    keep(listener.fd);
    let accepted = -1;
    const watch = loop.watch(listener.fd, {
      readable: () => {
        if (accepted < 0) accepted = keep(acceptConnection(listener.fd));
        if (accepted < 0) watch.inputExhausted();
      },
    });
    const client = keep(connectTcp("127.0.0.1", listener.port));
    turnUntil(loop, () => accepted >= 0, "a connection", 3000);
    watch.close();
    let got = 0;
    const peer = loop.watch(accepted, {
      readable: () => {
        const count = receiveBytes(accepted, byte);
        if (count < 0) peer.inputExhausted();
        else got += count;
      },
    });
    let sent = 0;
    const sender = loop.watch(client, {
      writable: () => {
        if (sent === 0) sent += Math.max(0, sendBytes(client, byte));
        if (sent > 0) sender.close();
      },
    });
    turnUntil(loop, () => got === 1, "a byte", 3000);
    peer.close();
  } finally {
    for (const fd of open) closeDescriptor(fd);
  }
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  files: {
    calls: ["inotify_init1", "inotify_add_watch", "inotify_rm_watch", "read"],
    use: useFiles,
  },
  processes: { calls: ["syscall", "waitid", "ioctl"], use: useProcess },
  sockets: {
    calls: [
      "socket",
      "bind",
      "listen",
      "getsockname",
      "accept4",
      "connect",
      "recv",
      "send",
    ],
    use: useSockets,
  },
};

/** The error that a use with one fault ended with, if any. */
function outcomeOf(
  poller: "epoll" | "poll",
  use: (loop: EventLoop) => void,
  plan: (faults: Faults) => void,
): unknown {
  const faults = new Faults({ library: null });
  using loop = new EventLoop({ poller, trigger: "level" });
  try {
    plan(faults);
    use(loop);
    return null;
  } catch (error) {
    return error;
  } finally {
    faults.restore();
  }
}

function failEverywhere(
  poller: "epoll" | "poll",
  { calls, use }: Scenario,
): void {
  let counts = new Map<string, number>();
  const error = outcomeOf(
    poller,
    use,
    (faults) => counts = faults.count(calls),
  );
  assert.equal(error, null);
  assert.ok(counts.size >= calls.length - 1, [...counts.keys()].join());
  for (const [name, count] of counts) {
    for (const errno of ERRORS) {
      for (let position = 0; position < count; position++) {
        const what = `${errno} from call ${position} of ${name}`;
        const error = outcomeOf(poller, use, (faults) => {
          faults.fail(name, errno, position, 1);
          if (name !== "connect" || errno !== "EINTR") return;
          faults.restore();
          // Interrupted it goes on by itself.
          faults.replace(name, (real) => (...args) => {
            real(...args);
            return failWith(errno);
          });
        });
        if (error === null) continue;
        assert.ok(error instanceof EventLoopError, `${what}: ${error}`);
        // That one has no errno of its own to give on.
        const expected = name === "getsockname" ? "ENOBUFS" : errno;
        assert.equal(error.code, expected, what);
        assert.notEqual(errno, "EINTR", `${what} is no failure`);
        assert.notEqual(error.call, "", what);
      }
    }
  }
}

describe("the sources of a loop", () => {
  for (const poller of ["epoll", "poll"] as const) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      testUnless(
        obstacle,
        `${name} survive every error at every position, ${poller}`,
        leakFree(async () => {
          failEverywhere(poller, scenario);
          // The runtime waits for what it has started.
          await until(
            () =>
              children.every(({ exitCode, signalCode }) =>
                exitCode !== null || signalCode !== null
              ),
            "the ends of the children",
          );
          children.length = 0;
        }),
      );
    }
  }

  for (const trigger of ["level", "edge"] as const) {
    testUnless(
      obstacle,
      `neither spin nor lose a file's change without memory, ${trigger}`,
      leakFree(() => {
        using loop = new EventLoop({ poller: "epoll", trigger });
        withFolder((folder) => {
          const kinds: string[] = [];
          loop.onFileChange(folder, ({ kind }) => kinds.push(kind));
          loop.runOnce(0);
          writeFileSync(join(folder, "a"), "");
          const faults = new Faults({ library: null });
          const end = monotonicMs() + FAULT_MS;
          let refusals = 0;
          faults.replace("read", (real) => (...args) => {
            if (monotonicMs() >= end) return real(...args);
            refusals++;
            return failWith("ENOMEM");
          });
          try {
            turnUntil(loop, () => kinds.includes("created"), "it", 3000);
          } finally {
            faults.restore();
          }
          assert.ok(refusals > 1, `${refusals}`);
          assert.ok(refusals <= 2 * FAULT_MS / NO_MEMORY_PAUSE_MS);
        });
      }),
    );
  }

  testUnless(
    obstacle,
    "tell of a descriptor that is missing, and are accepted later",
    leakFree(() => {
      const { fd, port } = listenTcp("127.0.0.1", 0);
      const client = connectTcp("127.0.0.1", port);
      using loop = new EventLoop({ poller: "epoll", trigger: "edge" });
      let accepted = -1;
      const failures: string[] = [];
      const faults = new Faults({ library: null });
      faults.fail("accept4", "EMFILE", 0, 3);
      try {
        loop.watch(fd, {
          readable: (watch) => {
            try {
              accepted = acceptConnection(fd);
              if (accepted < 0) watch.inputExhausted();
              else watch.close();
            } catch (error) {
              assert.ok(error instanceof EventLoopError);
              failures.push(error.code);
            }
          },
        });
        turnUntil(loop, () => accepted >= 0, "the connection", 3000);
      } finally {
        faults.restore();
        for (const each of [fd, client, accepted]) {
          if (each >= 0) closeDescriptor(each);
        }
      }
      assert.deepEqual(failures, ["EMFILE", "EMFILE", "EMFILE"]);
    }),
  );
});
