// Entry module of a context whose I/O worker comes up and then ends without a
// word, as one does that the system kills, when it is told to: by its wake
// target, which nobody looks at while it does not sleep. The other workers are
// real.
import { WIRING } from "../../../src/wiring.ts";
import { workerData } from "../../../ffi/mod.ts";
import { load, store, wait } from "../../../src/memory/shared_access.ts";
import { THREAD } from "../../../src/memory/layout.ts";
import {
  type ContextHandle,
  openSegments,
} from "../../../src/core/context_handle.ts";
import type { WorkerData } from "../../../src/core/platform.ts";

/** How long it lives when nobody tells it to end, ms. */
const LIFE_MS_MAX = 20_000;

const data = workerData() as WorkerData;
if (data.role === "io") {
  const { platform } = WIRING;
  const handle = data.context as ContextHandle;
  const { control } = openSegments(handle, platform);
  const record = control.layout.thread(data.slot);
  store(control.words, record + THREAD.TID, platform.gettid());
  const told = record + THREAD.WAKE_TARGET;
  const before = load(control.words, told);
  wait(control.words, told, before, LIFE_MS_MAX);
} else {
  await import("../../../src/io_thread_entry.ts");
}
