// A thread that made message memory for all is ended from outside: what it had
// sent is there for the others, none of which stands still or dies.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Context, Pull, Push } from "../../mod.ts";
import { within } from "../support/wait.ts";
import { TestWorker } from "../support/worker.ts";
import type { LargeSenderData } from "../support/workers/large_sender_worker.ts";
import { leakCheck } from "../support/leaks.ts";

const leaks = leakCheck();
await leaks.before();

const COUNT = 6;
/** Two of them fill the first payload segment. */
const SIZE_BYTES = 30 << 20;
/** How long the messages may take together, and how long terminate(). */
const RECEIVED_MS = 30_000;
const TERMINATED_MS = 4_500;

/** How long nobody stands still who has to start a thread of its own. */
const STOOD_STILL_MS = 10_000;

/** The longest time that this thread's event loop had no turn. */
async function longestTurn(during: Promise<void>): Promise<number> {
  let over = false;
  let last = performance.now();
  let longest = 0;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(turn);
  };
  turn();
  await during.finally(() => over = true);
  turn();
  return longest;
}

async function fromDeadThread(context: Context): Promise<Pull> {
  const pull = new Pull({ context, receiveHighWaterMark: 0 });
  await pull.bind("inproc://large");
  const data: LargeSenderData = {
    handle: context.handle,
    address: "inproc://large",
    count: COUNT,
    sizeBytes: SIZE_BYTES,
  };
  const worker = new TestWorker("large_sender_worker.ts", data);
  assert.equal(await worker.said("that it has sent"), "sent");
  await worker.stop();
  return pull;
}

describe("a thread that is ended after it sent large messages", () => {
  test("leaves them whole, and nobody stands still for them", async () => {
    const context = new Context();
    const pull = await fromDeadThread(context);
    assert.ok(context.statistics.segments > 1, "a segment of its own");
    const received = (async () => {
      for (let n = 0; n < COUNT; n += 1) {
        const [part] = await pull.receive();
        assert.equal(part?.length, SIZE_BYTES);
        assert.equal(part?.[SIZE_BYTES - 1], n + 1);
      }
    })();
    const longest = await within(
      longestTurn(received),
      "the messages",
      RECEIVED_MS,
    );
    assert.ok(
      longest < STOOD_STILL_MS,
      `the event loop stood still for ${longest} ms`,
    );
    // The context goes on, the memory of the dead thread included.
    const push = new Push({ context });
    push.connect("inproc://large");
    await push.send(new Uint8Array(100 << 20));
    const [part] = await within(pull.receive(), "a message from this thread");
    assert.equal(part?.length, 100 << 20);
    pull.close();
    push.close();
    await within(context.terminate(), "terminate() to end", TERMINATED_MS);
    // The large parts that were received are copies of their own.
    assert.equal(context.statistics.segments, 0);
  });

  test("does not hold terminate() when nobody received them", async () => {
    const context = new Context();
    const pull = await fromDeadThread(context);
    pull.close();
    await within(context.terminate(), "terminate() to end", TERMINATED_MS);
  });
});

test("leaves nothing behind", leaks.after);
