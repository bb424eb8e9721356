// The Worker of startup_worker.ts.

import { parentPort } from "node:worker_threads";

parentPort?.postMessage("up");
