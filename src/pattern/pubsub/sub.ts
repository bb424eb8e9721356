// libzmq: sub.{hpp,cpp} · runs on: app thread · RFC: 29

import { ZmqError } from "../../base/errors.ts";
import type { PatternHost } from "../../core/pattern.ts";
import { XSub } from "./xsub.ts";

/** SUB: receives what it subscribed to. */
export class Sub extends XSub {
  constructor(host: PatternHost) {
    super(host, true);
  }

  override trySend(): boolean {
    throw new ZmqError("ENOTSUP");
  }

  override hasOut(): boolean {
    return false;
  }
}
