// libzmq: none · runs on: app thread · RFC: –

import { Context } from "./context.ts";

/**
 * The context of sockets that are not given another one. There is one per
 * thread; it starts nothing before its first socket.
 *
 * Its options can be set before that.
 *
 * @example
 * ```ts
 * import { context, Pair } from "@purezmq/zmq";
 * import assert from "node:assert/strict";
 *
 * using socket = new Pair();
 * assert.equal(socket.context, context);
 * ```
 */
export const context: Context = new Context();
