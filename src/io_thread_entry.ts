// libzmq: none · runs on: io thread, reaper, resolver, courier, watchers · RFC: –
/**
 * Start of the workers of a context. Listed among the package's exports only
 * so that workers find it; importing it does nothing.
 *
 * @module
 */
import { workerData } from "../ffi/mod.ts";
import type { WatcherData } from "./core/descriptor_watcher.ts";
import type { WorkerData } from "./core/platform.ts";
import type { ResolverData } from "./transport/resolver.ts";
import type { RingWatchData } from "./transport/shm/ring_watch.ts";
import type { CourierData } from "./transport/segment_exchange.ts";

// Each worker loads what it needs and no more: loading is most of what the
// start of a worker costs.
const data = workerData() as
  | WorkerData
  | ResolverData
  | CourierData
  | WatcherData
  | RingWatchData
  | null
  | undefined;
switch (data?.role) {
  case "io": {
    const { runIoWorker } = await import("./io_worker.ts");
    runIoWorker(data);
    break;
  }
  case "reaper": {
    const { runReaperWorker } = await import("./reaper_worker.ts");
    runReaperWorker(data);
    break;
  }
  case "resolver": {
    const { runResolver } = await import("./transport/resolver_worker.ts");
    runResolver(data);
    break;
  }
  case "courier": {
    const { runCourier } = await import(
      "./transport/segment_courier_worker.ts"
    );
    runCourier(data);
    break;
  }
  case "watcher": {
    const { runDescriptorWatcher } = await import(
      "./core/descriptor_watcher.ts"
    );
    runDescriptorWatcher(data);
    break;
  }
  case "ring": {
    const { runRingWatch } = await import(
      "./transport/shm/ring_watch_worker.ts"
    );
    runRingWatch(data);
    break;
  }
}
