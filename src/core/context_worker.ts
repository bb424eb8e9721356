// libzmq: io_thread.cpp, reaper.cpp (worker routines) · runs on: io thread, reaper · RFC: –

import { THREAD } from "../memory/layout.ts";
import { store } from "../memory/shared_access.ts";
import { openMemory, openSegments } from "./context_handle.ts";
import type { ContextHandle } from "./context_handle.ts";
import type { CorePlatform, WorkerData } from "./platform.ts";
import { Thread } from "./thread.ts";

/** Marks a worker that has left in good order. */
const LOAD_LEFT = -1;

/**
 * Runs one of a context's workers from its start to its end, and tells the
 * context of both.
 *
 * @param run The worker's loop. It calls `started` when others may send to it.
 */
export function runContextWorker(
  data: WorkerData,
  platform: CorePlatform,
  run: (thread: Thread, handle: ContextHandle, started: () => void) => void,
): void {
  const handle = data.context as ContextHandle;
  const { control, payload } = openSegments(handle, platform);
  const record = control.layout.thread(data.slot);
  try {
    const memory = openMemory(control, payload, data.slot, handle.options);
    const thread = new Thread(memory, platform, () => {});
    run(thread, handle, () => {
      store(control.words, record + THREAD.TID, platform.gettid());
    });
    payload.flushCaches();
  } catch (error) {
    control.fail(data.slot, String(error));
    throw error;
  } finally {
    payload.close();
    store(control.words, record + THREAD.LOAD, LOAD_LEFT);
    control.wakeAll();
  }
}
