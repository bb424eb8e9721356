// `shm://`: PUB and SUB over a queue in shared memory.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, truncateSync } from "node:fs";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  Context,
  Publisher,
  Pull,
  Push,
  Subscriber,
  XPublisher,
  XSubscriber,
  type ZmqError,
} from "../../mod.ts";
import { findBun, findDeno } from "../support/executables.ts";
import { isIdle, THREADS_TICKS_MAX } from "../support/idle.ts";
import { JsonChild } from "../support/json_child.ts";
import { leakCheck } from "../support/leaks.ts";
import { until, within } from "../support/wait.ts";

const PUBLISHER = fileURLToPath(
  new URL("../support/children/shm_publisher.ts", import.meta.url),
);
const decoder = new TextDecoder();

function textOf(parts: readonly Uint8Array[]): string[] {
  return parts.map((part) => decoder.decode(part));
}

function publisherIn(runtime: "deno" | "bun"): JsonChild {
  const flags = ["run", "-A", "--no-check", "--quiet", PUBLISHER];
  return runtime === "deno"
    ? new JsonChild(findDeno().path, flags)
    : new JsonChild(findBun().path, ["run", PUBLISHER]);
}

function queueFile(endpoint: string): string {
  return `/dev/shm/purezmq.zmq.${endpoint.slice("shm://".length)}.queue`;
}

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    return (error as ZmqError).code;
  }
  return "";
}

/** Runs a test with a context and an endpoint that nobody else has. */
function staged(
  name: string,
  body: (context: Context, endpoint: string) => Promise<void>,
): void {
  test(name, async () => {
    const context = new Context();
    const endpoint = `shm://test-${randomUUID()}`;
    try {
      await within(body(context, endpoint), `the test "${name}"`, 60_000);
    } finally {
      await within(context.terminate(), "the context's end");
      assert.ok(!existsSync(queueFile(endpoint)), "the queue is gone");
    }
  });
}

/** Sends until the subscriber has something; what it has got. */
async function firstMessage(
  publisher: Publisher | XPublisher,
  subscriber: Subscriber | XSubscriber,
  message: readonly string[],
): Promise<string[]> {
  subscriber.receiveTimeout = 0;
  let found: string[] | null = null;
  await until(async () => {
    await publisher.send([...message]);
    found = await subscriber.receive().then(textOf, () => null);
    return found !== null;
  }, "a message");
  return found as unknown as string[];
}

