// libzmq: ip_resolver.cpp · runs on: resolver · RFC: –

import {
  lookupHost,
  MessagePipe,
  signalFd,
  waitForCounter,
} from "../../ffi/mod.ts";
import type { LookupAnswer, LookupRequest, ResolverData } from "./resolver.ts";

/** Answers questions until told to stop. */
export function runResolver(data: ResolverData): void {
  const channel = MessagePipe.from(data.port);
  let seen = 0;
  for (;;) {
    const message = channel.take() as LookupRequest | null | undefined;
    if (message === undefined) {
      seen = waitForCounter(data.bell, seen);
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
