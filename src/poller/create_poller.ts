// libzmq: poller.hpp · runs on: io thread · RFC: –

import { UnsupportedPlatformError } from "../../ffi/mod.ts";
import { choosePoller, refuse } from "./choose_poller.ts";
import type { PollerOptions } from "./choose_poller.ts";
import { EpollPoller } from "./epoll_poller.ts";
import { KqueuePoller } from "./kqueue_poller.ts";
import { PollPoller } from "./poll_poller.ts";
import type { Poller, Trigger } from "./poller.ts";
import { SelectPoller } from "./select_poller.ts";

/**
 * Makes a poller.
 *
 * @throws {ZmqError} EINVAL for a choice that is unknown, or that this system
 * does not offer; the message says what it does.
 * @throws {RangeError} When the system has no descriptor or memory left.
 */
export function createPoller(options: PollerOptions = {}): Poller {
  const { kind, trigger, kqueueLibrary } = choosePoller(options);
  switch (kind) {
    case "epoll":
      return new EpollPoller(trigger);
    case "poll":
      return new PollPoller();
    case "select":
      return new SelectPoller();
    case "kqueue":
      return openKqueue(trigger, kqueueLibrary);
  }
}

function openKqueue(trigger: Trigger, library: string | null): Poller {
  try {
    return new KqueuePoller({ trigger, library });
  } catch (error) {
    if (!(error instanceof UnsupportedPlatformError)) throw error;
    throw refuse(error.message, error);
  }
}
