// libzmq: none · runs on: any · RFC: –

import type { ShmEndpoint } from "../../base/endpoint.ts";

/** Keeps the queues of sockets apart from those that programs make. */
const QUEUE_PREFIX = "zmq.";

/** The queue behind an endpoint. */
export function queueNameOf({ name }: ShmEndpoint): string {
  return QUEUE_PREFIX + name;
}
