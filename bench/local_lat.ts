// Answering end of the latency measurement, as libzmq's local_lat.

import { Context, Reply } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { announceReady, perfArguments } from "./perf_arguments.ts";
import { replyAll } from "./latency.ts";

const args = perfArguments(
  "local_lat <bind-to> <message-size> <roundtrip-count>",
);
if (args !== null) {
  const context = new Context();
  const reply = new Reply({ context });
  reply.bindSync(args.endpoint);
  announceReady(args);
  await replyAll(reply, args);
  printActivity(context, "receiver", args.count);
  reply.close();
  // Lingers until the last reply has left.
  await context.terminate();
}
