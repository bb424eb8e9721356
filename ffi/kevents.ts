import type { KqueueLayout } from "./kqueue_layout.ts";

/**
 * An array of `struct kevent` in a system's own layout. Descriptors, data and
 * user data are safe integers; user data is a number here, not a pointer.
 */
export class Kevents {
  readonly capacity: number;
  /** What the kernel reads or fills. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #layout: KqueueLayout;

  constructor(layout: KqueueLayout, capacity: number) {
    if (!(capacity >= 1)) {
      throw new RangeError(`Cannot hold kevents: capacity is ${capacity}`);
    }
    this.capacity = capacity;
    this.#layout = layout;
    const buffer = new ArrayBuffer(capacity * layout.size);
    this.bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** Writes all fields of an element; what a system has beyond them is 0. */
  set(
    index: number,
    ident: number,
    filter: number,
    flags: number,
    fflags: number,
    udata: number,
  ): void {
    const layout = this.#layout;
    const view = this.#view;
    const at = index * layout.size;
    this.bytes.fill(0, at, at + layout.size);
    setWord(view, at, ident);
    if (layout.filterSize === 2) {
      view.setInt16(at + layout.filter, filter, true);
      view.setUint16(at + layout.flags, flags, true);
    } else {
      view.setUint32(at + layout.filter, filter, true);
      view.setUint32(at + layout.flags, flags, true);
    }
    view.setUint32(at + layout.fflags, fflags, true);
    setWord(view, at + layout.udata, udata);
  }

  /** The bytes of some elements, after more EV_* bits were set in them. */
  from(start: number, count: number, moreFlags: number): Uint8Array {
    const { size, flags } = this.#layout;
    for (let i = start; i < start + count; i++) {
      // All that are given are in the lower half of both forms.
      const at = i * size + flags;
      const before = this.#view.getUint16(at, true);
      this.#view.setUint16(at, before | moreFlags, true);
    }
    return this.bytes.subarray(start * size, (start + count) * size);
  }

  /** Leaves nothing of what was in it. */
  clear(): void {
    this.bytes.fill(0);
  }

  ident(index: number): number {
    return this.#word(index, 0);
  }

  filter(index: number): number {
    const { filter, filterSize, size } = this.#layout;
    const at = index * size + filter;
    return filterSize === 2
      ? this.#view.getInt16(at, true)
      : this.#view.getUint32(at, true);
  }

  /** EV_* bits. */
  flags(index: number): number {
    const { flags, filterSize, size } = this.#layout;
    const at = index * size + flags;
    return filterSize === 2
      ? this.#view.getUint16(at, true)
      : this.#view.getUint32(at, true);
  }

  fflags(index: number): number {
    const { fflags, size } = this.#layout;
    return this.#view.getUint32(index * size + fflags, true);
  }

  /** Bytes to read or room to write; with EV_ERROR an errno. */
  data(index: number): number {
    return this.#word(index, this.#layout.data);
  }

  udata(index: number): number {
    return this.#word(index, this.#layout.udata);
  }

  /** A signed 64-bit field, exact for safe integers, without a BigInt. */
  #word(index: number, offset: number): number {
    const at = index * this.#layout.size + offset;
    const view = this.#view;
    return view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;
  }
}

function setWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true); // modulo 2^32
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
}
