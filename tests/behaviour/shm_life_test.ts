// Producers and consumers of queues that come, go, race and die: H4, H5, H7 and
// a part of H1 of the plan. PUREZMQ_SHM_RACES=10000 races that often, PUREZMQ_SHM_JOINS=10000 joins.
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import process from "node:process";
import { after, before, describe } from "node:test";
import { parseProcessStat } from "../../ffi/mod.ts";
import { Word } from "../../src/shm/layout.ts";
import type { ChildError } from "../support/json_child.ts";
import { leakCheck } from "../support/leaks.ts";
import { withoutLocks } from "../support/refused_calls.ts";
import { checkRecord, makeRecord } from "../support/shm_records.ts";
import {
  DEATH_SEEN_MS,
  OTHER_RUNTIME,
  type Peer,
  refusal,
  type ShmStage,
  shmTest,
  WAITINGS,
} from "../support/shm_stage.ts";
import { until } from "../support/wait.ts";

const RACES = Number(process.env["PUREZMQ_SHM_RACES"] ?? "1000");
const JOINS = Number(process.env["PUREZMQ_SHM_JOINS"] ?? "1000");
/** Consumers at a time, and the processes that have them. */
const CROWD = 64;
const CROWD_RECORDS = 1000;
const DEATHS = 3;
const LIMIT_MS = 100_000 + RACES * 20;

function staged(name: string, body: (s: ShmStage) => Promise<void>): void {
  shmTest(name, body, { limitMs: LIMIT_MS });
}

function codeOf(call: () => unknown): string {
  return refusal(call).code;
}

function stateOf(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return parseProcessStat(stat)?.state ?? null;
}

/** Writes another process into a queue's header. */
function setPid(path: string, pid: number): void {
  const fd = openSync(path, "r+");
  writeSync(
    fd,
    new Uint8Array(new Int32Array([pid]).buffer),
    0,
    4,
    Word.PID * 4,
  );
  closeSync(fd);
}

describe("a producer's death", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    staged(`${waiting}: is seen while nobody has reaped it`, async (s) => {
      const seenMs: number[] = [];
      for (let death = 0; death < DEATHS; death += 1) {
        const { child, ask } = s.unreapedPeer(death % 2 === 0 ? "deno" : "bun");
        await ask("create", { options: { waiting } });
        await ask("write", { from: 0, count: 2 });
        const pid = Number(child.output[0]?.replace("pid ", ""));
        using consumer = s.consume({ from: "oldest" });
        for (const n of [0, 1]) {
          assert.equal(checkRecord(consumer.readSync(5000)), n);
        }
        process.kill(pid, "SIGKILL");
        const start = performance.now();
        assert.equal(codeOf(() => consumer.readSync(5000)), "EOWNERDEAD");
        seenMs.push(performance.now() - start);
        // Its files are closed before it is a zombie.
        await until(() => stateOf(pid) === "dead", "the zombie");
        assert.equal(consumer.statistics.producer.state, "dead");
      }
      const median = seenMs.sort((a, b) => a - b)[DEATHS >> 1] as number;
      assert.ok(median <= DEATH_SEEN_MS, `seen after ${seenMs.join()} ms`);
    });
  }

  staged("is not hidden by another process with its number", async (s) => {
    const producer = s.peer(OTHER_RUNTIME);
    await producer.ask("create");
    // Begun at another time.
    const other = s.peer("bun");
    await other.ask("close"); // it runs
    const otherPid = other.child.pid;
    process.kill(otherPid, "SIGSTOP");
    await until(() => stateOf(otherPid) === "stopped", "the other to stop");
    // As if the number had been given to another since: only the time at which
    // the process has begun is the producer's.
    setPid(s.path, otherPid);
    using consumer = s.consume();
    const { pid, state } = consumer.statistics.producer;
    assert.deepEqual({ pid, state }, { pid: otherPid, state: "alive" });
    process.kill(producer.child.pid, "SIGKILL");
    await producer.child.exited;
    assert.equal(codeOf(() => consumer.readSync(5000)), "EOWNERDEAD");
    assert.equal(consumer.statistics.producer.state, "dead");
    using next = s.produce();
    next.write(makeRecord(1));
  });
});

