// libzmq: stream_connecter_base.{hpp,cpp}, tcp_connecter.cpp · runs on: io thread · RFC: –

import {
  bindSocket,
  closeFd,
  connectSocket,
  errnoNumber,
  openSocket,
  peerAddress,
  socketError,
} from "../../ffi/mod.ts";
import type {
  Connecter,
  Engine,
  IoContext,
  SessionPort,
} from "../core/transport.ts";
import type { PollEvents, PollHandle } from "../poller/poller.ts";
import type { Timer } from "../poller/timer_queue.ts";
import { tryAgainLater } from "./reconnect_interval.ts";
import type { StreamProtocol, StreamTarget } from "./stream_protocol.ts";

const EALREADY = -errnoNumber("EALREADY");
const EINPROGRESS = -errnoNumber("EINPROGRESS");

/**
 * Finds out where to connect to; `null` when that cannot be known now.
 *
 * @returns A function that ends the search.
 */
export type Resolve = (
  found: (target: StreamTarget | null) => void,
) => () => void;

/**
 * Tries to connect until it has a connection, with a growing pause between
 * two tries if the options say so. The name is looked up at every try.
 */
export class StreamConnecter implements Connecter, PollEvents {
  readonly #io: IoContext;
  readonly #session: SessionPort;
  readonly #protocol: StreamProtocol;
  readonly #resolve: Resolve;
  readonly #createEngine: (fd: number) => Engine;
  #fd = -1;
  #handle: PollHandle | null = null;
  /** Where the attempt under way leads. */
  #sockaddr: Uint8Array = new Uint8Array(0);
  #timer: Timer | null = null;
  #endSearch: (() => void) | null = null;
  #closed = false;

  constructor(
    io: IoContext,
    session: SessionPort,
    protocol: StreamProtocol,
    resolve: Resolve,
    createEngine: (fd: number) => Engine,
    wait: boolean,
  ) {
    this.#io = io;
    this.#session = session;
    this.#protocol = protocol;
    this.#resolve = resolve;
    this.#createEngine = createEngine;
    if (wait) this.#retryLater();
    // Never from inside the constructor: the session must know us first.
    else io.continueLater(() => this.#try());
  }

  inEvent(): void {
    this.outEvent();
  }

  /** The attempt came to an end, one way or the other. */
  outEvent(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    const handle = this.#handle;
    if (socketError(fd) < 0 || this.#protocol.isSelfConnection(fd)) {
      this.#failed();
    } else if (handle === null || peerAddress(fd) !== null) this.#connected();
    else if (connectSocket(fd, this.#sockaddr) === EALREADY) {
      // Told too early, which pollers may: the attempt goes on.
      this.#io.poller.outputExhausted(handle);
    } else {
      // It failed, and somebody else has read why (libkqueue does).
      this.#failed();
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#endSearch?.();
    this.#endSearch = null;
    this.#dropDescriptor();
  }

  #try(): void {
    if (this.#closed) return;
    let answered = false;
    const endSearch = this.#resolve((target) => {
      answered = true;
      this.#endSearch = null;
      if (this.#closed) return;
      if (target === null) this.#failed();
      else this.#open(target);
    });
    if (!answered) this.#endSearch = endSearch;
  }

  #open(target: StreamTarget): void {
    const { options } = this.#session;
    const fd = openSocket(target.family);
    if (fd < 0) {
      this.#failed();
      return;
    }
    this.#fd = fd;
    if (this.#protocol.tuneConnecting(fd, options) < 0) {
      this.#failed();
      return;
    }
    if (target.source !== null && bindSocket(fd, target.source) < 0) {
      this.#failed();
      return;
    }
    this.#sockaddr = target.sockaddr;
    const result = connectSocket(fd, target.sockaddr);
    if (result === 0) {
      this.outEvent();
      return;
    }
    if (result !== EINPROGRESS) {
      this.#failed();
      return;
    }
    const handle = this.#io.poller.add(fd, this);
    if (typeof handle === "number") {
      this.#failed();
      return;
    }
    this.#handle = handle;
    this.#io.poller.setInterest(handle, false, true);
    if (options.connectTimeout > 0) {
      this.#timer = this.#io.timers.add(options.connectTimeout, () => {
        this.#timer = null;
        this.#failed();
      });
    }
  }

  #connected(): void {
    const fd = this.#fd;
    this.#cancelTimer();
    if (this.#handle !== null) this.#io.poller.remove(this.#handle);
    this.#handle = null;
    this.#fd = -1;
    this.#closed = true;
    this.#session.reconnectIntervalMs = 0;
    this.#protocol.tune(fd, this.#session.options);
    this.#session.attach(this.#createEngine(fd));
  }

  #failed(): void {
    this.#dropDescriptor();
    this.#cancelTimer();
    this.#retryLater();
  }

  #retryLater(): void {
    this.#timer = tryAgainLater(this.#io, this.#session, () => {
      this.#timer = null;
      this.#try();
    });
  }

  #cancelTimer(): void {
    if (this.#timer !== null) this.#io.timers.cancel(this.#timer);
    this.#timer = null;
  }

  #dropDescriptor(): void {
    if (this.#handle !== null) this.#io.poller.remove(this.#handle);
    this.#handle = null;
    if (this.#fd >= 0) closeFd(this.#fd);
    this.#fd = -1;
  }
}
