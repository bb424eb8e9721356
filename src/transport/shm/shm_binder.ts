// libzmq: none · runs on: app thread · RFC: –

import { sharedMemoryObstacle } from "../../../ffi/mod.ts";
import { assert } from "../../base/assert.ts";
import { type Endpoint, formatEndpoint } from "../../base/endpoint.ts";
import { ZmqError } from "../../base/errors.ts";
import type { SocketOptions } from "../../base/options.ts";
import { SocketType, socketTypeName } from "../../base/socket_type.ts";
import type { Binder, Listening } from "../../core/binder.ts";
import { ProducerSeat } from "../../shm/producer_seat.ts";
import { queueNameOf } from "./shm_address.ts";

/** Becomes the producer of the queue behind `shm://`. */
export class ShmBinder implements Binder {
  readonly protocols: readonly string[] = ["shm"];

  check(_endpoint: Endpoint, { type }: SocketOptions): void {
    if (type !== SocketType.SUB && type !== SocketType.XSUB) {
      throw refuse(type, "connect", "SUB and XSUB connect, PUB and XPUB bind");
    }
    const obstacle = sharedMemoryObstacle();
    if (obstacle !== null) throw new ZmqError("ENOTSUP", { message: obstacle });
  }

  listen(endpoint: Endpoint, { type }: SocketOptions): Listening {
    assert(endpoint.protocol === "shm", "shm listens on shm endpoints");
    if (type !== SocketType.PUB && type !== SocketType.XPUB) {
      throw refuse(type, "bind", "PUB and XPUB bind, SUB and XSUB connect");
    }
    const bound = endpoint.wildcard
      ? { ...endpoint, name: crypto.randomUUID() }
      : endpoint;
    const { slots, slotSize } = bound;
    const name = queueNameOf(bound);
    const seat = ProducerSeat.take(name, { slots, slotSize });
    const { geometry, epoch } = seat.file.identity;
    const fd = seat.leave();
    return {
      fd,
      endpoint: formatEndpoint(bound),
      temporary: false,
      messageBytesMax: geometry.slots * geometry.slotBytes,
      discard: () => ProducerSeat.resume(name, fd, epoch).end(),
      lease: epoch,
    };
  }

  endLease(fd: number, lease: number): void {
    ProducerSeat.giveUp(fd, lease);
  }
}

function refuse(type: SocketType, action: string, rule: string): ZmqError {
  return new ZmqError("ENOCOMPATPROTO", {
    message: `A ${socketTypeName(type)} socket cannot ${action} to shm://: ` +
      `${rule}`,
  });
}
