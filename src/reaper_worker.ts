// libzmq: reaper.cpp (worker_routine) · runs on: reaper · RFC: –

import { runContextWorker } from "./core/context_worker.ts";
import type { WorkerData } from "./core/platform.ts";
import { Reaper } from "./core/reaper.ts";
import { PLATFORM } from "./worker_platform.ts";

/** The reaper of a context. */
export function runReaperWorker(data: WorkerData): void {
  runContextWorker(data, PLATFORM, (thread, _handle, started) => {
    const reaper = new Reaper(thread);
    started();
    reaper.run();
  });
}
