// libzmq: none · runs on: io thread · RFC: –

import { parseEndpoint, type ShmEndpoint } from "../../base/endpoint.ts";
import type { SocketOptions } from "../../base/options.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  Listener,
  SessionPort,
  Transport,
} from "../../core/transport.ts";
import { PublishingEngine } from "./publishing_engine.ts";
import { queueNameOf } from "./shm_address.ts";
import { ShmConnecter } from "./shm_connecter.ts";

/** `shm://`: a queue in shared memory, from one publisher to many subscribers. */
export class ShmTransport implements Transport {
  readonly protocols: readonly string[] = ["shm"];
  /** The last epoch that each connecting session has read from. */
  readonly #epochs: WeakMap<SessionPort, number> = new WeakMap();

  accept(
    _io: IoContext,
    fd: number,
    _endpoint: string,
    _options: SocketOptions,
    accepted: (fd: number) => void,
  ): Listener {
    // All subscribers are one peer: whoever reads the queue.
    accepted(fd);
    return { close: () => {} };
  }

  connect(io: IoContext, session: SessionPort, wait: boolean): Connecter {
    return new ShmConnecter(io, session, queueOf(session), this.#epochs, wait);
  }

  createEngine(
    io: IoContext,
    fd: number,
    session: SessionPort,
    lease: number,
  ): Engine {
    return new PublishingEngine(io, session, queueOf(session), fd, lease);
  }
}

function queueOf({ endpoint }: SessionPort): string {
  return queueNameOf(parseEndpoint(endpoint, "connect") as ShmEndpoint);
}