describe("shm://", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  staged(
    "takes messages of several parts to who wants them",
    async (context, endpoint) => {
      using publisher = new Publisher({ context });
      publisher.bindSync(endpoint);
      using subscriber = new Subscriber({ context });
      using other = new Subscriber({ context, receiveTimeout: 200 });
      subscriber.subscribe("a");
      other.subscribe("z");
      subscriber.connect(endpoint);
      other.connect(endpoint);
      const large = "x".repeat(100_000);
      const message = ["ab", "", large];
      assert.deepEqual(
        await firstMessage(publisher, subscriber, message),
        message,
      );
      await assert.rejects(other.receive(), { code: "EAGAIN" });
      other.receiveTimeout = 10_000;
      const wanted = firstMessage(publisher, other, ["zz"]);
      assert.deepEqual(await wanted, ["zz"]);
    },
  );

  staged("refuses what it is not for", async (context, endpoint) => {
    using publisher = new Publisher({ context });
    publisher.bindSync(`${endpoint}?slots=16&slotSize=64`);
    using second = new XPublisher({ context });
    assert.equal(codeOf(() => second.bindSync(endpoint)), "EADDRINUSE");
    using subscriber = new Subscriber({ context });
    using push = new Push({ context });
    using pull = new Pull({ context });
    const wrong = "ENOCOMPATPROTO";
    assert.equal(codeOf(() => subscriber.bindSync(endpoint)), wrong);
    assert.equal(codeOf(() => publisher.connect(endpoint)), wrong);
    assert.equal(codeOf(() => push.bindSync(endpoint)), wrong);
    assert.equal(codeOf(() => pull.connect(endpoint)), wrong);
    for (const bad of ["a/b", "a?slots=3", "a?slots=0", "a?size=1", "?"]) {
      assert.equal(
        codeOf(() => second.bindSync(`shm://${bad}`)),
        "EINVAL",
        bad,
      );
    }
    const long = `shm://${"n".repeat(197)}`;
    assert.equal(codeOf(() => second.bindSync(long)), "ENAMETOOLONG");
    const huge = `${endpoint}-huge?slots=4194304&slotSize=1024`;
    assert.equal(codeOf(() => second.bindSync(huge)), "EINVAL");
    // 1024 bytes in all, of which the header of one part takes nine.
    await publisher.send(new Uint8Array(1015));
    const tooLarge = publisher.send(new Uint8Array(1016));
    await assert.rejects(tooLarge, { code: "EMSGSIZE" });
    await assert.rejects(
      publisher.send([new Uint8Array(600), new Uint8Array(600)]),
      { code: "EMSGSIZE" },
    );
    await publisher.unbind(`${endpoint}?slots=16&slotSize=64`);
    await publisher.send(new Uint8Array(1016));
  });

  staged("XPUB and XSUB: the reader filters", async (context, endpoint) => {
    using publisher = new XPublisher({ context });
    publisher.bindSync(endpoint);
    assert.deepEqual([...(await publisher.receive())[0] as Uint8Array], [1]);
    using subscriber = new XSubscriber({ context });
    subscriber.connect(endpoint);
    await subscriber.send(new Uint8Array([1, 98]));
    assert.deepEqual(
      await firstMessage(publisher, subscriber, ["b", "yes"]),
      ["b", "yes"],
    );
    subscriber.receiveTimeout = 10_000;
    await publisher.send(["a", "no"]);
    await publisher.send(["b", "end"]);
    for (let text = "yes"; text !== "end";) {
      const [topic, word] = textOf(await subscriber.receive());
      assert.equal(topic, "b");
      text = word as string;
    }
  });

  for (const runtime of ["deno", "bun"] as const) {
    staged(
      `a subscriber outlives publishers in ${runtime}, killed or closed`,
      async (context, endpoint) => {
        using subscriber = new Subscriber({
          context,
          receiveTimeout: 20_000,
          receiveHighWaterMark: 0,
        });
        subscriber.subscribe("want");
        // There is nobody yet: it waits, and misses nothing of who comes.
        subscriber.connect(endpoint);
        for (const end of ["kill", "close"]) {
          const child = publisherIn(runtime);
          try {
            await child.request("bind", { endpoint });
            const topics = ["want", "not"];
            await child.request("send", { topics, count: 2000 });
            for (let n = 0; n < 2000; n += 2) {
              const found = textOf(await subscriber.receive());
              assert.deepEqual(found, ["want", String(n)]);
            }
            if (end === "kill") continue;
            await child.request("close");
            // By its I/O worker, which is not to be killed before.
            await until(() => !existsSync(queueFile(endpoint)), "its end");
          } finally {
            await child.stop();
          }
        }
      },
    );
  }

  staged("conflate keeps the last message", async (context, endpoint) => {
    using publisher = new Publisher({ context, sendHighWaterMark: 0 });
    publisher.bindSync(endpoint);
    using subscriber = new Subscriber({ context, conflate: true });
    subscriber.subscribe();
    subscriber.connect(endpoint);
    await firstMessage(publisher, subscriber, ["-1"]);
    const count = 1000;
    for (let n = 0; n < count; n += 1) await publisher.send(String(n));
    subscriber.receiveTimeout = 10_000;
    let last = -2;
    let received = 0;
    while (last < count - 1) {
      const number = Number(textOf(await subscriber.receive())[0]);
      assert.ok(number > last || number === -1, `${number} after ${last}`);
      last = number;
      received += 1;
    }
    assert.ok(received < count, `${received} of ${count}`);
    subscriber.receiveTimeout = 0;
    await assert.rejects(subscriber.receive(), { code: "EAGAIN" });
  });

  staged("maxMessageSize leaves larger ones out", async (context, endpoint) => {
    using publisher = new Publisher({ context });
    publisher.bindSync(endpoint);
    using subscriber = new Subscriber({ context, maxMessageSize: 100 });
    subscriber.subscribe();
    subscriber.connect(endpoint);
    await firstMessage(publisher, subscriber, ["first"]);
    const [fits, large] = ["f".repeat(100), "l".repeat(101)];
    await publisher.send(large);
    await publisher.send(["head", large]);
    await publisher.send([fits, fits]);
    subscriber.receiveTimeout = 10_000;
    let parts: string[];
    do parts = textOf(await subscriber.receive()); while (parts[0] === "first");
    assert.deepEqual(parts, [fits, fits]);
  });

  staged(
    "a message that no memory will do for blocks nothing for ever",
    async (context, endpoint) => {
      const large = 8 * 2 ** 20;
      using publisher = new Publisher({ context, sendHighWaterMark: 0 });
      const bound = `${endpoint}?slots=1024&slotSize=16384`;
      publisher.bindSync(bound);
      const small = new Context({ memoryLimit: large / 2 });
      try {
        using subscriber = new Subscriber({ context: small });
        subscriber.subscribe();
        subscriber.connect(bound);
        await firstMessage(publisher, subscriber, ["first"]);
        // Still unread when the large one comes to its turn.
        await publisher.send("first");
        await publisher.send(new Uint8Array(large));
        await delay(300);
        // Its connection is given up and made again.
        const message = ["after"];
        let found: string[];
        do found = await firstMessage(publisher, subscriber, message); while (
          found[0] === "first"
        );
        assert.deepEqual(found, message);
      } finally {
        await small.terminate();
      }
    },
  );

  staged("a slow subscriber loses the oldest", async (context, endpoint) => {
    using publisher = new Publisher({ context, sendHighWaterMark: 0 });
    publisher.bindSync(`${endpoint}?slots=64&slotSize=64`);
    using subscriber = new Subscriber({ context, receiveHighWaterMark: 8 });
    subscriber.subscribe();
    subscriber.connect(`${endpoint}?slots=64&slotSize=64`);
    await firstMessage(publisher, subscriber, ["-1"]);
    const count = 50_000;
    for (let n = 0; n < count; n += 1) await publisher.send(String(n));
    subscriber.receiveTimeout = 10_000;
    let last = -1;
    let received = 0;
    while (last < count - 1) {
      const number = Number(textOf(await subscriber.receive())[0]);
      if (number < 0) continue;
      assert.ok(number > last, `${number} after ${last}`);
      last = number;
      received += 1;
    }
    assert.ok(received < count, "there was room for all of them");
  });

  staged(
    "a queue that somebody cuts ends nobody",
    async (context, endpoint) => {
      using publisher = new Publisher({ context });
      publisher.bindSync(endpoint);
      using subscriber = new Subscriber({ context });
      subscriber.subscribe();
      subscriber.connect(endpoint);
      await firstMessage(publisher, subscriber, ["first"]);
      truncateSync(queueFile(endpoint), 4096);
      for (let n = 0; n < 100; n += 1) await publisher.send("x".repeat(5000));
      // The publisher's engine has met it when its file is gone.
      await until(() => !existsSync(queueFile(endpoint)), "the queue's end");
    },
  );

  staged("idle ends use no CPU", async (context, endpoint) => {
    using publisher = new Publisher({ context });
    publisher.bindSync(endpoint);
    using subscriber = new Subscriber({ context });
    subscriber.subscribe();
    subscriber.connect(endpoint);
    await firstMessage(publisher, subscriber, ["first"]);
    // A watcher may be starting only now: what was sent meanwhile comes late.
    subscriber.receiveTimeout = 10_000;
    await publisher.send("last");
    while (textOf(await subscriber.receive())[0] !== "last");
    subscriber.receiveTimeout = 1000;
    const look = () => assert.rejects(subscriber.receive(), { code: "EAGAIN" });
    // The runtime itself may still be busy with what was before.
    await until(
      () => isIdle(process.pid, look, THREADS_TICKS_MAX),
      "a second without work",
    );
  });
});
