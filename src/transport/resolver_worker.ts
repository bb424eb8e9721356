// libzmq: ip_resolver.cpp · runs on: resolver thread · RFC: –

import { lookupHost, MessagePipe, signalFd } from "../../ffi/mod.ts";
import { load, wait } from "../memory/shared_access.ts";
import type { LookupAnswer, LookupRequest, ResolverData } from "./resolver.ts";

/** Answers questions until told to stop. */
export function runResolver(data: ResolverData): void {
  const channel = MessagePipe.from(data.port);
  const bell = new Int32Array(data.bell);
  let seen = 0;
  for (;;) {
    const message = channel.take() as LookupRequest | null | undefined;
    if (message === undefined) {
      wait(bell, 0, seen, Infinity);
      seen = load(bell, 0);
      continue;
    }
    if (message === null) break;
    const { id, name, family } = message;
    const { addresses } = lookupHost(name, family);
    const answer: LookupAnswer = { id, addresses };
    channel.post(answer);
    signalFd(data.wakeFd);
  }
  channel.close();
}
