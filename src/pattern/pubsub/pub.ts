// libzmq: pub.{hpp,cpp} · runs on: app thread · RFC: 29

import { ZmqError } from "../../base/errors.ts";
import type { PatternHost } from "../../core/pattern.ts";
import type { Pipe } from "../../core/pipe_contract.ts";
import { XPub } from "./xpub.ts";

/** PUB: sends to all that subscribed. */
export class Pub extends XPub {
  constructor(host: PatternHost) {
    super(host, false);
  }

  override attach(pipe: Pipe): void {
    // What the peer still has to say at its end does not matter.
    pipe.setNoDelay();
    super.attach(pipe);
  }

  override tryReceive(): boolean {
    throw new ZmqError("ENOTSUP");
  }
}
