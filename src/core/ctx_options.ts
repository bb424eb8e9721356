// libzmq: ctx.hpp · runs on: any · RFC: –

import { defaultContextOptions } from "../base/context_options.ts";
import type { ContextOptionValues } from "../base/context_options.ts";
import type { PollerKind, Trigger } from "../poller/poller.ts";

/** Options of a context; plain data, so that they can go to its workers. */
export interface CtxOptions extends ContextOptionValues {
  /** Pipes to peers that may exist at a time, inproc ones included. */
  maxConnections: number;
  /** Bytes of messages that may be queued or held; 0 = no limit. */
  memoryLimit: number;
  /** Bytes up to which a frame is copied into a pipe. */
  inlineMessageMax: number;
  /** What I/O workers stand on; null = chosen when the context starts. */
  poller: PollerKind | null;
  /** When the system tells them; null = chosen when the context starts. */
  pollerTrigger: Trigger | null;
  /** File of a kqueue library; null = the system's own, if any. */
  kqueueLibrary: string | null;
  /** Where workers find their entry module; null = beside this library. */
  workerUrl: string | null;
}

/** Pipes to peers that a context has room for unless told otherwise. */
const MAX_CONNECTIONS_DEFAULT = 16384;

/**
 * Largest frame kept in a pipe unless told otherwise, bytes. Receiving into
 * a block of its own only pays for frames near the size of a chunk.
 */
const INLINE_MESSAGE_MAX_DEFAULT = 32768;

/** The most that `inlineMessageMax` can be: a frame must fit a chunk. */
export const INLINE_MESSAGE_MAX_LIMIT = 65000;

/** The options of a context that was told nothing. */
export function defaultCtxOptions(): CtxOptions {
  return {
    ...defaultContextOptions(),
    maxConnections: MAX_CONNECTIONS_DEFAULT,
    memoryLimit: 0,
    inlineMessageMax: INLINE_MESSAGE_MAX_DEFAULT,
    poller: null,
    pollerTrigger: null,
    kqueueLibrary: null,
    workerUrl: null,
  };
}
