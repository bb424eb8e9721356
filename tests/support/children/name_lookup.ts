// A PUSH that connects by host name, ordered about in lines of JSON.
import { createSocket } from "node:dgram";
import process from "node:process";
import { createInterface } from "node:readline";
import { Context, Pair, Push } from "../../../mod.ts";
import { liveWorkers } from "../leaks.ts";

interface Order {
  id: number;
  op: string;
  [name: string]: unknown;
}

const context = new Context({ ioThreads: 1 });
const push = new Push({ context, linger: 0, reconnectInterval: 20 });
const nameserver = createSocket("udp4");
let queries = 0;

/** Round trips over a connection of its own; how long they took, ms. */
async function converse(address: string, count: number): Promise<number> {
  const start = performance.now();
  const one = new Pair({ context, linger: 0, receiveTimeout: 20_000 });
  const two = new Pair({ context, linger: 0, receiveTimeout: 20_000 });
  await one.bind(address);
  two.connect(one.lastEndpoint as string);
  for (let n = 0; n < count; n += 1) {
    await two.send(`${n}`);
    await one.send(await one.receive());
    const [answer] = await two.receive();
    if (String(answer) !== `${n}`) throw new Error(`Wrong answer: ${answer}`);
  }
  one.close();
  two.close();
  return performance.now() - start;
}

const OPERATIONS: Record<string, (order: Order) => unknown> = {
  connect: ({ endpoint }) => push.connect(endpoint as string),
  send: ({ text }) => push.send(text as string),
  workers: () => liveWorkers(),
  converse: ({ address, count }) =>
    converse(address as string, count as number),
  /** Takes all questions and answers none. */
  silence: () =>
    new Promise<void>((resolve, reject) => {
      nameserver.on("message", () => queries += 1);
      nameserver.once("error", reject);
      nameserver.bind(53, "127.0.0.1", () => resolve());
    }),
  queries: () => queries,
  terminate: async () => {
    const start = performance.now();
    await context.terminate();
    return performance.now() - start;
  },
  exit: () => process.exit(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  try {
    const value = await OPERATIONS[order.op]?.(order);
    process.stdout.write(`${JSON.stringify({ id: order.id, value })}\n`);
  } catch (error) {
    const { code = "ERROR", message } = error as Error & { code?: string };
    const failure = { id: order.id, error: { code, message } };
    process.stdout.write(`${JSON.stringify(failure)}\n`);
  }
}
