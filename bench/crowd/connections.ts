// Many connections: when all handshakes are done and what an idle one takes of
// the binding process; as `crowd connections` of bench/libzmq/crowd.c.
//
//   connections bind|connect <endpoint> <count> <backlog>

import { setTimeout as sleep } from "node:timers/promises";
import { Context, Pull, Push } from "../../mod.ts";
import { printLine } from "../perf_arguments.ts";
import { crowdArguments, sayReady } from "./arguments.ts";
import { residentKib, settle } from "./resident.ts";

/** Longer than any run may take. */
const HOLD_MS = 600_000;

/** Records for connections that are not the measured ones. */
const SPARE_CONNECTIONS = 100;

function printWallClock(what: string): void {
  const nowMs = performance.timeOrigin + performance.now();
  printLine(`${what}: ${nowMs.toFixed(3)} [ms]`);
}

/** Each connection brings one message, so that all handshakes are done. */
async function accept(
  context: Context,
  endpoint: string,
  count: number,
  backlog: number,
): Promise<void> {
  const pull = new Pull({ context, backlog });
  const seen = new Uint8Array(count);
  pull.bindSync(endpoint);
  await settle();
  const beforeKib = residentKib();
  sayReady();
  for (let n = 0; n < count; n++) {
    const [part] = pull.receiveSync();
    const found = new DataView(part.buffer, part.byteOffset).getUint32(0, true);
    if (part.length !== 4 || seen[found] !== 0) {
      throw new Error(`A connection's number came twice or is none: ${found}`);
    }
    seen[found] = 1;
  }
  printWallClock("end");
  await settle();
  printLine(`connections: ${count} [count]`);
  printLine(`resident before: ${beforeKib} [KiB]`);
  printLine(`resident after: ${residentKib()} [KiB]`);
  pull.close();
}

async function connect(
  context: Context,
  endpoint: string,
  count: number,
): Promise<void> {
  const push = new Push({ context });
  printWallClock("start");
  for (let n = 0; n < count; n++) push.connect(endpoint);
  // Sent in turns: the first round comes to each connection once.
  const number = new DataView(new ArrayBuffer(4));
  for (let n = 0; n < count; n++) {
    number.setUint32(0, n, true);
    push.sendSync(number);
  }
  // Ended by whoever started it, when the other side has measured.
  await sleep(HOLD_MS);
}

const args = crowdArguments(
  "connections bind|connect <endpoint> <count> <backlog>",
  2,
);
if (args !== null) {
  const { binds, endpoint, numbers: [count = 0, backlog = 0] } = args;
  const context = new Context({ maxConnections: count + SPARE_CONNECTIONS });
  await (binds ? accept : connect)(context, endpoint, count, backlog);
  await context.terminate();
}
