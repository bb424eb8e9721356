// Receiving end of the throughput measurement, as libzmq's local_thr.

import { Context, Pull } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { announceReady, perfArguments } from "./perf_arguments.ts";
import { printThroughput, receiveAll } from "./throughput.ts";

const args = perfArguments(
  "local_thr <bind-to> <message-size> <message-count>",
);
if (args !== null) {
  const context = new Context();
  const pull = new Pull({ context });
  pull.bindSync(args.endpoint);
  announceReady(args);
  const elapsedMs = await receiveAll(pull, args);
  printThroughput(args, elapsedMs);
  printActivity(context, "receiver", args.count);
  pull.close();
  await context.terminate();
}
