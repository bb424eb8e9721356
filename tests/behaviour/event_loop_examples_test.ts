// The examples in the documentation of pollers and event loops, each as a
// program of its own: it succeeds, and says nothing.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as library from "../../mod.ts";
import * as waiting from "../../src/poller_entry.ts";
import { docExamples, exampleUntil } from "../support/doc_examples.ts";
import { commandFor } from "../support/runtime.ts";
import { until, within } from "../support/wait.ts";

/** @param files How many descriptors it may have; 0 = as many as we. */
function start(path: string, args: string[], files = 0): ChildProcess {
  const program = commandFor(path, args);
  const command = [program.command, ...program.args];
  const limit = files === 0 ? [] : ["-c", `ulimit -n ${files}; exec "$@"`];
  const [first = "", ...rest] = files === 0
    ? command
    : ["/bin/sh", ...limit, "sh", ...command];
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  return child;
}

/** To be ended whatever becomes of the tests. */
const started: ChildProcess[] = [];

/** Select is not for more than a thousand. */
const CLIENTS = process.env["PUREZMQ_POLLER"] === "select" ? 500 : 3000;

interface End {
  readonly code: number | string | null;
  readonly said: string;
}

function endOf(child: ChildProcess): Promise<End> {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => said += String(chunk));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once(
      "close",
      (code, signal) => resolve({ code: signal ?? code, said }),
    );
  });
}

test("the entry point of what waits has the library's own pollers", () => {
  for (const name of ["Poller", "poll", "pollSync", "ZmqError"] as const) {
    assert.equal(typeof waiting[name], "function", name);
    assert.equal(waiting[name], library[name], name);
  }
});

describe("an example of pollers and event loops:", () => {
  const folder = mkdtempSync(join(tmpdir(), "purezmq-"));
  after(() => {
    for (const child of started) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  const examples = [
    ...docExamples("src"),
    ...docExamples("src/event_loop"),
    ...docExamples("src/api").filter(({ path }) => path.endsWith("/poller.ts")),
  ];
  for (const [index, { title, source }] of examples.entries()) {
    test(title, async () => {
      const path = join(folder, `example_${index}.ts`);
      writeFileSync(path, source);
      const end = endOf(start(path, []));
      const { code, said } = await within(end, "its end", 60_000);
      assert.equal(said, "");
      assert.equal(code, 0);
    });
  }

  const echo = examples.find(({ title }) => /^An echo server/.test(title));
  const server = echo === undefined
    ? ""
    : exampleUntil(echo, "A client, in the same loop for once.");

  /** The example's server, for clients of another process. */
  async function serve(
    files = 0,
  ): Promise<{ child: ChildProcess; port: number }> {
    const path = join(folder, "server.ts");
    writeFileSync(path, `${server}\nconsole.log(listener.port);\nloop.run();`);
    const child = start(path, [], files);
    const line = new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (chunk) => resolve(String(chunk)));
      child.stderr?.once("data", (chunk) => reject(new Error(String(chunk))));
    });
    const port = Number(await within(line, "the server's port"));
    assert.ok(port > 0);
    return { child, port };
  }

  test("the echo server does nothing for a client that is silent", async () => {
    const path = join(folder, "silent.ts");
    writeFileSync(
      path,
      `${server}
      const silent = connectTcp("127.0.0.1", listener.port);
      while (loop.load < 2) loop.runOnce(1000);
      assert.equal(loop.runOnce(20), 0);
      sendBytes(silent, Uint8Array.of(1));
      assert.equal(loop.runOnce(1000), 1);
      while (receiveBytes(silent, buffer) !== 1);
      loop.runOnce(0); // an edge is told until nothing is left
      assert.equal(loop.runOnce(20), 0);
      closeDescriptor(silent);`,
    );
    const end = await within(endOf(start(path, [])), "its end", 60_000);
    assert.deepEqual(end, { code: 0, said: "" });
  });

  test(`the echo server serves ${CLIENTS} at a time`, async () => {
    const { child, port } = await serve();
    const ended = endOf(child);
    const clients = start(
      fileURLToPath(
        new URL("../support/children/event_loop.ts", import.meta.url),
      ),
      ["clients", String(port), String(CLIENTS)],
    );
    const { code, said } = await within(endOf(clients), "the clients", 60_000);
    assert.deepEqual([code, said], [0, `{"echoed":${CLIENTS}}\n`]);
    child.kill("SIGKILL");
    assert.deepEqual(await within(ended, "the server's end"), {
      code: "SIGKILL",
      said: "",
    });
  });

  test("the echo server outlives that it has no descriptor left", async () => {
    const { child, port } = await serve(60);
    const ended = endOf(child);
    const answered = new Set<Socket>();
    const clients = Array.from({ length: 80 }, () => {
      const client = connect(port, "127.0.0.1");
      client.on("error", () => {});
      client.once("data", () => answered.add(client));
      client.write("x");
      return client;
    });
    const isSettled = (): boolean => answered.size >= 20;
    await until(isSettled, "those that there are descriptors for");
    assert.ok(answered.size < clients.length, `${answered.size} answered`);
    // The others are served as these leave.
    for (const client of clients) client.once("data", () => client.destroy());
    for (const client of answered) client.destroy();
    await until(() => answered.size === clients.length, "the others");
    child.kill("SIGKILL");
    assert.deepEqual(await within(ended, "the server's end"), {
      code: "SIGKILL",
      said: "",
    });
  });

  test("there is one for each kind of source", () => {
    const titles = examples.map(({ title }) => title).join("\n");
    for (
      const kind of [
        /echo/i,
        /time-outs/,
        /process/,
        /files/,
        /signal/i,
        /wake/,
        /descriptor together/,
      ]
    ) {
      assert.match(titles, kind);
    }
  });
});
