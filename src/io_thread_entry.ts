// libzmq: io_thread.cpp, reaper.cpp (worker routines) · runs on: io thread, reaper · RFC: –
/**
 * Start of the workers of a context. Listed among the package's exports only
 * so that workers find it; importing it does nothing.
 *
 * @module
 */
import { workerData } from "../ffi/mod.ts";
import { store } from "./memory/shared_access.ts";
import { THREAD } from "./memory/layout.ts";
import { openMemory, openSegments } from "./core/context_handle.ts";
import type { ContextHandle } from "./core/context_handle.ts";
import { runDescriptorWatcher } from "./core/descriptor_watcher.ts";
import type { WatcherData } from "./core/descriptor_watcher.ts";
import { IoThread } from "./core/io_thread.ts";
import type { WorkerData } from "./core/platform.ts";
import { Reaper } from "./core/reaper.ts";
import { Thread } from "./core/thread.ts";
import { createPoller } from "./poller/create_poller.ts";
import { IpcTransport } from "./transport/ipc/ipc_transport.ts";
import { TcpTransport } from "./transport/tcp/tcp_transport.ts";
import type { ResolverData } from "./transport/resolver.ts";
import { runResolver } from "./transport/resolver_worker.ts";
import { runCourier } from "./transport/segment_courier_worker.ts";
import type { CourierData } from "./transport/segment_exchange.ts";
import { resolveWorkerUrl, WIRING } from "./wiring.ts";

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
      const { poller, pollerTrigger, kqueueLibrary } = handle.options;
      const io = new IoThread(
        thread,
        createPoller({
          kind: poller ?? undefined,
          trigger: pollerTrigger ?? undefined,
          kqueueLibrary: kqueueLibrary ?? undefined,
        }),
        [new TcpTransport(), new IpcTransport()],
        resolveWorkerUrl(data.url),
      );
      store(control.words, record + THREAD.TID, platform.gettid());
      try {
        io.run();
      } finally {
        io.close();
      }
    }
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

const data = workerData() as
  | WorkerData
  | ResolverData
  | CourierData
  | WatcherData
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
  case "watcher":
    runDescriptorWatcher(data);
    break;
}
