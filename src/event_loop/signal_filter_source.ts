// libzmq: none · runs on: any · RFC: –

import {
  EVFILT_SIGNAL,
  ignoreDefaultSignal,
  restoreDefaultSignal,
  signalName,
} from "../../ffi/mod.ts";
import type { FilterEvent, FilterQueue } from "./kevent_filters.ts";
import { type LoopHost, OpenSource } from "./loop_host.ts";
import type { SignalEvent } from "./signal_source.ts";

/** The signals of one loop, by filters of a kqueue: no thread has to listen. */
export class FilterSignals {
  readonly #loop: LoopHost;
  readonly #filters: FilterQueue;
  /** How many sources a signal has, and whether it did its default before. */
  readonly #users: Map<number, { count: number; hadDefault: boolean }> =
    new Map();

  constructor(loop: LoopHost, filters: FilterQueue) {
    this.#loop = loop;
    this.#filters = filters;
  }

  watch(
    number: number,
    callback: (event: SignalEvent) => void,
    call: string,
  ): FilterSignalSource {
    const signal = signalName(number);
    const told: FilterEvent = (_notes, count) =>
      this.#loop.tell(callback, { signal, count });
    this.#filters.add(number, EVFILT_SIGNAL, 0, told, call, { signal });
    const users = this.#users.get(number);
    if (users !== undefined) users.count++;
    else {
      // Told of it is only who survives it.
      const hadDefault = ignoreDefaultSignal(number);
      this.#users.set(number, { count: 1, hadDefault });
    }
    return new FilterSignalSource(this.#loop, this, number, told);
  }

  forget(number: number, told: FilterEvent): void {
    const users = this.#users.get(number);
    if (users !== undefined && --users.count === 0) {
      this.#users.delete(number);
      if (users.hadDefault) restoreDefaultSignal(number);
    }
    this.#filters.remove(number, EVFILT_SIGNAL, told);
  }
}

/** One signal that somebody waits for, by a filter. */
export class FilterSignalSource extends OpenSource {
  readonly #signals: FilterSignals;
  readonly #number: number;
  readonly #told: FilterEvent;

  constructor(
    loop: LoopHost,
    signals: FilterSignals,
    number: number,
    told: FilterEvent,
  ) {
    super(loop);
    this.#signals = signals;
    this.#number = number;
    this.#told = told;
  }

  protected override release(): void {
    this.#signals.forget(this.#number, this.#told);
  }
}
