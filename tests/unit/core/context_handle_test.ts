import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/memory/shared_access.ts";
import { H, NODE, THREAD } from "../../../src/memory/layout.ts";
import { FIRST_SEGMENT_BYTES } from "../../../src/memory/payload_segments.ts";
import { REAPER_SLOT } from "../../../src/core/choose_io_thread.ts";
import { Command } from "../../../src/core/command.ts";
import {
  createHandle,
  openMemory,
  openSegments,
} from "../../../src/core/context_handle.ts";
import {
  type CtxOptions,
  defaultCtxOptions,
} from "../../../src/core/ctx_options.ts";
import type { CorePlatform } from "../../../src/core/platform.ts";
import { initThread } from "../../../src/core/thread.ts";
import { WIRING } from "../../../src/wiring.ts";
import { FakeCourier } from "../../support/memory_fixture.ts";

/** A platform whose segments go through one courier, and their context ids. */
function stage() {
  const courier = new FakeCourier();
  const ids: string[] = [];
  const platform: CorePlatform = {
    ...WIRING.platform,
    segmentCourier: ({ id }) => {
      ids.push(id);
      return courier;
    },
  };
  return { courier, ids, platform };
}

function optionsOf(changes: Partial<CtxOptions> = {}): CtxOptions {
  return {
    ...defaultCtxOptions(),
    maxSockets: 8,
    maxConnections: 8,
    ...changes,
  };
}

describe("context handle", () => {
  test("says who made the context, its limit, and its one segment", () => {
    const { platform } = stage();
    for (const [limit, granules] of [[0, 0], [1, 1], [256, 1], [257, 2]]) {
      const options = optionsOf({ memoryLimit: limit ?? 0 });
      const { control, payload } = createHandle(options, platform);
      const words = new Int32Array(control);
      assert.equal(load(words, H.MEMORY_LIMIT), granules, `limit ${limit}`);
      assert.equal(load(words, H.CREATOR_TID), platform.gettid());
      assert.equal(load(words, H.SEGMENT_COUNT), 1);
      assert.equal(payload.byteLength, FIRST_SEGMENT_BYTES);
    }
  });

  test("has an id that tells contexts apart, also of other threads", () => {
    const { platform } = stage();
    const ids = Array.from(
      { length: 20 },
      () => createHandle(optionsOf(), platform).id,
    );
    assert.equal(new Set(ids).size, 20);
    let random = 0;
    const counting = { ...platform, random32: () => random++ };
    const one = createHandle(optionsOf(), counting).id;
    const two = createHandle(optionsOf(), counting).id;
    assert.notEqual(one, two);
    assert.ok(random >= 4, "64 random bits each");
  });

  test("keeps the options of its time, and can be cloned", () => {
    const { platform } = stage();
    const options = optionsOf({ ioThreads: 3 });
    const handle = createHandle(options, platform);
    options.ioThreads = 1;
    assert.equal(handle.options.ioThreads, 3);
    const clone = structuredClone(handle);
    assert.deepEqual(clone.options, handle.options);
    new Int32Array(clone.control)[H.MEMORY_LIMIT] = 5;
    assert.equal(new Int32Array(handle.control)[H.MEMORY_LIMIT], 5, "shared");
  });

  test("two threads that open it see the same memory", () => {
    const { platform, ids } = stage();
    const handle = createHandle(optionsOf(), platform);
    const [mine, theirs] = [0, 1].map((slot) => {
      const { control, payload } = openSegments(handle, platform);
      initThread(control, slot);
      return openMemory(control, payload, slot, handle.options);
    });
    assert.ok(mine !== undefined && theirs !== undefined);
    assert.deepEqual(ids, [handle.id, handle.id]);
    const ref = mine.blocks.allocate(1000, false);
    mine.blocks.bytes(ref, 0, 1000).fill(77);
    assert.equal(theirs.blocks.length(ref), 1000);
    assert.ok(theirs.blocks.bytes(ref, 0, 1000).every((one) => one === 77));
    theirs.blocks.release(ref);
  });

  test("a later segment is told to the reaper, and comes by courier", () => {
    const { platform, courier } = stage();
    const handle = createHandle(optionsOf(), platform);
    const mine = openSegments(handle, platform);
    initThread(mine.control, REAPER_SLOT);
    const reaper = mine.control.layout.thread(REAPER_SLOT) + THREAD.NODE;
    const { words } = mine.control;
    assert.equal(load(words, reaper + NODE.PENDING), 0);
    const ref = mine.payload.allocate(FIRST_SEGMENT_BYTES);
    assert.notEqual(ref, 0, "more than the first segment holds");
    assert.equal(load(words, H.SEGMENT_COUNT), 2);
    assert.deepEqual([...courier.published.keys()], [1]);
    assert.equal(load(words, reaper + NODE.PENDING), Command.SEGMENT);
    const theirs = openSegments(handle, platform);
    theirs.payload.bytesOf(ref)[theirs.payload.offset(ref)] = 9;
    assert.deepEqual(courier.obtained, [1]);
    assert.equal(mine.payload.bytesOf(ref)[mine.payload.offset(ref)], 9);
    mine.payload.close();
    assert.ok(courier.closed);
  });
});
