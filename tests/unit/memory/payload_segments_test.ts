import assert from "node:assert/strict";
import { closeSync, openSync, readSync } from "node:fs";
import { describe, test } from "node:test";
import { host, threadAlive } from "../../../ffi/mod.ts";
import { H, THREAD } from "../../../src/memory/layout.ts";
import { PAGE_BYTES } from "../../../src/memory/page_map.ts";
import {
  ALLOCATION_MAX_BYTES,
  FIRST_SEGMENT_BYTES,
  PayloadSegments,
  SEGMENT_MAX_BYTES,
} from "../../../src/memory/payload_segments.ts";
import {
  allocationSize,
  CHUNK_BYTES,
  CLASS_BYTES,
} from "../../../src/memory/size_class.ts";
import {
  assertNothingUsed,
  FakeCourier,
  header,
  limitMemory,
  shareMemory,
  useThread,
  type View,
  viewMemory,
} from "../../support/memory_fixture.ts";
import { seededRandom } from "../../support/seed.ts";
import { testUnless } from "../../support/skip.ts";
import { within } from "../../support/wait.ts";
import { startWorker } from "./fixtures/start_worker.ts";

const MIB = 1 << 20;

/** Sizes of every class, runs between and beyond them, and odd ones. */
const SIZES = [
  1,
  255,
  257,
  ...CLASS_BYTES,
  20_000,
  3 * PAGE_BYTES,
  5 * PAGE_BYTES,
  100_000,
  MIB,
  10 * MIB,
];

/** What lies there, as bytes of the segment. */
function content(view: View, ref: number, bytes: number): Uint8Array {
  const at = view.payload.offset(ref);
  return view.payload.bytesOf(ref).subarray(at, at + bytes);
}

/** Bytes of the segments that the system holds in memory. */
function residentBytes(view: View): number {
  const pagemap = openSync("/proc/self/pagemap", "r");
  try {
    let resident = 0;
    view.payload.bytes.forEach((bytes, segment) => {
      const first = Math.floor(
        view.payload.segmentAddress(segment << 23) / 4096,
      );
      const entries = new Uint8Array(8 * Math.ceil(bytes.length / 4096));
      let have = 0;
      while (have < entries.length) {
        const left = entries.length - have;
        const count = readSync(pagemap, entries, have, left, 8 * first + have);
        assert.ok(count > 0);
        have += count;
      }
      // Bit 63 of an entry: the page is present.
      for (let at = 7; at < entries.length; at += 8) {
        if (((entries[at] as number) & 0x80) !== 0) resident += 4096;
      }
    });
    return resident;
  } finally {
    closeSync(pagemap);
  }
}

