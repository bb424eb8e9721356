// A resolver worker whose names are answered by themselves: "slow…" after a
// while, "dies" never, since the thread ends over it.
import { workerData } from "../../../ffi/mod.ts";
import type { ResolverData } from "../../../src/transport/resolver.ts";
import { runResolver } from "../../../src/transport/resolver_worker.ts";

/** How long a slow name takes, ms. */
const SLOW_MS = 1500;

runResolver(workerData() as ResolverData, (name) => {
  if (name === "dies") throw new Error("The resolver dies, as it was asked to");
  if (name.startsWith("slow")) {
    const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(nobodyWakes, 0, 0, SLOW_MS);
  }
  return { addresses: [name] };
});
