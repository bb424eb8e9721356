// libzmq: stream_listener_base.{hpp,cpp}, tcp_listener.cpp (accept) · runs on: io thread · RFC: –

import {
  acceptSocket,
  closeFd,
  errnoName,
  errnoNumber,
} from "../../ffi/mod.ts";
import type { IoContext, Listener } from "../core/transport.ts";
import type { PollEvents, PollHandle } from "../poller/poller.ts";
import type { Timer } from "../poller/timer_queue.ts";

const EAGAIN = -errnoNumber("EAGAIN");

/** Connections accepted before others get their turn. */
const ACCEPTS_PER_TURN_MAX = 64;

/** Pauses after running out of descriptors, ms. */
const BACK_OFF_MS_FIRST = 10;
const BACK_OFF_MS_MAX = 1000;

/** Errors that say that resources are short, not that a peer is gone. */
const EXHAUSTED: ReadonlySet<string> = new Set([
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
]);

/** Accepts connections on a listening descriptor. */
export class StreamListener implements Listener, PollEvents {
  readonly #io: IoContext;
  readonly #fd: number;
  readonly #accepted: (fd: number) => void;
  readonly #onClose: () => void;
  #handle: PollHandle | null = null;
  #timer: Timer | null = null;
  #backOffMs = BACK_OFF_MS_FIRST;
  #closed = false;

  /** @param onClose Removes what the listener left in the file system. */
  constructor(
    io: IoContext,
    fd: number,
    accepted: (fd: number) => void,
    onClose: () => void,
  ) {
    this.#io = io;
    this.#fd = fd;
    this.#accepted = accepted;
    this.#onClose = onClose;
    this.#watch();
  }

  inEvent(): void {
    for (let n = 0; n < ACCEPTS_PER_TURN_MAX && !this.#closed; n++) {
      const fd = acceptSocket(this.#fd);
      if (fd < 0) {
        if (fd === EAGAIN) this.#exhausted();
        else if (EXHAUSTED.has(errnoName(-fd))) this.#backOff();
        // Anything else is about one connection that is gone already.
        return;
      }
      this.#backOffMs = BACK_OFF_MS_FIRST;
      this.#accepted(fd);
    }
  }

  outEvent(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) this.#io.timers.cancel(this.#timer);
    if (this.#handle !== null) this.#io.poller.remove(this.#handle);
    closeFd(this.#fd);
    this.#onClose();
  }

  #exhausted(): void {
    if (this.#handle !== null) this.#io.poller.inputExhausted(this.#handle);
  }

  /** Stops polling for a while, so that a full table does not burn a core. */
  #backOff(): void {
    if (this.#handle !== null) {
      this.#io.poller.setInterest(this.#handle, false, false);
    }
    this.#timer = this.#io.timers.add(this.#backOffMs, () => {
      this.#timer = null;
      this.#watch();
    });
    this.#backOffMs = Math.min(2 * this.#backOffMs, BACK_OFF_MS_MAX);
  }

  #watch(): void {
    if (this.#handle === null) {
      const handle = this.#io.poller.add(this.#fd, this);
      if (typeof handle === "number") {
        this.#backOff();
        return;
      }
      this.#handle = handle;
    }
    this.#io.poller.setInterest(this.#handle, true, false);
  }
}
