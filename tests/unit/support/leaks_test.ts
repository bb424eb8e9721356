import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { after, before, describe, it, test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  leakCheck,
  leakFree,
  liveWorkers,
  openDescriptors,
} from "../../support/leaks.ts";
import { testUnless } from "../../support/skip.ts";

const SHORT_MS = 100;
const nothing = (): Record<string, number> => ({});
const noProc = openDescriptors().size === 0 ? "there is no /proc" : null;

async function listening(): Promise<Server> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe("what is closed again", () => {
  const leaks = leakCheck();
  before(leaks.before);
  after(leaks.after);

  it("is no leak: a server", async () => {
    const server = await listening();
    server.close();
    await once(server, "close");
    assert.equal(server.listening, false);
  });

  it("is no leak: a worker", async () => {
    const worker = new Worker("0", { eval: true });
    const [code] = await once(worker, "exit");
    assert.equal(code, 0);
  });
});

test(
  "an event loop that the runtime starts for itself is no leak",
  leakFree(async () => {
    // Bun's first request starts its thread for them, which stays.
    await assert.rejects(fetch("http://127.0.0.1:1/"));
  }, nothing),
);

testUnless(noProc, "an open socket is a leak", async () => {
  const servers: Server[] = [];
  const leaky = leakFree(
    async () => {
      servers.push(await listening());
    },
    nothing,
    SHORT_MS,
  );
  await assert.rejects(
    leaky,
    /Left behind: descriptors \(socket\): \d+ before/,
  );
  servers[0]?.close();
});

testUnless(noProc, "a living worker is a leak", async () => {
  const workers: Worker[] = [];
  const leaky = leakFree(
    async () => {
      const source = "require('node:worker_threads').parentPort.on('message'" +
        ", () => {})";
      const worker = new Worker(source, { eval: true });
      workers.push(worker);
      await once(worker, "online");
    },
    nothing,
    SHORT_MS,
  );
  await assert.rejects(leaky, /Left behind: live workers: 0 before, 1 after/);
  assert.equal(liveWorkers(), 1);
  await workers[0]?.terminate();
});

test("a count that grew is a leak", async () => {
  let blocks = 3;
  const grow = (): void => {
    blocks += 1;
  };
  const leaky = leakFree(grow, () => ({ blocks }), SHORT_MS);
  await assert.rejects(leaky, /blocks: 3 before, 4 after/);
});