describe("allocating", () => {
  test("every size is charged, usable whole, and comes back", () => {
    const view = viewMemory();
    const live = SIZES.map((bytes, index) => {
      const before = header(view, H.MEMORY_USED);
      const ref = view.payload.allocate(bytes);
      assert.notEqual(ref, 0);
      const charged = (header(view, H.MEMORY_USED) - before) * 256;
      assert.equal(charged, allocationSize(bytes));
      content(view, ref, bytes).fill(index + 1);
      return { ref, bytes };
    });
    live.forEach(({ ref, bytes }, index) => {
      const all = content(view, ref, bytes);
      assert.ok(all.every((byte) => byte === index + 1), `${bytes} bytes`);
      assert.equal(
        view.payload.addressOf(ref),
        view.payload.segmentAddress(ref) + view.payload.offset(ref),
      );
      view.payload.free(ref, bytes);
    });
    assertNothingUsed(view);
  });

  test("what was freed is used again", () => {
    const view = viewMemory();
    for (const bytes of SIZES) {
      const seen = new Set<number>();
      for (let n = 0; n < 1000; n += 1) {
        const ref = view.payload.allocate(bytes);
        view.payload.free(ref, bytes);
        seen.add(ref);
      }
      assert.ok(seen.size <= 64, `${seen.size} places for ${bytes} bytes`);
    }
    assert.equal(header(view, H.SEGMENT_COUNT), 1);
  });

  test("at the limit nothing is given, below it all of it", () => {
    const view = viewMemory();
    limitMemory(view, MIB);
    const refs: number[] = [];
    for (;;) {
      const ref = view.payload.allocate(CHUNK_BYTES);
      if (ref === 0) break;
      refs.push(ref);
    }
    assert.equal(refs.length, 16);
    assert.equal(view.payload.allocate(1), 0);
    view.payload.free(refs.pop() as number, CHUNK_BYTES);
    assert.equal(view.payload.allocate(CHUNK_BYTES + 1), 0);
    const small = view.payload.allocate(256);
    assert.notEqual(small, 0);
    view.payload.free(small, 256);
    for (const ref of refs) view.payload.free(ref, CHUNK_BYTES);
    assertNothingUsed(view);
  });

  test("a refusal charges nothing, not even for a moment", () => {
    const view = viewMemory();
    limitMemory(view, MIB);
    let highest = 0;
    const { words } = view.control;
    const used = { get: () => Atomics.load(words, H.MEMORY_USED) };
    for (let n = 0; n < 100; n += 1) {
      assert.equal(view.payload.allocate(2 * MIB), 0);
      highest = Math.max(highest, used.get());
    }
    assert.equal(highest, 0);
  });

  test("the guaranteed minimum passes the limit, and is counted", () => {
    const view = viewMemory();
    limitMemory(view, 256);
    const ref = view.payload.allocate(4096);
    assert.equal(ref, 0);
    const guaranteed = view.payload.allocate(4096, true);
    assert.notEqual(guaranteed, 0);
    assert.equal(header(view, H.MEMORY_USED), 16);
    assert.equal(view.payload.allocate(1), 0);
    view.payload.free(guaranteed, 4096);
    assertNothingUsed(view);
  });

  test("a thread that waits is told when memory comes free", () => {
    const view = viewMemory();
    const thread = useThread(view, 2);
    limitMemory(view, CHUNK_BYTES);
    const ref = view.payload.allocate(CHUNK_BYTES);
    assert.equal(view.payload.allocate(1), 0);
    view.control.wantMemory(2);
    assert.equal(view.control.words[thread + THREAD.MEMORY_CAME], 0);
    view.payload.free(ref, CHUNK_BYTES);
    assert.equal(view.control.words[thread + THREAD.MEMORY_CAME], 1);
  });

  test("more than any segment holds is refused", () => {
    const view = viewMemory();
    const too = [ALLOCATION_MAX_BYTES + 1, SEGMENT_MAX_BYTES, 2 ** 33];
    for (const bytes of too) assert.equal(view.payload.allocate(bytes), 0);
    assert.equal(header(view, H.SEGMENT_COUNT), 1, "no segment is tried");
    assertNothingUsed(view);
  });
});

/** The reaper's view of a memory, and that of a thread that may end. */
function keeperAndMaker(): { reaper: View; maker: View } {
  const courier = new FakeCourier();
  const maker = viewMemory({ courier });
  const reaper = viewMemory({ shared: maker.shared, courier, slot: 0 });
  return { reaper, maker };
}

