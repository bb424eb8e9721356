// libzmq: none · runs on: app thread · RFC: –

import type { Wiring } from "./core/wiring_contract.ts";
import { PATTERNS } from "./pattern/patterns.ts";
import { PLATFORM } from "./worker_platform.ts";
import { IpcBinder } from "./transport/ipc/ipc_binder.ts";
import { ShmBinder } from "./transport/shm/shm_binder.ts";
import { TcpBinder } from "./transport/tcp/tcp_binder.ts";

/**
 * What application threads need that stands on the core: the one place that
 * names all patterns. The transports are I/O threads' own.
 */
export const WIRING: Wiring = {
  platform: PLATFORM,
  patterns: PATTERNS,
  binders: [new TcpBinder(), new IpcBinder(), new ShmBinder()],
};
