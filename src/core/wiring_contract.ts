// libzmq: none · runs on: any · RFC: –

import type { Binder } from "./binder.ts";
import type { SocketType } from "../base/socket_type.ts";
import type { PatternFactory } from "./pattern.ts";
import type { CorePlatform } from "./platform.ts";

/** What stands on the core, handed to it so that it need not know it. */
export interface Wiring {
  readonly platform: CorePlatform;
  readonly patterns: Readonly<Record<SocketType, PatternFactory>>;
  readonly binders: readonly Binder[];
}