describe("segments", () => {
  test("are added on demand and published before they are used", () => {
    const view = viewMemory();
    const first = view.payload.allocate(FIRST_SEGMENT_BYTES - MIB);
    assert.equal(view.payload.segment(first), 0);
    assert.equal(view.courier.published.size, 0);
    const second = view.payload.allocate(2 * MIB);
    assert.equal(view.payload.segment(second), 1);
    assert.deepEqual([...view.courier.published.keys()], [1]);
    assert.equal(header(view, H.SEGMENT_COUNT), 2);
    assert.ok((view.courier.published.get(1)?.byteLength ?? 0) < 2 ** 31);
    view.payload.free(first, FIRST_SEGMENT_BYTES - MIB);
    view.payload.free(second, 2 * MIB);
    assertNothingUsed(view);
  });

  test("reach a thread when it first meets a place in them", () => {
    const courier = new FakeCourier();
    const one = viewMemory({ courier });
    const other = viewMemory({ shared: one.shared, courier });
    const big = one.payload.allocate(FIRST_SEGMENT_BYTES);
    content(one, big, 4).set([1, 2, 3, 4]);
    assert.deepEqual(courier.obtained, []);
    assert.deepEqual([...content(other, big, 4)], [1, 2, 3, 4]);
    assert.equal(other.payload.addressOf(big), one.payload.addressOf(big));
    assert.deepEqual(courier.obtained, [1], "asked for once");
    other.payload.free(big, FIRST_SEGMENT_BYTES);
    assert.equal(one.payload.allocate(FIRST_SEGMENT_BYTES), big);
  });

  test("that cannot be published are not used", () => {
    const view = viewMemory();
    view.courier.failure = new Error("no way to the others");
    assert.throws(
      () => view.payload.allocate(FIRST_SEGMENT_BYTES),
      /no way to the others/,
    );
    assert.equal(header(view, H.SEGMENT_COUNT), 1);
    assert.equal(view.payload.bytes.length, 1);
    view.courier.failure = null;
    assert.notEqual(view.payload.allocate(FIRST_SEGMENT_BYTES), 0);
  });

  test("of one huge message are as large as it needs", () => {
    const view = viewMemory();
    const bytes = 600 * MIB;
    const ref = view.payload.allocate(bytes);
    assert.notEqual(ref, 0);
    const last = content(view, ref, bytes);
    last[bytes - 1] = 7;
    assert.equal(last[bytes - 1], 7);
    view.payload.free(ref, bytes);
    assertNothingUsed(view);
  });

  test("hold the largest allocation that is allowed", () => {
    const view = viewMemory();
    const ref = view.payload.allocate(ALLOCATION_MAX_BYTES);
    assert.notEqual(ref, 0);
    const map = view.payload.wordsOf(ref)[16];
    assert.equal(map, 33, "the page map is whole");
    content(view, ref, ALLOCATION_MAX_BYTES)[ALLOCATION_MAX_BYTES - 1] = 1;
    view.payload.free(ref, ALLOCATION_MAX_BYTES);
    assertNothingUsed(view);
  });

  test("are lent to nobody before the reaper has them, by who may end", () => {
    const { reaper, maker } = keeperAndMaker();
    let asked = 0;
    maker.payload.keeperRuns = () => {
      asked += 1;
      assert.ok(asked < 3, "what was kept is not waited for");
      if (asked === 2) reaper.payload.keep(1);
      return true;
    };
    const size = FIRST_SEGMENT_BYTES;
    const ref = maker.payload.allocate(size);
    assert.equal(asked, 2);
    assert.equal(header(maker, H.SEGMENTS_KEPT), 1 << 1);
    maker.payload.free(ref, size);
    assert.equal(maker.payload.allocate(size), ref);
    assert.equal(asked, 2, "once for each segment");
    // One that others made is waited for as well.
    const third = viewMemory({ shared: maker.shared, courier: maker.courier });
    const theirs = third.payload.allocate(size * 4);
    third.payload.free(theirs, size * 4);
    maker.payload.keeperRuns = () => {
      reaper.payload.keep(2);
      return ++asked < 10;
    };
    const more = maker.payload.allocate(MIB);
    assert.equal(maker.payload.segment(more), 0);
    assert.equal(asked, 2, "the first one came with the handle");
    assert.equal(maker.payload.segment(maker.payload.allocate(size * 3.5)), 2);
    assert.equal(header(maker, H.SEGMENTS_KEPT), 0b110);
  });

  test("are offered again when the reaper gave them up too early", () => {
    const { reaper, maker } = keeperAndMaker();
    const { courier } = reaper;
    let offered = 0;
    maker.payload.onAdded = () => offered += 1;
    maker.payload.keeperRuns = () => {
      const buffer = maker.payload.bytes[1]?.buffer as SharedArrayBuffer;
      if (offered === 1) courier.published.clear();
      else courier.published.set(1, buffer);
      reaper.payload.keep(1);
      return offered < 5;
    };
    maker.payload.allocate(FIRST_SEGMENT_BYTES);
    assert.equal(offered, 2);
    assert.equal(header(maker, H.SEGMENTS_KEPT), 1 << 1);
    assert.equal(header(maker, H.SEGMENTS_LOST), 0);
  });

  test("are not waited for when there is no reaper", () => {
    const { maker } = keeperAndMaker();
    maker.payload.keeperRuns = () => false;
    assert.notEqual(maker.payload.allocate(FIRST_SEGMENT_BYTES), 0);
    assert.equal(header(maker, H.SEGMENTS_KEPT), 0);
  });

  test("that are lost are passed over, and do not end the reaper", () => {
    const { reaper, maker } = keeperAndMaker();
    const ref = maker.payload.allocate(FIRST_SEGMENT_BYTES);
    reaper.courier.published.clear();
    const wanted = FIRST_SEGMENT_BYTES * 2;
    const other = viewMemory({ shared: maker.shared, courier: reaper.courier });
    reaper.payload.keep(1);
    assert.equal(header(maker, H.SEGMENTS_LOST), 1 << 1);
    assert.deepEqual(reaper.courier.obtained, [1]);
    const lost = { code: "EOWNERDEAD", message: /segment 1 ended .* another/ };
    assert.throws(() => other.payload.bytesOf(ref), lost);
    const elsewhere = other.payload.allocate(wanted);
    assert.equal(other.payload.segment(elsewhere), 2);
    // Only the reaper has tried to bring it.
    assert.deepEqual(reaper.courier.obtained, [1]);
    reaper.payload.keep(1);
    reaper.payload.keep(2);
    assert.deepEqual(reaper.courier.obtained, [1, 2]);
    assert.equal(header(maker, H.SEGMENTS_KEPT), 1 << 2);
    assert.equal(maker.payload.segment(ref), 1, "its maker still uses it");
  });

  test("name their maker to who waits for them", () => {
    const courier = new FakeCourier();
    const alive: number[] = [];
    const platform = {
      threadAlive: (tid: number) => alive.push(tid) > 0,
      gettid: () => 4711,
    };
    const one = viewMemory({ courier, platform });
    const ref = one.payload.allocate(FIRST_SEGMENT_BYTES);
    const hopes: boolean[] = [];
    courier.obtain = (index, makerLives) => {
      hopes.push(makerLives());
      return courier.published.get(index) as SharedArrayBuffer;
    };
    const other = viewMemory({ shared: one.shared, courier, platform });
    other.payload.bytesOf(ref);
    assert.deepEqual([hopes, alive], [[true], [4711]]);
  });

  test("closing ends the courier", () => {
    const view = viewMemory();
    view.payload.close();
    assert.equal(view.courier.closed, true);
  });
});

