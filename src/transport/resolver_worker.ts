// libzmq: ip_resolver.cpp · runs on: resolver thread · RFC: –

import { gettid, lookupHost, MessagePipe, wake } from "../../ffi/mod.ts";
import {
  add,
  compareExchange,
  load,
  store,
  wait,
} from "../memory/shared_access.ts";
import { Bell, Ring } from "./resolver.ts";
import type { LookupAnswer, LookupRequest, ResolverData } from "./resolver.ts";

/** Answers questions until told to stop. */
export function runResolver(
  data: ResolverData,
  lookup: (
    name: string,
    family: 0 | 4 | 6,
  ) => { readonly addresses: readonly string[] } = lookupHost,
): void {
  const channel = MessagePipe.from(data.port);
  const bell = new Int32Array(data.bell);
  store(bell, Bell.TID, gettid());
  let seen = 0;
  for (;;) {
    const message = channel.take() as LookupRequest | null | undefined;
    if (message === undefined) {
      // The last word may be lost with the channel.
      if (load(bell, Bell.RING) === Ring.CLOSED) break;
      wait(bell, Bell.REQUESTS, seen, Infinity);
      seen = load(bell, Bell.REQUESTS);
      continue;
    }
    if (message === null || load(bell, Bell.RING) === Ring.CLOSED) break;
    const { id, name, family } = message;
    const { addresses } = lookup(name, family);
    const answer: LookupAnswer = { id, addresses };
    channel.post(answer);
    add(bell, Bell.ANSWERS, 1);
    if (
      compareExchange(bell, Bell.RING, Ring.FREE, Ring.RINGING) !== Ring.FREE
    ) break;
    wake(data.wakeTarget);
    store(bell, Bell.RING, Ring.FREE);
  }
  channel.close();
}
