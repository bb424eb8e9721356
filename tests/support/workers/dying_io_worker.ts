// Entry module of a context whose I/O worker comes up and then ends without a
// word, as one does that the system kills. The other workers are real.
import { WIRING } from "../../../src/wiring.ts";
import { workerData } from "../../../ffi/mod.ts";
import { store } from "../../../src/memory/shared_access.ts";
import { THREAD } from "../../../src/memory/layout.ts";
import {
  type ContextHandle,
  openSegments,
} from "../../../src/core/context_handle.ts";
import type { WorkerData } from "../../../src/core/platform.ts";

/** How long it lives, ms. */
const LIFE_MS = 300;

const data = workerData() as WorkerData;
if (data.role === "io") {
  const { platform } = WIRING;
  const handle = data.context as ContextHandle;
  const { control } = openSegments(handle, platform);
  const record = control.layout.thread(data.slot);
  store(control.words, record + THREAD.TID, platform.gettid());
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobodyWakes, 0, 0, LIFE_MS);
} else {
  await import("../../../src/io_thread_entry.ts");
}
