// Who holds a queue is the process that has its locks, whatever else it does
// with the lock file, and whatever is made of its number: H8 of the plan.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import process from "node:process";
import { after, before, describe } from "node:test";
import { processIdentity } from "../../ffi/mod.ts";
import { leakCheck } from "../support/leaks.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import {
  DEATH_SEEN_MS,
  readToEnd,
  refusal,
  RUNTIMES,
  shmTest,
  WAITINGS,
} from "../support/shm_stage.ts";
import { until } from "../support/wait.ts";

/** The number after which the system looks for the next process's. */
const LAST_PID = "/proc/sys/kernel/ns_last_pid";
/** Others may start a process in between. */
const REUSE_TRIES = 200;

function isGone(pid: number): boolean {
  return (processIdentity(pid)?.state ?? "dead") === "dead";
}

function canChoosePids(): boolean {
  try {
    accessSync(LAST_PID, constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** Starts a process that is given the number of one that was reaped. */
function startWithPid(pid: number): void {
  const script =
    `echo $(($1 - 1)) > ${LAST_PID}; sleep 600 >/dev/null 2>&1 & echo $!`;
  for (let tries = 0; tries < REUSE_TRIES; tries += 1) {
    const run = spawnSync("/bin/sh", ["-c", script, "sh", String(pid)], {
      encoding: "utf8",
    });
    const got = Number(run.stdout);
    if (got === pid) return;
    process.kill(got, "SIGKILL");
  }
  assert.fail(`no process was given the number ${pid}`);
}

describe("who holds a queue", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    for (const runtime of RUNTIMES) {
      shmTest(
        `${waiting}: opening and closing the lock file lets nothing go in ${runtime}`,
        async (s) => {
          const { ask } = s.peer(runtime);
          await ask("create", { options: { waiting } });
          // The classic record locks would all be gone after that.
          await ask("touch", { path: s.lock });
          await ask("open");
          await ask("write", { from: 0, count: 1 });
          assert.equal(await ask("read", { from: 0, count: 1 }), 0);
          const consumer = s.consume({ from: "oldest" });
          assert.equal(checkRecord(consumer.readSync(1000)), 0);
          assert.equal(refusal(() => consumer.readSync(300)).code, "EAGAIN");
          assert.equal(consumer.statistics.producer.state, "alive");
          assert.equal(refusal(() => s.produce()).code, "EADDRINUSE");
          // Neither does a second attempt of its own, which is refused.
          const again = ask("create", { options: { waiting } });
          await assert.rejects(again, { code: "EADDRINUSE" });
          assert.equal(refusal(() => s.produce()).code, "EADDRINUSE");
          await ask("write", { from: 1, count: 1 });
          assert.equal(checkRecord(consumer.readSync(1000)), 1);
        },
      );

      shmTest(
        `${waiting}: a child of a dead producer in ${runtime} does not hold it`,
        async (s) => {
          const { child, ask } = s.peer(runtime);
          await ask("create", { options: { waiting } });
          const sleeper = await ask<number>("spawn");
          try {
            await ask("write", { from: 0, count: 1 });
            const consumer = s.consume({ from: "oldest" });
            assert.equal(checkRecord(consumer.readSync(1000)), 0);
            process.kill(child.pid, "SIGKILL");
            assert.equal(readToEnd(consumer, () => {}), "EOWNERDEAD");
            assert.ok(!isGone(sleeper), "the child lives");
            const next = s.produce({ waiting });
            next.write(makeRecord(7));
          } finally {
            process.kill(sleeper, "SIGKILL");
          }
        },
      );
    }
  }
});

describe("a producer's number", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);
  const obstacle = canChoosePids()
    ? null
    : `needs the rights of root, and ${LAST_PID}`;

  for (const runtime of RUNTIMES) {
    shmTest(
      `that another process was given since its end in ${runtime} is not taken for it`,
      async (s) => {
        const { child, ask } = s.peer(runtime);
        await ask("create");
        await ask("write", { from: 0, count: 2 });
        const { pid } = child;
        const before = processIdentity(pid);
        const consumer = s.consume({ from: "oldest" });
        process.kill(pid, "SIGKILL");
        await child.exited;
        startWithPid(pid);
        try {
          process.kill(pid, "SIGSTOP");
          const isStopped = (): boolean =>
            processIdentity(pid)?.state === "stopped";
          await until(isStopped, "the other to stop");
          const now = processIdentity(pid);
          assert.notEqual(now?.startTicks, before?.startTicks);
          const late = s.consume({ from: "oldest" });
          for (const each of [consumer, late]) {
            const found: number[] = [];
            const start = performance.now();
            const code = readToEnd(each, (n) => found.push(n));
            assert.equal(code, "EOWNERDEAD");
            assert.ok(performance.now() - start < DEATH_SEEN_MS);
            assert.deepEqual(found, [0, 1]);
            const { producer } = each.statistics;
            assert.deepEqual(producer, { pid, state: "dead" });
          }
          const next = s.produce();
          next.write(makeRecord(7));
        } finally {
          process.kill(pid, "SIGKILL");
        }
      },
      { obstacle },
    );
  }
});
