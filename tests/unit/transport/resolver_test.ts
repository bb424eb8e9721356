import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LOOKUPS_MAX, resolverOf } from "../../../src/transport/resolver.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { leakFree } from "../../support/leaks.ts";
import { liveWorkers } from "../../support/leaks.ts";
import { temporaryFolder } from "../../support/ports.ts";
import { until } from "../../support/wait.ts";

/** Looks names up, in one batch, and gives the answers by name. */
async function lookUp(io: FakeIo, ...names: string[]): Promise<string[][]> {
  const answers: string[][] = [];
  const resolver = resolverOf(io);
  const start = io.kernel.platform.monotonicMs();
  names.forEach((name, at) => {
    resolver.lookup(name, 4, (addresses) => answers[at] = [...addresses]);
  });
  const took = io.kernel.platform.monotonicMs() - start;
  assert.ok(took < 1000, "asking does not wait for answers");
  await io.turnUntil(
    () => Object.keys(answers).length === names.length,
    `answers about ${names.join(", ")}`,
  );
  return answers;
}

/** An I/O thread whose resolver is that of tests/support/workers. */
class Stage {
  readonly io = new FakeIo();
  /** The names that were answered, in order, with what there was. */
  readonly answers: string[] = [];

  constructor() {
    const url = new URL(
      "../../support/workers/resolver_worker.ts",
      import.meta.url,
    );
    Object.assign(this.io, { workerUrl: url.href });
  }

  lookup(name: string): () => void {
    return resolverOf(this.io).lookup(
      name,
      0,
      (addresses) => this.answers.push(`${name}: ${addresses}`),
    );
  }

  /** Turns, with a clock that runs or stands still. */
  async answered(count: number, clockRuns = true): Promise<string[]> {
    await until(() => {
      this.io.pass(clockRuns ? 10 : 0);
      return this.answers.length >= count;
    }, `${count} answers`);
    return this.answers;
  }
}

describe("resolver: names that hang", () => {
  test(
    "do not hold up others, as long as there are not too many",
    leakFree(async () => {
      const s = new Stage();
      const before = liveWorkers();
      using folder = temporaryFolder();
      const gate = folder.file("gate");
      for (let n = 1; n < LOOKUPS_MAX; n += 1) s.lookup(`until ${gate}`);
      for (const name of ["a", "b", "c"]) s.lookup(name);
      assert.deepEqual(await s.answered(3), ["a: a", "b: b", "c: c"]);
      writeFileSync(gate, "");
      await s.answered(LOOKUPS_MAX + 2);
      assert.ok(liveWorkers() <= before + LOOKUPS_MAX);
      s.io.stop();
    }),
  );

  test(
    "one thread is enough for names that do not",
    leakFree(async () => {
      const s = new Stage();
      const before = liveWorkers();
      for (const name of ["a", "b", "c", "d"]) s.lookup(name);
      await s.answered(4, false);
      assert.equal(liveWorkers(), before + 1);
      s.io.stop();
    }),
  );

  test(
    "are not asked for when they were taken back before",
    leakFree(async () => {
      const s = new Stage();
      s.lookup("slow");
      const takeBack = s.lookup("dies");
      s.lookup("behind");
      takeBack();
      assert.deepEqual(await s.answered(2, false), [
        "slow: slow",
        "behind: behind",
      ]);
      s.io.stop();
    }),
  );

  test(
    "or whose thread dies are without address; others are looked up again",
    leakFree(async () => {
      const s = new Stage();
      s.lookup("dies");
      s.lookup("behind");
      const answers = await s.answered(2);
      assert.deepEqual(answers.toSorted(), ["behind: behind", "dies: "]);
      s.lookup("later");
      await s.answered(3);
      s.io.stop();
    }),
  );
});

describe("resolver", () => {
  test("finds a name of the hosts file, and says when there is none", async () => {
    const io = new FakeIo();
    const [local, none] = await lookUp(io, "localhost", "no-such-host.invalid");
    assert.deepEqual(local, ["127.0.0.1"]);
    assert.deepEqual(none, []);
    io.stop();
  });

  test("the same one serves all lookups of an I/O thread", async () => {
    const io = new FakeIo();
    const other = new FakeIo();
    assert.equal(resolverOf(io), resolverOf(io));
    assert.notEqual(resolverOf(io), resolverOf(other));
    const names = Array.from({ length: 50 }, () => "localhost");
    for (const found of await lookUp(io, ...names)) {
      assert.deepEqual(found, ["127.0.0.1"]);
    }
    io.stop();
    other.stop();
  });

  test("a question that was taken back is not answered", async () => {
    const io = new FakeIo();
    let answered = 0;
    const takeBack = resolverOf(io).lookup("localhost", 4, () => answered += 1);
    takeBack();
    await lookUp(io, "localhost");
    assert.equal(answered, 0);
    io.stop();
  });

  test(
    "its thread ends with the I/O thread, also while it looks up",
    leakFree(async () => {
      const before = liveWorkers();
      for (let n = 0; n < 5; n += 1) {
        const io = new FakeIo();
        resolverOf(io).lookup("no-such-host.invalid", 0, () => {});
        if (n % 2 === 0) await lookUp(io, "localhost");
        io.stop();
      }
      await until(() => liveWorkers() <= before, "the resolvers' end");
    }),
  );
});
