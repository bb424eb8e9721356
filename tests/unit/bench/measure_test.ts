import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import type { Contestant } from "../../../bench/contestants.ts";
import { RunFailure } from "../../../bench/harness.ts";
import { describeFailure, measureRow } from "../../../bench/measure.ts";
import { failureNotes, ratioOf } from "../../../bench/report.ts";
import { allRows, type Row } from "../../../bench/rows.ts";
import { within } from "../../support/wait.ts";

/** One that prints these lines and ends so. */
function printing(
  name: string,
  stdout: string,
  more: Partial<Contestant> & { readonly status?: number } = {},
): Contestant {
  const script = `printf '${stdout}'; exit ${more.status ?? 0}`;
  return {
    name,
    version: name,
    isOwn: false,
    mayFail: false,
    supports: () => true,
    command: () => ({ file: "/bin/sh", args: ["-c", script] }),
    ...more,
  };
}

function inprocRow(): Row {
  const row = allRows(true).find(({ name }) => name === "inproc_thr_64");
  assert.ok(row);
  return row;
}

async function measure(
  contestants: readonly Contestant[],
  pairs: number,
  timeoutMs: number = 20_000,
): Promise<
  { order: string[]; samples: Awaited<ReturnType<typeof measureRow>> }
> {
  const order: string[] = [];
  const samples = await within(
    measureRow(inprocRow(), {
      contestants,
      libzmq: contestants[0] as Contestant,
      pairs,
      timeoutMs,
      doubtfulTimeoutMs: 10_000,
      directory: process.cwd(),
      beforeRun: ({ name }) => void order.push(name),
    }),
    "the runs",
  );
  return { order, samples };
}

describe("a row's runs", () => {
  const line = (value: number): string =>
    `mean throughput: ${value} [msg/s]\\n`;

  test("take turns, each pair beginning with another", async () => {
    const contestants = [printing("a", line(10)), printing("b", line(25))];
    const { order, samples } = await measure(contestants, 2);
    assert.deepEqual(order, ["a", "b", "b", "a"]);
    assert.deepEqual(samples.values, { "": { a: [10, 10], b: [25, 25] } });
    const [figure] = samples.row.figures;
    assert.ok(figure);
    assert.deepEqual(ratioOf(samples, figure, "b"), {
      median: 2.5,
      min: 2.5,
      max: 2.5,
    });
  });

  test("may fail where that is a result, and say how far they came", async () => {
    const said = "received: 300 [messages]\\nreceived in: 100 [ms]\\n";
    const failing = printing("b", said, { mayFail: true, status: 3 });
    const { samples } = await measure([printing("a", line(10)), failing], 1);
    assert.deepEqual(samples.values, { "": { a: [10], b: [NaN] } });
    const [failure] = samples.failures["b"] ?? [];
    assert.match(
      failure ?? "",
      /^ended with 3; at least 300 messages .* 3000 a second$/,
    );
  });

  test("fail the bench elsewhere", async () => {
    await assert.rejects(
      measure([printing("a", "", { status: 3 })], 1),
      /ended with 3/,
    );
    await assert.rejects(measure([printing("a", "")], 1), /Cannot find/);
  });

  test("of a rival that hang are made again, own ones are not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
    try {
      const mark = join(folder, "hung");
      const script = `[ -e ${mark} ] && exec printf '${line(10)}'; ` +
        `touch ${mark}; exec sleep 60`;
      const hanging = printing("a", "", {
        command: () => ({ file: "/bin/sh", args: ["-c", script] }),
      });
      const { samples } = await measure([hanging], 1, 1000);
      assert.deepEqual(samples.values, { "": { a: [10] } });
      assert.deepEqual(failureNotes(samples), [
        "a hung in 1 of its runs, made again",
      ]);
      rmSync(mark);
      const own = { ...hanging, isOwn: true };
      await assert.rejects(measure([own], 1, 1000), /longer than 1000 ms/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("are left out where a program is not to be had", async () => {
    const unable = printing("b", line(1), { supports: () => false });
    const { samples } = await measure([printing("a", line(10)), unable], 1);
    assert.deepEqual(samples.values[""]?.["b"], [NaN]);
  });
});

test("a failure names what the program said of it", () => {
  const failure = new RunFailure(
    '"peer.mjs local_thr" ended with SIGSEGV\nready\n' +
      "Error: Expected message 3: received 7\n  at somewhere",
    "",
  );
  assert.equal(
    describeFailure(failure),
    "ended with SIGSEGV: Error: Expected message 3: received 7; " +
      "nothing was received until then",
  );
});