describe("threads", () => {
  test(
    "cells freed by another thread come back",
    { timeout: 60_000 },
    async () => {
      const view = viewMemory();
      for (const bytes of CLASS_BYTES) {
        const count = 100;
        const refs = Array.from(
          { length: count },
          () => view.payload.allocate(bytes),
        );
        const known = new Set(refs);
        assert.equal(known.size, count);
        const { shared } = view;
        await within(
          startWorker("free", { shared, refs, bytes }).ended,
          "the other thread's frees",
        );
        assertNothingUsed(view);
        const again = refs.map(() => view.payload.allocate(bytes));
        const back = again.filter((ref) => known.has(ref)).length;
        assert.ok(back >= count / 2, `${back} of ${bytes} bytes came back`);
        for (const ref of again) view.payload.free(ref, bytes);
      }
    },
  );

  test("allocate and free at once without meeting in a cell", {
    timeout: 60_000,
  }, async () => {
    const { shared, ...view } = viewMemory();
    const random = seededRandom("churn");
    const workers = [0, 1, 2].map(() =>
      startWorker("churn", {
        shared,
        seed: random.next32(),
        rounds: 60_000,
      })
    );
    await within(
      Promise.all(workers.map((worker) => worker.ended)),
      "the end of the churn",
      60_000,
    );
    assertNothingUsed({ shared, ...view });
    assert.equal(header({ shared, ...view }, H.SEGMENT_COUNT), 1);
  });

  test("whose holder of the allocator died get nothing more", () => {
    const view = viewMemory({
      platform: { threadAlive: (tid) => tid !== 99 && threadAlive(tid) },
    });
    view.control.words[H.ALLOCATOR_LOCK] = 99;
    assert.equal(view.payload.allocate(MIB), 0);
    assertNothingUsed(view);
  });
});

