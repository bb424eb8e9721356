// Asking and timing end of the latency measurement, as libzmq's remote_lat.

import { Context, Request } from "../mod.ts";
import { printActivity } from "./activity.ts";
import { perfArguments } from "./perf_arguments.ts";
import { printLatency, requestAll } from "./latency.ts";

const args = perfArguments(
  "remote_lat <connect-to> <message-size> <roundtrip-count>",
);
if (args !== null) {
  const context = new Context();
  const request = new Request({ context });
  request.connect(args.endpoint);
  const latencies = await requestAll(request, args);
  printLatency(args, latencies);
  printActivity(context, "sender", args.count);
  request.close();
  await context.terminate();
}
