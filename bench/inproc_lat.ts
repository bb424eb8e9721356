// Latency between two threads of one process, as libzmq's inproc_lat.

import process from "node:process";
import { Worker } from "node:worker_threads";
import { Context, Request } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { printLatency, requestAll } from "./latency.ts";
import { perfArguments } from "./perf_arguments.ts";

const args = perfArguments("inproc_lat <message-size> <roundtrip-count>");
if (args !== null) {
  const context = new Context();
  const request = new Request({ context });
  request.bindSync("inproc://lat_test");
  const thread = new Worker(
    new URL("./inproc_lat_thread.ts", import.meta.url),
    {
      workerData: { handle: context.handle, args },
    },
  );
  const ended = new Promise<number>((resolve, reject) => {
    thread.once("exit", resolve);
    thread.once("error", reject);
  });
  const latencies = await requestAll(request, args);
  process.exitCode = await ended;
  printLatency(args, latencies);
  printActivity(context, "both ends", args.count);
  request.close();
  await context.terminate();
}
