// The sending thread of inproc_thr.ts.

import { workerData } from "node:worker_threads";
import { Context, Push } from "../mod.ts";
import { sendAll } from "./throughput.ts";

const { handle, args } = workerData;
const context = Context.attach(handle);
const push = new Push({ context });
push.connect("inproc://thr_test");
await sendAll(context, push, args);
push.close();
