// libzmq: ip_resolver.cpp · runs on: resolver thread · RFC: –

import { lookupHost, MessagePipe, wake } from "../../ffi/mod.ts";
import { compareExchange, load, store, wait } from "../memory/shared_access.ts";
import { Ring } from "./resolver.ts";
import type { LookupAnswer, LookupRequest, ResolverData } from "./resolver.ts";

/** Answers questions until told to stop. */
export function runResolver(data: ResolverData): void {
  const channel = MessagePipe.from(data.port);
  const bell = new Int32Array(data.bell);
  let seen = 0;
  for (;;) {
    const message = channel.take() as LookupRequest | null | undefined;
    if (message === undefined) {
      // The last word may be lost with the channel.
      if (load(bell, 1) === Ring.CLOSED) break;
      wait(bell, 0, seen, Infinity);
      seen = load(bell, 0);
      continue;
    }
    if (message === null || load(bell, 1) === Ring.CLOSED) break;
    const { id, name, family } = message;
    const { addresses } = lookupHost(name, family);
    const answer: LookupAnswer = { id, addresses };
    channel.post(answer);
    if (compareExchange(bell, 1, Ring.FREE, Ring.RINGING) !== Ring.FREE) break;
    wake(data.wakeTarget);
    store(bell, 1, Ring.FREE);
  }
  channel.close();
}
