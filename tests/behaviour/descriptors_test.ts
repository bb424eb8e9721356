// Descriptors run out: back off, serve who is there, go on when there are some.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket as NetSocket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Context, Push } from "../../mod.ts";
import { leakFree } from "../support/leaks.ts";
import { expectNothingHeld, warmUp } from "../support/scenario.ts";
import { testUnless } from "../support/skip.ts";
import { commandFor } from "../support/runtime.ts";
import { until } from "../support/wait.ts";

/** More connections than the child has descriptors. */
const CONNECTIONS = 120;
const DESCRIPTORS = 80;

const noProc = process.platform !== "linux" && "needs /proc and ulimit";

testUnless(
  noProc,
  "without descriptors a listener waits, and goes on when it can",
  () => warmUp().then(leakFree(waitForDescriptors)),
);

async function waitForDescriptors(): Promise<void> {
  const script = fileURLToPath(
    new URL("../support/children/few_descriptors.ts", import.meta.url),
  );
  const { command, args } = commandFor(script, []);
  const child = spawn("sh", [
    "-c",
    `ulimit -n ${DESCRIPTORS}; exec "$@"`,
    "sh",
    command,
    ...args,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  let errors = "";
  child.stdout.on("data", (bytes) => {
    lines.push(...String(bytes).split("\n").filter((line) => line !== ""));
  });
  child.stderr.on("data", (bytes) => errors += String(bytes));
  child.on("exit", (code, signal) => errors += `ended: ${code ?? signal}`);
  const context = new Context();
  const push = new Push({ context, linger: 0, reconnectInterval: 20 });
  const idle: NetSocket[] = [];
  try {
    await until(() => lines.length > 0, `an endpoint: ${errors}`, 20_000);
    const endpoint = lines[0] as string;
    push.connect(endpoint);
    await push.send("before");
    await until(() => lines.includes("before"), "the first message");
    // Deno itself panics when a worker finds no descriptors at its start.
    let calm = 0;
    let known = 0;
    await until(() => {
      const open = readdirSync(`/proc/${child.pid}/fd`).length;
      calm = open === known ? calm + 1 : 0;
      known = open;
      return calm > 120;
    }, "all workers to have started");

    const port = Number(endpoint.split(":").at(-1));
    for (let n = 0; n < CONNECTIONS; n += 1) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      idle.push(socket);
    }
    await until(() => idle.every((s) => !s.connecting), "the connections");
    assert.equal(errors, "");
    const busyBefore = cpuTicks(child.pid as number);
    // Who is there is served; meanwhile nothing burns.
    for (let n = 0; n < 20; n += 1) {
      await push.send(`during ${n}`);
      await until(() => lines.includes(`during ${n}`), `message ${n}`);
    }
    const busy = cpuTicks(child.pid as number) - busyBefore;
    assert.ok(busy < 100, `${busy} ticks of a hundredth second`);

    for (const socket of idle) socket.destroy();
    const late = new Push({ context, linger: 0, reconnectInterval: 20 });
    late.connect(endpoint);
    await late.send("after");
    await until(() => lines.includes("after"), "a late peer's message");
    late.close();
    assert.equal(errors, "");
  } finally {
    for (const socket of idle) socket.destroy();
    push.close();
    child.kill("SIGKILL");
    await context.terminate();
  }
  expectNothingHeld(context);
}

/** Processor time of a process, in clock ticks. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]
    ?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
