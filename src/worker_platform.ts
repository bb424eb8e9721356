// libzmq: none · runs on: any · RFC: –

import {
  addressOf,
  allocateBytes,
  callLater,
  copyBytes,
  delay,
  gettid,
  isMainThread,
  KeepAlive,
  madviseFree,
  monotonicMs,
  send,
  spawnWorker,
  threadAlive,
  viewAt,
  wake,
} from "../ffi/mod.ts";
import { ZmqError } from "./base/errors.ts";
import type { CorePlatform, WorkerData } from "./core/platform.ts";
import { SegmentExchange } from "./transport/segment_exchange.ts";

/** The module that workers start from, if it is where the sources have it. */
const WORKER_URL: string | null = besideThis(import.meta.url);

/**
 * The entry module beside this one. Packages for npm hold it compiled, so its
 * ending is that of this file. In a bundle this file has another name, and
 * what lies beside it is anything: a guess would run the program once more.
 *
 * @param url Of this module.
 * @returns null in a bundle.
 */
export function besideThis(url: string): string | null {
  const match = /^(.*\/)worker_platform(\.[a-z]+)$/.exec(url);
  return match === null ? null : `${match[1]}io_thread_entry${match[2]}`;
}

/**
 * The module that workers start from.
 *
 * @param chosen What the context was told.
 * @throws {ZmqError} ENOTSUP in a bundle that says nothing.
 */
export function resolveWorkerUrl(
  chosen: string | null,
  beside: string | null = WORKER_URL,
): string {
  const url = chosen ?? beside;
  if (url !== null) return url;
  throw new ZmqError("ENOTSUP", {
    message:
      "Cannot start the threads of a context: this program is bundled, " +
      'and their code is in the package\'s module "io-thread-entry". ' +
      "Make that an entry point of the bundle, too, and give its address as " +
      "the option workerUrl of each context, as in new Context({ workerUrl: " +
      'new URL("./io_thread_entry.js", import.meta.url) })',
  });
}

/**
 * What the core asks of the system: the one of every thread but a simulated
 * one. Apart from the wiring, so that workers load no patterns.
 */
export const PLATFORM: CorePlatform = {
  addressOf,
  viewAt,
  madviseFree,
  gettid,
  threadAlive,
  allocateBytes,
  copyBytes,
  wake(target: number): void {
    wake(target);
  },
  monotonicMs,
  send,
  isMainThread,
  random32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0] as number;
  },
  delay,
  callLater,
  keepAlive: (callback, periodMs) => new KeepAlive(callback, periodMs),
  spawnWorker: (data: WorkerData) =>
    spawnWorker(resolveWorkerUrl(data.url), data),
  segmentCourier: ({ id, workerUrl }) =>
    new SegmentExchange(id, resolveWorkerUrl(workerUrl)),
};
