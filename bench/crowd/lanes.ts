// Several connections and I/O workers; as `crowd lanes` of
// bench/libzmq/crowd.c.
//
//   lanes bind|connect <endpoint> <size> <count> <lanes> <workers>

import { Context, Pull, Push } from "../../mod.ts";
import { checkSize, checkStamp, numberOf, stamp } from "../sequence.ts";
import { printThroughput } from "../throughput.ts";
import { crowdArguments, sayReady } from "./arguments.ts";

function receiveLanes(
  context: Context,
  endpoint: string,
  size: number,
  count: number,
  lanes: number,
): void {
  const pull = new Pull({ context });
  // Order holds within a connection.
  const next = new Array<number>(lanes).fill(0);
  pull.bindSync(endpoint);
  sayReady();
  let start = 0;
  for (let n = 0; n < count; n++) {
    const parts = pull.receiveSync();
    if (n === 0) start = performance.now();
    checkSize(parts, size);
    const lane = numberOf(parts[0]) % lanes;
    const turn = next[lane] ?? 0;
    next[lane] = turn + 1;
    checkStamp(parts[0], turn * lanes + lane);
  }
  printThroughput({ size, count }, performance.now() - start);
  pull.close();
}

function sendLanes(
  context: Context,
  endpoint: string,
  size: number,
  count: number,
  lanes: number,
): void {
  const sockets = Array.from({ length: lanes }, () => {
    const push = new Push({ context });
    push.connect(endpoint);
    return push;
  });
  const bytes = new Uint8Array(size);
  for (let n = 0; n < count; n++) {
    stamp(bytes, n);
    sockets[n % lanes]?.sendSync(bytes);
  }
  for (const push of sockets) push.close();
}

const args = crowdArguments(
  "lanes bind|connect <endpoint> <size> <count> <lanes> <workers>",
  4,
);
if (args !== null) {
  const { binds, endpoint, numbers } = args;
  const [size = 0, count = 0, lanes = 0, ioThreads = 1] = numbers;
  const context = new Context({ ioThreads });
  (binds ? receiveLanes : sendLanes)(context, endpoint, size, count, lanes);
  await context.terminate();
}
