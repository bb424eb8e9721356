// The sink process: receives the counts, hands them to a second thread that
// adds them up, and answers everybody's questions.

import process from "node:process";
import { Worker } from "node:worker_threads";
import { Context, Pull, Push, Reply, Subscriber } from "../../mod.ts";
import {
  Control,
  inTime,
  LINGER_MS,
  parseEndpoints,
  PATIENCE_MS,
  Question,
  type SinkStatus,
  textOf,
} from "./protocol.ts";

const { status, control } = parseEndpoints(process.argv.slice(2));

const context = new Context();
const questions = new Reply({ context, linger: LINGER_MS });
const orders = new Subscriber({ context, receiveTimeout: PATIENCE_MS });
const counts = new Pull({ context });
const toThread = new Push({ context, linger: 0, sendTimeout: PATIENCE_MS });
const fromThread = new Pull({ context });

const ready: string[] = [];
const byCounter: Record<string, number> = {};
let listening = false;
let merged = 0;
let bytes = 0;
const result = Promise.withResolvers<Uint8Array>();

/** Hands the counts to the thread. */
async function forward(): Promise<void> {
  for await (const [counter, _number, table] of counts) {
    const name = textOf(counter);
    byCounter[name] = (byCounter[name] ?? 0) + 1;
    bytes += table?.length ?? 0;
    await inTime(
      toThread.send(["counts", table ?? ""]),
      "The sink's thread has not taken any counts",
    );
  }
}

/** Hears what the thread has done. */
async function collect(): Promise<void> {
  for await (const [what, table] of fromThread) {
    if (textOf(what) === "merged") merged++;
    else if (table !== undefined) result.resolve(table);
  }
}

async function answer(
  question: string,
  name: string,
): Promise<string | Uint8Array> {
  if (question === Question.join) return counts.lastEndpoint ?? "";
  if (question === Question.ready) {
    ready.push(name);
    return "";
  }
  if (question === Question.result) {
    // Everything is merged by now, or the ventilator would not ask.
    await toThread.send(["end"]);
    return await result.promise;
  }
  const now: SinkStatus = { listening, ready, merged, bytes, byCounter };
  return JSON.stringify(now);
}

async function answerQuestions(): Promise<void> {
  for await (const [question, name] of questions) {
    await questions.send(await answer(textOf(question), textOf(name)));
  }
}

/** Follows the ventilator, whose stop alone ends this process in good order. */
async function follow(): Promise<void> {
  for (let word = ""; word !== Control.stop;) {
    const parts = await inTime(orders.receive(), "Nobody has given orders");
    word = textOf(parts[0]);
    listening = true;
  }
  // Closing the sockets ends the loops that read from them.
  for (const socket of [orders, questions, counts, toThread, fromThread]) {
    socket.close();
  }
}

function startThread(): Promise<void> {
  const thread = new Worker(new URL("./sink_thread.ts", import.meta.url), {
    workerData: { handle: context.handle },
  });
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The sink's thread ended with status ${code}`));
    });
  });
}

async function main(): Promise<void> {
  toThread.bindSync("inproc://counts");
  fromThread.bindSync("inproc://merged");
  counts.bindSync("tcp://127.0.0.1:*");
  orders.subscribe();
  orders.connect(control);
  const thread = startThread();
  questions.bindSync(status);
  await Promise.all([
    thread,
    forward(),
    collect(),
    answerQuestions(),
    follow(),
  ]);
  await context.terminate();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
