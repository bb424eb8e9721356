// Connections that come and go leave nothing behind, neither in the context's
// memory nor in the heaps of the threads that served them.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { JsonChild } from "../support/json_child.ts";
import { bytes, greeting, message, ready } from "../support/raw_zmtp.ts";
import { commandFor, runtime } from "../support/runtime.ts";
import { until, within } from "../support/wait.ts";

const LISTENER = fileURLToPath(
  new URL("../support/children/churned_listener.ts", import.meta.url),
);

/** Connections of a half of the test, and of those how many at a time. */
const HALF = 20_000;
const AT_A_TIME = 10;

/** Connections between two looks at the memory. */
const STEP = 2_000;

/**
 * What the second half may need beyond the first, bytes. Objects that stayed
 * until the next full collection were 55 to 120 MB.
 */
const GROWTH_MAX = 24e6;

/**
 * Young objects are collected often, and on the thread that made them, so that
 * a heap is as large as what collections of that kind leave in it, rather than
 * as what the runtime allows to pile up before them.
 */
const V8_FLAGS = "--v8-flags=--single-threaded-gc,--max-semi-space-size=1";
const JSC_OPTIONS = { BUN_JSC_gcMaxHeapSize: "8000000" };

/** What the child says of itself. */
interface Look {
  endpoint: string;
  messages: number;
  statistics: Record<string, number>;
  residentBytes: number;
}

function startListener(): JsonChild {
  const { command, args } = commandFor(LISTENER, []);
  if (runtime === "deno") args.splice(1, 0, V8_FLAGS);
  return new JsonChild(
    command,
    args,
    undefined,
    runtime === "bun" ? JSC_OPTIONS : {},
  );
}

const HELLO = bytes(greeting(), ready("PUSH"));
const MESSAGE = message("A");
/** Octets of a greeting and a READY of a PULL. */
const ANSWER = 64 + ready("PULL").length;

/** Connects, sends a message once the handshake is done, and leaves. */
function visit(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = 0;
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Uint8Array) => {
      received += chunk.length;
      if (received === ANSWER) socket.end(MESSAGE);
    });
    socket.write(HELLO);
  });
}

/** Connects and leaves a number of times; the most memory that was seen. */
async function churn(
  port: number,
  count: number,
  look: () => Promise<Look>,
): Promise<number> {
  let most = 0;
  for (let done = 0; done < count; done += AT_A_TIME) {
    const visits = Array.from({ length: AT_A_TIME }, () => visit(port));
    await within(Promise.all(visits), "ten connections");
    if (done % STEP === 0) most = Math.max(most, (await look()).residentBytes);
  }
  return most;
}

test("connections that come and go leave nothing behind", async () => {
  const child = startListener();
  try {
    const look = () => child.request<Look>("look");
    // The I/O worker is told in a block what to listen on. Its memory is given
    // back a moment after the block is gone.
    await until(async () => {
      const { blocks, memoryUsedBytes } = (await look()).statistics;
      return blocks === 0 && memoryUsedBytes === 0;
    }, "the worker to listen");
    const { endpoint, statistics } = await look();
    const port = Number(endpoint.split(":").pop());

    const first = await churn(port, HALF, look);
    const second = await churn(port, HALF, look);

    await until(
      async () => (await look()).messages === 2 * HALF,
      "all messages",
    );
    // The session ends before the socket has let go of its end of the pipe.
    await until(
      async () => isDeepStrictEqual((await look()).statistics, statistics),
      "the end of all connections and their pipes",
    );
    const growth = second - first;
    assert.ok(
      growth <= GROWTH_MAX,
      `${HALF} more connections took ${growth} bytes beyond ${first}`,
    );
  } finally {
    await child.stop();
  }
});
