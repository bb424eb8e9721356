// A context that lost one of its threads has failed for good. What it held is
// free again all the same, so that the program can go on with another one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Context, Pair, Push } from "../../mod.ts";
import type { CorePlatform, WorkerHandle } from "../../src/core/platform.ts";
import { WIRING } from "../../src/wiring.ts";
import { leakFree } from "../support/leaks.ts";
import { bounce } from "../support/messages.ts";
import { temporaryFolder } from "../support/ports.ts";
import { expectNothingHeld, warmUp } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

const DEAD = { code: "EOWNERDEAD" };

/** Makes a context whose reaper can be killed. */
function withReaper(): { context: Context; killReaper: () => void } {
  const platform = WIRING.platform as CorePlatform;
  const { spawnWorker } = platform;
  let reaper: WorkerHandle | null = null;
  platform.spawnWorker = (data) => {
    const worker = spawnWorker(data);
    if (data.role === "reaper") reaper = worker;
    return worker;
  };
  const context = new Context();
  // Starts the workers.
  const { id } = context.handle;
  platform.spawnWorker = spawnWorker;
  assert.ok(id !== "" && reaper !== null);
  return { context, killReaper: () => reaper?.terminate() };
}

test("what a failed context listened on can be listened on again", async () => {
  await warmUp();
  const folder = temporaryFolder();
  await leakFree(async () => {
    const { context, killReaper } = withReaper();
    const options = { context, linger: 0 };
    const back = new Pair(options);
    await back.bind("tcp://127.0.0.1:*");
    const tcp = back.lastEndpoint as string;
    const front = new Pair(options);
    front.connect(tcp);
    await bounce(front, back);
    await back.bind(`ipc://${folder.path}/name`);
    // Tries for ever to reach somebody who is not there.
    const lost = new Push(options);
    lost.connect(`ipc://${folder.path}/nobody`);
    const last = new Pair(options);
    killReaper();
    // Wakes it: in a system call it cannot die.
    last.close();
    await within(
      assert.rejects(async () => await front.receive(), DEAD),
      "to hear of the death",
    );
    await within(assert.rejects(() => context.terminate(), DEAD), "the end");
    const fresh = new Context();
    const again = new Pair({ context: fresh, linger: 0 });
    await until(async () => {
      try {
        await again.bind(tcp);
        return true;
      } catch (error) {
        assert.equal((error as { code: string }).code, "EADDRINUSE");
        return false;
      }
    }, "the port to be free");
    again.close();
    await within(fresh.terminate(), "the end of the other context");
    expectNothingHeld(fresh);
  })();
  folder.remove();
});
