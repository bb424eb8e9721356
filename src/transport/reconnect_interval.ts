// libzmq: stream_connecter_base.cpp (get_new_reconnect_ivl) · runs on: io thread · RFC: –

import { INT32_MAX } from "../base/option_values.ts";
import type { SocketOptions } from "../base/options.ts";
import type { IoContext, SessionPort } from "../core/transport.ts";
import type { Timer } from "../poller/timer_queue.ts";

/**
 * How long to wait before the next try.
 *
 * Without a maximum the interval is spread at random over once to twice its
 * length, so that many clients do not come back at once; with a maximum it
 * doubles up to there.
 *
 * @param lastMs What the last call returned as `nextMs`; 0 after a success.
 * @param random 32 random bits.
 */
export function nextReconnectInterval(
  options: SocketOptions,
  lastMs: number,
  random: number,
): { waitMs: number; nextMs: number } {
  const { reconnectInterval: interval, reconnectMaxInterval: max } = options;
  if (max <= 0) return { waitMs: interval + random % interval, nextMs: 0 };
  const waitMs = Math.min(lastMs === 0 ? interval : lastMs, max);
  return { waitMs, nextMs: Math.min(2 * waitMs, max, INT32_MAX) };
}

/**
 * Tries once more after the session's interval, or tells the session that this
 * was the last try.
 *
 * @returns The timer, `null` after the last try.
 */
export function tryAgainLater(
  io: IoContext,
  session: SessionPort,
  tryAgain: () => void,
): Timer | null {
  const { options } = session;
  // -1 and 0: the first try was the last one.
  if (options.reconnectInterval <= 0) {
    session.gaveUp();
    return null;
  }
  const { waitMs, nextMs } = nextReconnectInterval(
    options,
    session.reconnectIntervalMs,
    io.thread.platform.random32(),
  );
  session.reconnectIntervalMs = nextMs;
  return io.timers.add(waitMs, tryAgain);
}
