import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  EV_ADD,
  EV_CLEAR,
  EV_EOF,
  EV_ERROR,
  Kevents,
  KQUEUE_LAYOUTS,
  type KqueueSystem,
  nativeKqueueLayout,
  NOTE_TRIGGER,
} from "../../../ffi/mod.ts";

/** Bytes as text, in groups of eight. */
function hex(bytes: Uint8Array): string {
  const all = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const words: string[] = [];
  for (let i = 0; i < all.length; i += 8) {
    words.push(all.slice(i, i + 8).join(""));
  }
  return words.join(" ");
}

const ZERO = "0000000000000000";

// ident 0x12345, flags EV_ADD | EV_CLEAR, fflags 0x01000000, data 0, udata
// 0x0a0b0c0d0e: written down from the systems' headers, byte by byte.
const READ: Record<KqueueSystem, string> = {
  darwin: `4523010000000000 ffff210000000001 ${ZERO} 0e0d0c0b0a000000`,
  openbsd: `4523010000000000 ffff210000000001 ${ZERO} 0e0d0c0b0a000000`,
  libkqueue: `4523010000000000 ffff210000000001 ${ZERO} 0e0d0c0b0a000000`,
  freebsd: `4523010000000000 ffff210000000001 ${ZERO} 0e0d0c0b0a000000 ` +
    `${ZERO} ${ZERO} ${ZERO} ${ZERO}`,
  netbsd9: `4523010000000000 0000000021000000 0000000100000000 ${ZERO} ` +
    "0e0d0c0b0a000000",
  netbsd10: `4523010000000000 0000000021000000 0000000100000000 ${ZERO} ` +
    `0e0d0c0b0a000000 ${ZERO} ${ZERO} ${ZERO} ${ZERO}`,
};

// The same with the filter for writing and without the rest.
const WRITE: Record<KqueueSystem, string> = {
  darwin: `0300000000000000 feff020000000000 ${ZERO} ${ZERO}`,
  openbsd: `0300000000000000 feff020000000000 ${ZERO} ${ZERO}`,
  libkqueue: `0300000000000000 feff020000000000 ${ZERO} ${ZERO}`,
  freebsd: `0300000000000000 feff020000000000 ${ZERO} ${ZERO} ` +
    `${ZERO} ${ZERO} ${ZERO} ${ZERO}`,
  netbsd9: `0300000000000000 0100000002000000 ${ZERO} ${ZERO} ${ZERO}`,
  netbsd10: `0300000000000000 0100000002000000 ${ZERO} ${ZERO} ${ZERO} ` +
    `${ZERO} ${ZERO} ${ZERO} ${ZERO}`,
};

const USER: Record<KqueueSystem, number | null> = {
  darwin: -10,
  freebsd: -11,
  netbsd9: null,
  netbsd10: 8,
  openbsd: null,
  libkqueue: -11,
};

const SIZES: Record<KqueueSystem, number> = {
  darwin: 32,
  freebsd: 64,
  netbsd9: 40,
  netbsd10: 72,
  openbsd: 32,
  libkqueue: 32,
};

for (const system of Object.keys(KQUEUE_LAYOUTS) as KqueueSystem[]) {
  const layout = KQUEUE_LAYOUTS[system];
  describe(`struct kevent of ${system}`, () => {
    test("is written byte by byte", () => {
      assert.equal(layout.size, SIZES[system]);
      const kevents = new Kevents(layout, 3);
      kevents.bytes.fill(0xee);
      const { EVFILT_READ, EVFILT_WRITE } = layout;
      const flags = EV_ADD | EV_CLEAR;
      kevents.set(1, 0x12345, EVFILT_READ, flags, NOTE_TRIGGER, 0x0a0b0c0d0e);
      kevents.set(2, 3, EVFILT_WRITE, 2, 0, 0);
      const at = (index: number) =>
        hex(
          kevents.bytes.subarray(
            index * layout.size,
            (index + 1) * layout.size,
          ),
        );
      assert.equal(at(1), READ[system]);
      assert.equal(at(2), WRITE[system]);
      assert.match(at(0), /^(ee| )+$/, "nothing beside it");
    });

    test("is read as it was written", () => {
      const kevents = new Kevents(layout, 2);
      const filter = layout.EVFILT_WRITE;
      const flags = EV_EOF | EV_ERROR;
      kevents.set(1, 1023, filter, flags, 0xfedcba98, 2 ** 40 + 7);
      const view = new DataView(kevents.bytes.buffer);
      view.setBigInt64(layout.size + layout.data, -(2n ** 40n) - 3n, true);
      assert.equal(kevents.ident(1), 1023);
      assert.equal(kevents.filter(1), filter);
      assert.equal(kevents.flags(1), flags);
      assert.equal(kevents.fflags(1), 0xfedcba98);
      assert.equal(kevents.data(1), -(2 ** 40) - 3);
      assert.equal(kevents.udata(1), 2 ** 40 + 7);
      for (const read of ["ident", "filter", "flags", "data"] as const) {
        assert.equal(kevents[read](0), 0, read);
      }
    });

    test("gets more flags where it stands", () => {
      const kevents = new Kevents(layout, 3);
      for (let i = 0; i < 3; i++) {
        kevents.set(i, i, layout.EVFILT_READ, EV_ADD, 0, i);
      }
      const part = kevents.from(1, 2, 0x40);
      assert.equal(part.length, 2 * layout.size);
      assert.equal(part[0], 1, "the second one comes first");
      const flags = [0, 1, 2].map((i) => kevents.flags(i));
      assert.deepEqual(flags, [EV_ADD, EV_ADD | 0x40, EV_ADD | 0x40]);
      assert.equal(kevents.filter(1), layout.EVFILT_READ);
    });

    test("has user events, or does not", () => {
      assert.equal(layout.EVFILT_USER, USER[system]);
    });
  });
}

test("a system's own kqueue is known by its name", () => {
  assert.equal(nativeKqueueLayout("darwin"), KQUEUE_LAYOUTS.darwin);
  assert.equal(nativeKqueueLayout("freebsd"), KQUEUE_LAYOUTS.freebsd);
  assert.equal(nativeKqueueLayout("linux"), null);
  assert.equal(KQUEUE_LAYOUTS.netbsd9.symbol, "__kevent50");
  assert.equal(KQUEUE_LAYOUTS.netbsd10.symbol, "__kevent100");
});

test("a list for no kevents is refused", () => {
  assert.throws(() => new Kevents(KQUEUE_LAYOUTS.darwin, 0), RangeError);
});
