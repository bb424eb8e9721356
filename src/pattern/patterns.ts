// libzmq: socket_base.cpp (socket_base_t::create) · runs on: any · RFC: –

import { SocketType } from "../base/socket_type.ts";
import type { PatternFactory } from "../core/pattern.ts";
import { Pair } from "./pair/pair.ts";
import { Pull } from "./pipeline/pull.ts";
import { Push } from "./pipeline/push.ts";
import { Pub } from "./pubsub/pub.ts";
import { Sub } from "./pubsub/sub.ts";
import { XPub } from "./pubsub/xpub.ts";
import { XSub } from "./pubsub/xsub.ts";
import { Dealer } from "./reqrep/dealer.ts";
import { Rep } from "./reqrep/rep.ts";
import { Req } from "./reqrep/req.ts";
import { Router } from "./reqrep/router.ts";

/** How to make the pattern of each socket type. */
export const PATTERNS: Readonly<Record<SocketType, PatternFactory>> = {
  [SocketType.PAIR]: () => new Pair(),
  [SocketType.PUB]: (host) => new Pub(host),
  [SocketType.SUB]: (host) => new Sub(host),
  [SocketType.REQ]: (host) => new Req(host),
  [SocketType.REP]: () => new Rep(),
  [SocketType.DEALER]: (host) => new Dealer(host),
  [SocketType.ROUTER]: (host) => new Router(host),
  [SocketType.PULL]: () => new Pull(),
  [SocketType.PUSH]: () => new Push(),
  [SocketType.XPUB]: (host) => new XPub(host),
  [SocketType.XSUB]: (host) => new XSub(host),
};