describe("producers that race for a name", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  staged(`exactly one wins, ${RACES} times`, async (s) => {
    const peers = [s.peer("deno"), s.peer("bun")];
    const wins = [0, 0];
    for (let race = 0; race < RACES; race += 1) {
      const order = race % 2 === 0 ? [0, 1] : [1, 0];
      const results: string[] = [];
      await Promise.all(order.map(async (index) => {
        const { ask } = peers[index] as Peer;
        results[index] = await ask("create").then(
          () => "won",
          (error: ChildError) => error.code,
        );
      }));
      const winner = results.indexOf("won");
      assert.deepEqual([...results].sort(), ["EADDRINUSE", "won"]);
      wins[winner] = (wins[winner] ?? 0) + 1;
      await (peers[winner] as Peer).ask("close");
      assert.equal(existsSync(s.path), false);
    }
    assert.ok(wins.every((count) => count > 0), `wins: ${wins.join()}`);
  });
});

describe("consumers that come and go", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const holdBack of [false, true]) {
    const how = holdBack ? "held back" : "unchecked";
    staged(`${JOINS} times, while the producer writes, ${how}`, async (s) => {
      const producer = s.peer(OTHER_RUNTIME);
      const slots = 64;
      const options = {
        slots,
        slotSize: 1024,
        holdBack: holdBack ? { limitMs: 1000, consumers: 4 } : false,
      };
      await producer.ask("create", { options });
      let isWriting = true;
      let written = 0;
      const writing = (async () => {
        while (isWriting) {
          await producer.ask("write", { from: written, count: 2000 });
          written += 2000;
        }
      })();
      writing.catch(() => {}); // told below
      let newest = -1;
      for (let join = 0; join < JOINS; join += 1) {
        using consumer = s.consume({
          from: join % 2 === 0 ? "newest" : "oldest",
        });
        let record: Uint8Array | null = null;
        await until(() => {
          record = consumer.tryRead();
          return record !== null;
        }, "a record");
        const found = checkRecord(record as unknown as Uint8Array);
        assert.equal(Number(consumer.sequence), found);
        // Never older than what was in the ring when it came.
        assert.ok(found > newest - slots, `${found} after ${newest}`);
        newest = Math.max(newest, found);
      }
      isWriting = false;
      await writing;
      // All rows are free again.
      const consumers = [0, 1, 2, 3].map(() => s.consume());
      for (const consumer of consumers) consumer.close();
    });
  }
});

describe("a crowd of consumers", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  for (const waiting of WAITINGS) {
    staged(`${waiting}: ${CROWD} of four processes see all`, async (s) => {
      const producer = s.peer(OTHER_RUNTIME);
      const holdBack = { limitMs: 20_000, consumers: CROWD };
      const options = { slots: 64, slotSize: 128, waiting, holdBack };
      await producer.ask("create", { options });
      const peers = ["deno", "bun", "deno", "bun"] as const;
      const crowd = peers.map((runtime) => s.peer(runtime));
      for (const { ask } of crowd) {
        for (let n = 0; n < CROWD / crowd.length; n += 1) await ask("open");
      }
      assert.equal(codeOf(() => s.consume()), "ENOBUFS");
      const range = { from: 0, count: CROWD_RECORDS };
      const reading = crowd.map(({ ask }) => ask<number>("read", range));
      await producer.ask("write", range);
      const last = CROWD_RECORDS - 1;
      assert.deepEqual(await Promise.all(reading), [last, last, last, last]);
      // A place that one of them leaves is the next one's.
      await crowd[0]?.ask("close");
      const consumer = s.consume();
      await producer.ask("write", { from: CROWD_RECORDS, count: 1 });
      assert.equal(checkRecord(consumer.readSync(5000)), CROWD_RECORDS);
    });
  }
});

describe("a system without locks", () => {
  for (const waiting of WAITINGS) {
    staged(`${waiting}: is a typed error`, (s) => {
      withoutLocks(() => assert.equal(codeOf(() => s.produce()), "ENOLCK"));
      assert.equal(existsSync(s.path), false);
      assert.equal(existsSync(s.path.replace(/queue$/, "new")), false);
      using producer = s.produce({ waiting, holdBack: true });
      using consumer = s.consume();
      withoutLocks(() => {
        assert.equal(codeOf(() => s.consume()), "ENOLCK");
        const code = codeOf(() => consumer.readSync(5000));
        assert.ok(["ENOLCK", "EIO"].includes(code), code);
      });
      producer.write(makeRecord(1));
      assert.equal(checkRecord(consumer.readSync(1000)), 1);
      return Promise.resolve();
    });
  }
});
