// A worker process: receives lines, counts their words, sends the counts on.

import process from "node:process";
import { Context, Pull, Push, Request, Subscriber } from "../../mod.ts";
import {
  Control,
  inTime,
  LINGER_MS,
  parseEndpoints,
  PATIENCE_MS,
  Question,
  textOf,
} from "./protocol.ts";
import { countWords, encodeCounts, foldCase } from "./words.ts";

const { name, status, control, lines } = parseEndpoints(process.argv.slice(2));

const context = new Context();
const timeouts = { sendTimeout: PATIENCE_MS, receiveTimeout: PATIENCE_MS };
const sink = new Request({ context, linger: LINGER_MS, ...timeouts });
const orders = new Subscriber({ context, receiveTimeout: PATIENCE_MS });
const work = new Pull({ context, receiveHighWaterMark: 16 });
const results = new Push({
  context,
  linger: LINGER_MS,
  sendTimeout: PATIENCE_MS,
});

async function ask(question: string): Promise<string> {
  const silence = "The sink has not answered";
  await inTime(sink.send([question, name]), silence);
  const [answer] = await inTime(sink.receive(), silence);
  return textOf(answer);
}

/** Waits for one order; the ventilator repeats some, which are passed over. */
async function order(wanted: string): Promise<void> {
  for (;;) {
    const [word] = await inTime(orders.receive(), "Nobody has given orders");
    if (textOf(word) === wanted) return;
  }
}

async function countEverything(): Promise<void> {
  for await (const [number, batch] of work) {
    const counts = new Map<string, number>();
    countWords(textOf(batch), counts);
    await inTime(
      results.send([name, number ?? "", encodeCounts(foldCase(counts))]),
      "The sink has not taken any counts",
    );
  }
}

async function main(): Promise<void> {
  sink.connect(status);
  orders.subscribe();
  orders.connect(control);
  work.connect(lines);
  results.connect(await ask(Question.join));
  await order(Control.hello);
  await ask(Question.ready);
  await order(Control.start);
  const counting = countEverything();
  // Closing the socket ends the loop that reads from it.
  const stopping = order(Control.stop).then(() => work.close());
  await Promise.all([counting, stopping]);
  for (const socket of [sink, orders, results]) socket.close();
  await context.terminate();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
