import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chooseIoThread,
  FIRST_IO_SLOT,
} from "../../../src/core/choose_io_thread.ts";
import {
  createHandle,
  openSegments,
} from "../../../src/core/context_handle.ts";
import { defaultCtxOptions } from "../../../src/core/ctx_options.ts";
import { THREAD } from "../../../src/memory/layout.ts";
import { store } from "../../../src/memory/shared_access.ts";
import type { ControlSegment } from "../../../src/memory/control_segment.ts";
import { WIRING } from "../../../src/wiring.ts";

function controlWithLoads(...loads: number[]): ControlSegment {
  const options = { ...defaultCtxOptions(), ioThreads: loads.length };
  const handle = createHandle(options, WIRING.platform);
  const { control } = openSegments(handle, WIRING.platform);
  loads.forEach((load, n) => {
    const thread = control.layout.thread(FIRST_IO_SLOT + n);
    store(control.words, thread + THREAD.LOAD, load);
  });
  return control;
}

test("the least busy worker is chosen, the first of equals", () => {
  assert.equal(chooseIoThread(controlWithLoads(3, 1, 2), 0), FIRST_IO_SLOT + 1);
  assert.equal(chooseIoThread(controlWithLoads(2, 1, 1), 0), FIRST_IO_SLOT + 1);
});

test("an affinity leaves only the workers of its bits", () => {
  const control = controlWithLoads(1, 9, 5);
  assert.equal(chooseIoThread(control, 0b110), FIRST_IO_SLOT + 2);
  assert.equal(chooseIoThread(control, 0b010), FIRST_IO_SLOT + 1);
});

test("an affinity without an existing worker finds none", () => {
  const control = controlWithLoads(0, 0);
  assert.equal(chooseIoThread(control, 0b100), -1);
  // Bits above 31 are bits all the same.
  assert.equal(chooseIoThread(control, 2 ** 40), -1);
  assert.equal(chooseIoThread(control, 2 ** 40 + 1), FIRST_IO_SLOT);
});

test("all bits of an affinity are as good as none", () => {
  // The largest value of 64 bits, as a number.
  const all = Number(2n ** 64n - 1n);
  assert.equal(chooseIoThread(controlWithLoads(3, 1), all), FIRST_IO_SLOT + 1);
});

test("without workers there is nothing to choose", () => {
  assert.equal(chooseIoThread(controlWithLoads(), 0), -1);
});