test("random allocations never overlap", () => {
  const random = seededRandom("allocator");
  const view = viewMemory();
  const { payload } = view;
  limitMemory(view, 48 * MIB);
  // Which granule belongs to which allocation; all lie in one segment.
  const owners = new Int32Array(FIRST_SEGMENT_BYTES / 256);
  const live: { ref: number; bytes: number; id: number }[] = [];
  let used = 0;
  for (let id = 1; id <= 60_000; id += 1) {
    if (random.chance(0.52)) {
      const bytes = random.chance(0.9)
        ? random.between(1, 20_000)
        : random.between(1, 2 * MIB);
      const size = allocationSize(bytes);
      const ref = payload.allocate(bytes);
      if (ref === 0) {
        assert.ok(used + size > 30 * MIB, `refused at ${used} of ${size}`);
        continue;
      }
      if (payload.segment(ref) !== 0) {
        payload.free(ref, bytes);
        continue;
      }
      used += size;
      const at = payload.offset(ref) / 256;
      const mine = owners.subarray(at, at + size / 256);
      assert.ok(mine.every((owner) => owner === 0), `overlap at ${id}`);
      mine.fill(id);
      live.push({ ref, bytes, id });
    } else if (live.length > 0) {
      const at = random.below(live.length);
      const last = live.pop() as typeof live[0];
      const { ref, bytes, id: owner } = live[at] ?? last;
      if (at < live.length) live[at] = last;
      const size = allocationSize(bytes);
      const from = payload.offset(ref) / 256;
      const mine = owners.subarray(from, from + size / 256);
      assert.ok(mine.every((id) => id === owner));
      mine.fill(0);
      payload.free(ref, bytes);
      used -= size;
    }
    assert.equal(header(view, H.MEMORY_USED), used / 256);
  }
  for (const { ref, bytes } of live) payload.free(ref, bytes);
  assertNothingUsed(view);
});

