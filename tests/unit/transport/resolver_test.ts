import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { resolverOf } from "../../../src/transport/resolver.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { leakFree } from "../../support/leaks.ts";
import { liveWorkers } from "../../support/leaks.ts";
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
