// Sending end of the throughput measurement, as libzmq's remote_thr.

import { Context, Push } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { perfArguments } from "./perf_arguments.ts";
import { sendAll } from "./throughput.ts";

const args = perfArguments(
  "remote_thr <connect-to> <message-size> <message-count>",
);
if (args !== null) {
  const context = new Context();
  const push = new Push({ context });
  push.connect(args.endpoint);
  await sendAll(context, push, args);
  printActivity(context, "sender", args.count);
  push.close();
  // Lingers until the last message has left.
  await context.terminate();
}