describe("giving back to the system", () => {
  test("the freed pages beyond those kept are zero", () => {
    const view = viewMemory();
    const bytes = 60 * MIB;
    const ref = view.payload.allocate(bytes);
    content(view, ref, bytes).fill(255);
    view.payload.free(ref, bytes);
    const again = view.payload.allocate(bytes);
    assert.equal(again, ref);
    // The system's pages at the ends may be shared with neighbours in use.
    const inner = content(view, again, bytes).subarray(65536, -65536);
    assert.ok(inner.every((byte) => byte === 0));
    view.payload.free(again, bytes);
  });

  test("the pages that are kept are counted, and used first", () => {
    const view = viewMemory();
    const bytes = 16 * MIB;
    const ref = view.payload.allocate(bytes);
    view.payload.free(ref, bytes);
    assert.equal(header(view, H.DIRTY_PAGES), bytes / PAGE_BYTES);
    const half = view.payload.allocate(bytes / 2);
    assert.equal(header(view, H.DIRTY_PAGES), bytes / 2 / PAGE_BYTES);
    const more = view.payload.allocate(32 * MIB);
    assert.equal(
      header(view, H.DIRTY_PAGES),
      bytes / 2 / PAGE_BYTES -
        (more === half + bytes / 2 / 256 ? bytes / 2 / PAGE_BYTES : 0),
      "only pages that were dirty count as taken",
    );
    view.payload.free(half, bytes / 2);
    view.payload.free(more, 32 * MIB);
    assert.ok(header(view, H.DIRTY_PAGES) <= 32 * MIB / PAGE_BYTES);
  });

  test("runs that are kept make room for longer ones, and for cells", () => {
    const view = viewMemory();
    view.payload.startTrimming(2);
    // All of the first segment, in pieces.
    const refs: number[] = [];
    while (header(view, H.SEGMENT_COUNT) === 1) {
      refs.push(view.payload.allocate(MIB));
    }
    view.payload.free(refs.pop() as number, MIB);
    for (const ref of refs) view.payload.free(ref, MIB);
    // The last ones are this thread's own.
    assert.ok(header(view, H.KEPT_RUNS) > 55);
    const cells = Array.from(
      { length: 100 },
      () => view.payload.allocate(PAGE_BYTES),
    );
    assert.ok(cells.every((ref) => ref !== 0));
    const long = view.payload.allocate(40 * MIB);
    assert.equal(long >>> 23, 0, "in the first segment");
    assert.equal(header(view, H.KEPT_RUNS), 0);
    view.payload.free(long, 40 * MIB);
    for (const ref of cells) view.payload.free(ref, PAGE_BYTES);
    assertNothingUsed(view);
  });

  for (const own of [true, false]) {
    const whose = own ? "the thread's own" : "all threads'";
    test(`a run is lengthened over one that is kept, ${whose}`, () => {
      const view = viewMemory();
      const first = view.payload.allocate(MIB);
      const second = view.payload.allocate(MIB);
      assert.equal(second, first + MIB / 256);
      view.payload.free(second, MIB);
      if (!own) view.payload.flushCaches();
      assert.equal(header(view, H.KEPT_RUNS), own ? 0 : 1);
      assert.equal(view.payload.extend(first, MIB, 2 * MIB), true);
      view.payload.free(first, 2 * MIB);
      assertNothingUsed(view);
    });
  }

  test("several runs change hands at once, and stay hot", () => {
    const shared = shareMemory();
    const sender = viewMemory({ shared, slot: 2 });
    const receiver = viewMemory({ shared, slot: 3 });
    const refs = Array.from({ length: 6 }, () => sender.payload.allocate(MIB));
    for (const ref of refs) receiver.payload.free(ref, MIB);
    const handedOver = header(sender, H.KEPT_RUNS);
    assert.ok(handedOver >= 2, `${handedOver} runs`);
    assert.equal(header(sender, H.DIRTY_PAGES), handedOver * 64);
    const again = sender.payload.allocate(MIB);
    assert.ok(refs.includes(again));
    assert.equal(header(sender, H.KEPT_RUNS), 0, "all of them came along");
    assert.equal(header(sender, H.DIRTY_PAGES), 0);
    sender.payload.free(again, MIB);
    sender.payload.flushCaches();
    receiver.payload.flushCaches();
    assert.equal(header(sender, H.KEPT_RUNS), refs.length);
    assertNothingUsed(sender);
  });

  // Small cells make whole pages only when all of a page came back.
  for (const bytes of [256, 4096, CHUNK_BYTES, MIB]) {
    testUnless(
      host.os === "linux" ? null : "there is no /proc",
      `memory falls after a burst of 512 MiB in pieces of ${bytes}`,
      () => {
        const view = viewMemory();
        const refs = new Int32Array(512 * MIB / bytes);
        for (let index = 0; index < refs.length; index += 1) {
          const ref = view.payload.allocate(bytes);
          refs[index] = ref;
          content(view, ref, bytes).fill(1);
        }
        const high = residentBytes(view);
        assert.ok(high > 512 * MIB, `${high / MIB} MiB are there`);
        for (const ref of refs) view.payload.free(ref, bytes);
        assertNothingUsed(view);
        const kept = residentBytes(view);
        // 32 MiB are kept on purpose. Where huge pages are on, the kernel may
        // bring back some of what was given to it.
        assert.ok(kept < 160 * MIB, `${kept / MIB} MiB stay`);
      },
    );
  }
});

