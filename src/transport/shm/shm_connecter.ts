// libzmq: none · runs on: io thread · RFC: –

import type {
  Connecter,
  IoContext,
  SessionPort,
} from "../../core/transport.ts";
import type { Timer } from "../../poller/timer_queue.ts";
import { Waiting } from "../../shm/layout.ts";
import { QueueAttachment } from "../../shm/queue_attachment.ts";
import { DEFAULT_DIRECTORY, queuePaths } from "../../shm/queue_names.ts";
import { ShmError } from "../../shm/shm_error.ts";
import { tryAgainLater } from "../reconnect_interval.ts";
import { SubscribingEngine } from "./subscribing_engine.ts";

/**
 * Tries to open a publisher's queue until there is one. Whoever comes to a
 * publisher that is there begins behind its newest message, whoever has waited
 * for it at its first one.
 */
export class ShmConnecter implements Connecter {
  readonly #io: IoContext;
  readonly #session: SessionPort;
  readonly #queue: string;
  readonly #epochs: WeakMap<SessionPort, number>;
  #waited: boolean;
  #timer: Timer | null = null;
  #closed = false;

  /** @param epochs The epoch that each session has read from last. */
  constructor(
    io: IoContext,
    session: SessionPort,
    queue: string,
    epochs: WeakMap<SessionPort, number>,
    wait: boolean,
  ) {
    this.#io = io;
    this.#session = session;
    this.#queue = queue;
    this.#epochs = epochs;
    this.#waited = wait;
    if (wait) this.#retryLater();
    // Never from inside the constructor: the session must know us first.
    else io.continueLater(() => this.#try());
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) this.#io.timers.cancel(this.#timer);
    this.#timer = null;
  }

  #try(): void {
    if (this.#closed) return;
    const attachment = this.#attach();
    if (attachment === null) {
      this.#waited = true;
      this.#retryLater();
      return;
    }
    this.#closed = true;
    this.#session.reconnectIntervalMs = 0;
    this.#epochs.set(this.#session, attachment.identity.epoch);
    this.#session.attach(
      new SubscribingEngine(this.#io, this.#session, attachment),
    );
  }

  /** Null without a living publisher. */
  #attach(): QueueAttachment | null {
    const found = this.#open(this.#waited ? "oldest" : "newest");
    if (found === null) return null;
    const { identity } = found;
    if (!this.#waited || identity.epoch !== this.#epochs.get(this.#session)) {
      return found;
    }
    // The same publisher as before: what it wrote first was read then.
    found.close(false);
    return this.#open("newest");
  }

  #open(from: "newest" | "oldest"): QueueAttachment | null {
    let attachment: QueueAttachment | null = null;
    try {
      const paths = queuePaths(this.#queue, DEFAULT_DIRECTORY);
      attachment = QueueAttachment.open(paths, from);
      const isGood = attachment !== null && !attachment.isClosed &&
        attachment.isAlive && attachment.identity.waiting === Waiting.FUTEX &&
        attachment.identity.holdBackMs < 0;
      if (isGood) return attachment;
    } catch (error) {
      if (!(error instanceof ShmError)) throw error;
      // Like a connection that is refused: it may be better next time.
    }
    attachment?.close(false);
    return null;
  }

  #retryLater(): void {
    this.#timer = tryAgainLater(this.#io, this.#session, () => {
      this.#timer = null;
      this.#try();
    });
  }
}
