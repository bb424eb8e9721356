// libzmq: io_thread.cpp (worker_routine) · runs on: io thread · RFC: –

import type { ContextHandle } from "./core/context_handle.ts";
import { runContextWorker } from "./core/context_worker.ts";
import { IoThread } from "./core/io_thread.ts";
import type { WorkerData } from "./core/platform.ts";
import { PLATFORM, resolveWorkerUrl } from "./worker_platform.ts";
import { createPoller } from "./poller/create_poller.ts";
import type { Poller } from "./poller/poller.ts";
import { IpcTransport } from "./transport/ipc/ipc_transport.ts";
import { ShmTransport } from "./transport/shm/shm_transport.ts";
import { TcpTransport } from "./transport/tcp/tcp_transport.ts";

/** An I/O worker, with every transport that there is. */
export function runIoWorker(data: WorkerData): void {
  runContextWorker(data, PLATFORM, (thread, handle, started) => {
    const io = new IoThread(
      thread,
      pollerOf(handle),
      [new TcpTransport(), new IpcTransport(), new ShmTransport()],
      resolveWorkerUrl(data.url),
    );
    started();
    try {
      io.run();
    } finally {
      io.close();
    }
  });
}

/** What the context's options and the environment say. */
function pollerOf({ options }: ContextHandle): Poller {
  return createPoller({
    kind: options.poller ?? undefined,
    trigger: options.pollerTrigger ?? undefined,
    kqueueLibrary: options.kqueueLibrary ?? undefined,
  });
}