describe("trimming", () => {
  /** Allocates so many pieces of 1 MiB, writes to them, and frees them. */
  function burst(view: View, pieces: number): void {
    const refs = Array.from({ length: pieces }, () => {
      const ref = view.payload.allocate(MIB);
      content(view, ref, MIB).fill(1);
      return ref;
    });
    for (const ref of refs) view.payload.free(ref, MIB);
    view.payload.flushCaches();
  }

  const kept = (view: View): number =>
    header(view, H.DIRTY_PAGES) * PAGE_BYTES / MIB;

  test("one thread does it, and as long as it does all is kept", () => {
    const view = viewMemory();
    assert.equal(view.payload.startTrimming(2), true);
    assert.equal(view.payload.startTrimming(3), false);
    assert.equal(view.payload.startTrimming(2), true);
    burst(view, 100);
    assert.equal(kept(view), 100);
    view.payload.stopTrimming(3);
    assert.equal(view.payload.startTrimming(3), false);
    view.payload.stopTrimming(2);
    burst(view, 200);
    assert.ok(kept(view) <= 100);
    assert.equal(view.payload.startTrimming(3), true);
  });

  test("who uses no runs for a while keeps none for itself", () => {
    const view = viewMemory();
    view.payload.startTrimming(2);
    const ref = view.payload.allocate(MIB);
    view.payload.free(ref, MIB);
    view.payload.flushIdleRuns();
    assert.equal(header(view, H.KEPT_RUNS), 0, "it was used just now");
    view.payload.flushIdleRuns();
    assert.equal(header(view, H.KEPT_RUNS), 1);
    const other = view.payload.allocate(MIB);
    assert.equal(other, ref);
    view.payload.flushIdleRuns();
    view.payload.free(other, MIB);
    view.payload.flushIdleRuns();
    assert.equal(header(view, H.KEPT_RUNS), 0, "taken or freed");
    assertNothingUsed(view);
  });

  test("half of what was not needed goes, each time", () => {
    const view = viewMemory();
    view.payload.startTrimming(2);
    burst(view, 101);
    // All of it was in use meanwhile.
    view.payload.trim();
    assert.equal(kept(view), 101);
    for (const left of [51, 26]) {
      view.payload.trim();
      assert.equal(kept(view), left);
    }
    for (let times = 0; times < 20; times += 1) view.payload.trim();
    assert.equal(kept(view), 1);
    assertNothingUsed(view);
  });

  test("what traffic goes on using is not given away", () => {
    let given = 0;
    const view = viewMemory({
      platform: {
        madviseFree: (_address, length) => {
          given += length;
          return 0;
        },
      },
    });
    view.payload.startTrimming(2);
    for (let times = 0; times < 10; times += 1) {
      burst(view, 40);
      view.payload.trim();
    }
    assert.equal(given, 0);
    // From now on it needs less.
    for (let times = 0; times < 20; times += 1) {
      burst(view, 10);
      view.payload.trim();
    }
    assert.equal(kept(view), 11);
    assert.ok(given >= 29 * MIB);
  });

  test("pages that were given to the system are zero, the others stay", () => {
    const view = viewMemory();
    view.payload.startTrimming(2);
    const bytes = 60 * MIB;
    const ref = view.payload.allocate(bytes);
    content(view, ref, bytes).fill(255);
    const used = view.payload.allocate(MIB);
    content(view, used, MIB).fill(7);
    view.payload.free(ref, bytes);
    for (let times = 0; times < 20; times += 1) view.payload.trim();
    assert.equal(view.payload.allocate(bytes), ref);
    const inner = content(view, ref, bytes).subarray(2 * MIB, -MIB);
    assert.ok(inner.every((byte) => byte === 0));
    assert.ok(content(view, used, MIB).every((byte) => byte === 7));
  });

  testUnless(
    host.os === "linux" ? null : "there is no /proc",
    "resident memory falls to where it was, over several segments",
    () => {
      const view = viewMemory();
      view.payload.startTrimming(2);
      const before = residentBytes(view);
      burst(view, 700);
      assert.ok(view.payload.count > 2);
      assert.ok(residentBytes(view) > before + 700 * MIB);
      for (let times = 0; times < 20; times += 1) view.payload.trim();
      const left = residentBytes(view) - before;
      // Where huge pages are on, the kernel may bring back some of it.
      assert.ok(left < 16 * MIB, `${left / MIB} MiB stay`);
    },
  );
});

test("a segment of its own is made for the first context", () => {
  assert.equal(
    PayloadSegments.allocateFirst().byteLength,
    FIRST_SEGMENT_BYTES,
  );
  assert.equal(shareMemory().first.byteLength, FIRST_SEGMENT_BYTES);
});
