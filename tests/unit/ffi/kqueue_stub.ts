// A kqueue made of JavaScript, for tests that must run where there is none: it
// keeps filters, brings the events that it is told of, and notes every call.
// What it reads and writes is laid out here once more, from the headers.
import {
  closeFd,
  constants,
  errnoNumber,
  KQUEUE_LAYOUTS,
  type KqueueLayout,
  type KqueueSource,
  openLibc,
  openSocket,
  Wakeup,
} from "../../../ffi/mod.ts";

export const ADD = 0x1;
export const DELETE = 0x2;
export const CLEAR = 0x20;
export const RECEIPT = 0x40;
export const ERROR = 0x4000;
export const EOF = 0x8000;

/** The fields of a `struct kevent`. */
export interface Fields {
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly fflags: number;
  readonly data: number;
  readonly udata: number;
}

/** One call of `kevent`. */
export interface Call {
  readonly changes: readonly Fields[];
  /** The change list as it came. */
  readonly bytes: Uint8Array;
  readonly eventsMax: number;
  /** The words of `struct timespec`; null = for ever. */
  readonly time: readonly number[] | null;
}

export class KqueueStub {
  readonly layout: KqueueLayout;
  readonly source: KqueueSource;
  readonly calls: Call[] = [];
  /** By "ident filter"; ready ones bring an event. */
  readonly filters: Map<string, Fields & { readonly isReady: boolean }> =
    new Map();
  /** Says with which errno a change is refused; 0 = taken. */
  refuse: (change: Fields) => number = () => 0;
  /** Errors with which the next calls fail, before or after their changes. */
  readonly failures: { errno: string; afterChanges: boolean }[] = [];
  readonly #open: number[] = [];

  constructor(layout: KqueueLayout = KQUEUE_LAYOUTS.freebsd, native = true) {
    this.layout = layout;
    this.source = {
      layout,
      native,
      calls: {
        // Any descriptor will do: whoever opened the queue closes it.
        kqueue: () => openSocket(constants.AF_INET),
        kevent: (_queue, changes, count, events, eventsMax, time) =>
          this.#kevent(
            changes as Uint8Array | null,
            Number(count),
            events as Uint8Array | null,
            Number(eventsMax),
            time as Uint32Array | null,
          ),
      },
    };
  }

  /** The direction and the number of each filter, sorted. */
  get known(): string[] {
    return [...this.filters.keys()].sort();
  }

  nameOf(ident: number, filter: number): string {
    const isRead = filter === this.layout.EVFILT_READ;
    if (isRead) return `${ident} read`;
    return filter === this.layout.EVFILT_WRITE
      ? `${ident} write`
      : `${ident} user`;
  }

  /** Has a filter bring an event from the next wait on. */
  makeReady(name: string, more: Partial<Fields> = {}): void {
    const filter = this.filters.get(name);
    if (filter === undefined) throw new Error(`No filter "${name}"`);
    this.filters.set(name, { ...filter, ...more, isReady: true });
  }

  /** Has a filter bring none. */
  makeQuiet(name: string): void {
    const filter = this.filters.get(name);
    if (filter !== undefined) {
      this.filters.set(name, { ...filter, isReady: false });
    }
  }

  /** A pipe that may be registered; closed by {@link close}. */
  descriptor(): number {
    const { readFd, writeFd } = Wakeup.open("pipe");
    this.#open.push(readFd, writeFd);
    return readFd;
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeFd(fd);
  }

  #kevent(
    changes: Uint8Array | null,
    count: number,
    events: Uint8Array | null,
    eventsMax: number,
    time: Uint32Array | null,
  ): number {
    const { size } = this.layout;
    const bytes = changes?.slice(0, count * size) ?? new Uint8Array();
    const list = Array.from({ length: count }, (_, n) => this.#read(bytes, n));
    this.calls.push({
      changes: list,
      bytes,
      eventsMax,
      time: time === null ? null : [...time],
    });
    const failure = this.failures.shift();
    if (failure !== undefined && !failure.afterChanges) {
      return this.#fail(failure.errno);
    }
    const brought: Fields[] = [];
    for (const change of list) {
      const errno = this.#change(change);
      if (errno !== 0 || (change.flags & RECEIPT) !== 0) {
        brought.push({ ...change, flags: ERROR, data: errno });
      }
    }
    if (failure !== undefined) return this.#fail(failure.errno);
    for (const [name, filter] of this.filters) {
      if (!filter.isReady || brought.length >= eventsMax) continue;
      brought.push(filter);
      if ((filter.flags & CLEAR) !== 0) this.makeQuiet(name);
    }
    for (const [n, fields] of brought.entries()) {
      this.#write(events as Uint8Array, n, fields);
    }
    return brought.length;
  }

  #fail(errno: string): number {
    openLibc().errno[0] = errnoNumber(errno);
    return -1;
  }

  #change(change: Fields): number {
    const errno = this.refuse(change);
    if (errno !== 0) return errno;
    const name = this.nameOf(change.ident, change.filter);
    if ((change.flags & DELETE) !== 0) {
      return this.filters.delete(name) ? 0 : errnoNumber("ENOENT");
    }
    const former = this.filters.get(name);
    if ((change.flags & ADD) !== 0) {
      const flags = change.flags & (ADD | CLEAR);
      this.filters.set(name, {
        ...change,
        flags,
        isReady: former?.isReady ?? false,
      });
    }
    return 0;
  }

  #read(bytes: Uint8Array, index: number): Fields {
    const { size, filter, flags, filterSize, fflags, data, udata } =
      this.layout;
    const view = new DataView(bytes.buffer, bytes.byteOffset + index * size);
    return {
      ident: Number(view.getBigUint64(0, true)),
      filter: filterSize === 2
        ? view.getInt16(filter, true)
        : view.getInt32(filter, true),
      flags: filterSize === 2
        ? view.getUint16(flags, true)
        : view.getUint32(flags, true),
      fflags: view.getUint32(fflags, true),
      data: Number(view.getBigInt64(data, true)),
      udata: Number(view.getBigUint64(udata, true)),
    };
  }

  #write(bytes: Uint8Array, index: number, fields: Fields): void {
    const { size, filter, flags, filterSize, fflags, data, udata } =
      this.layout;
    const view = new DataView(bytes.buffer, bytes.byteOffset + index * size);
    view.setBigUint64(0, BigInt(fields.ident), true);
    if (filterSize === 2) {
      view.setInt16(filter, fields.filter, true);
      view.setUint16(flags, fields.flags, true);
    } else {
      view.setInt32(filter, fields.filter, true);
      view.setUint32(flags, fields.flags, true);
    }
    view.setUint32(fflags, fields.fflags, true);
    view.setBigInt64(data, BigInt(fields.data), true);
    view.setBigUint64(udata, BigInt(fields.udata), true);
  }
}
