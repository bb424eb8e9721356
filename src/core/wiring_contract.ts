// libzmq: none · runs on: any · RFC: –

import type { SocketType } from "../base/socket_type.ts";
import type { PatternFactory } from "./pattern.ts";
import type { CorePlatform } from "./platform.ts";
import type { Transport } from "./transport.ts";

/** What stands on the core, handed to it so that it need not know it. */
export interface Wiring {
  readonly platform: CorePlatform;
  readonly patterns: Readonly<Record<SocketType, PatternFactory>>;
  readonly transports: readonly Transport[];
}
