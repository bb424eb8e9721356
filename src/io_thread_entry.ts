// libzmq: io_thread.cpp, reaper.cpp (worker routines) · runs on: io thread, reaper · RFC: –
/**
 * Start of the workers of a context. Listed among the package's exports only
 * so that workers find it; importing it does nothing.
 *
 * @module
 */
import { Wakeup, workerData } from "../ffi/mod.ts";
import { store } from "./memory/shared_access.ts";
import { THREAD } from "./memory/layout.ts";
import { openMemory, openSegments } from "./core/context_handle.ts";
import type { ContextHandle } from "./core/context_handle.ts";
import { IoThread } from "./core/io_thread.ts";
import type { WorkerData } from "./core/platform.ts";
import { Reaper } from "./core/reaper.ts";
import { Thread } from "./core/thread.ts";
import { EpollPoller } from "./poller/epoll_poller.ts";
import type { ResolverData } from "./transport/resolver.ts";
import { runResolver } from "./transport/resolver_worker.ts";
import { runCourier } from "./transport/segment_courier_worker.ts";
import type { CourierData } from "./transport/segment_exchange.ts";
import { WIRING, WORKER_URL } from "./wiring.ts";

/** Marks a worker that has left in good order. */
const LOAD_LEFT = -1;

function runContextWorker(data: WorkerData): void {
  const handle = data.context as ContextHandle;
  const { platform } = WIRING;
  const { control, payload } = openSegments(handle, platform);
  const record = control.layout.thread(data.slot);
  try {
    const memory = openMemory(control, payload, data.slot, handle.options);
    // The creator's life is watched in any case.
    const thread = new Thread(memory, platform, () => []);
    if (data.role === "reaper") {
      const reaper = new Reaper(thread);
      store(control.words, record + THREAD.TID, platform.gettid());
      reaper.run();
    } else {
      const io = new IoThread(
        thread,
        new EpollPoller(),
        Wakeup.open(),
        WIRING.transports,
        data.url ?? WORKER_URL,
      );
      store(control.words, record + THREAD.TID, platform.gettid());
      io.run();
      io.close();
    }
    payload.flushCaches();
  } catch (error) {
    control.fail(data.slot);
    throw error;
  } finally {
    payload.close();
    store(control.words, record + THREAD.LOAD, LOAD_LEFT);
    control.wakeAll();
  }
}

const data = workerData() as
  | WorkerData
  | ResolverData
  | CourierData
  | null
  | undefined;
switch (data?.role) {
  case "io":
  case "reaper":
    runContextWorker(data);
    break;
  case "resolver":
    runResolver(data);
    break;
  case "courier":
    runCourier(data);
    break;
}
