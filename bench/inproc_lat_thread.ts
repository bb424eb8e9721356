// The answering thread of inproc_lat.ts.

import { workerData } from "node:worker_threads";
import { Context, Reply } from "../mod.ts";
import { replyAll } from "./latency.ts";

const { handle, args } = workerData;
const context = Context.attach(handle);
const reply = new Reply({ context });
reply.connect("inproc://lat_test");
await replyAll(reply, args);
reply.close();
