// libzmq: none · runs on: any · RFC: –

import {
  addressOf,
  gettid,
  isMainThread,
  KeepAlive,
  madviseFree,
  monotonicMs,
  signalFd,
  spawnWorker,
  threadAlive,
  viewAt,
} from "../ffi/mod.ts";
import type { CorePlatform, WorkerData } from "./core/platform.ts";
import { allocateBytes, delay } from "../ffi/mod.ts";
import type { Wiring } from "./core/wiring_contract.ts";
import { PATTERNS } from "./pattern/patterns.ts";
import { IpcTransport } from "./transport/ipc/ipc_transport.ts";
import { TcpTransport } from "./transport/tcp/tcp_transport.ts";
import { SegmentExchange } from "./transport/segment_exchange.ts";

/**
 * The module that workers start from. Packages for npm hold it compiled, so
 * its ending is that of this file.
 */
export const WORKER_URL: string = import.meta.url.replace(
  /wiring(\.[a-z]+)$/,
  "io_thread_entry$1",
);

const platform: CorePlatform = {
  addressOf,
  viewAt,
  madviseFree,
  gettid,
  threadAlive,
  allocateBytes,
  signalFd(fd: number): void {
    signalFd(fd);
  },
  monotonicMs,
  isMainThread,
  random32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0] as number;
  },
  delay,
  keepAlive: (callback, periodMs) => new KeepAlive(callback, periodMs),
  spawnWorker: (data: WorkerData) => spawnWorker(data.url ?? WORKER_URL, data),
  segmentCourier: ({ id }) => new SegmentExchange(id, WORKER_URL),
};

/**
 * Everything that stands on the core: the one place that names all patterns
 * and transports.
 */
export const WIRING: Wiring = {
  platform,
  patterns: PATTERNS,
  transports: [new TcpTransport(), new IpcTransport()],
};
