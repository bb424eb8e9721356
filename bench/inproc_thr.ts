// Throughput between two threads of one process, as libzmq's inproc_thr.

import process from "node:process";
import { Worker } from "node:worker_threads";
import { Context, Pull } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { perfArguments } from "./perf_arguments.ts";
import { printThroughput, receiveAll } from "./throughput.ts";

const args = perfArguments("inproc_thr <message-size> <message-count>");
if (args !== null) {
  const context = new Context();
  const pull = new Pull({ context });
  pull.bindSync("inproc://thr_test");
  const thread = new Worker(
    new URL("./inproc_thr_thread.ts", import.meta.url),
    {
      workerData: { handle: context.handle, args },
    },
  );
  const ended = new Promise<number>((resolve, reject) => {
    thread.once("exit", resolve);
    thread.once("error", reject);
  });
  const elapsedMs = await receiveAll(pull, args);
  process.exitCode = await ended;
  printThroughput(args, elapsedMs);
  printActivity(context, "both ends", args.count);
  pull.close();
  await context.terminate();
}
