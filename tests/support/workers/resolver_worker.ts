// A resolver worker whose names are answered by themselves: "slow" after a
// while, "until <path>" once there is such a file, "dies" never, since the
// thread ends over it.
import { existsSync } from "node:fs";
import { workerData } from "../../../ffi/mod.ts";
import type { ResolverData } from "../../../src/transport/resolver.ts";
import { runResolver } from "../../../src/transport/resolver_worker.ts";

/** How long a slow name takes, ms. */
const SLOW_MS = 1500;

/** How often it is looked whether there is a file, ms. */
const LOOK_MS = 20;

const UNTIL = "until ";

runResolver(workerData() as ResolverData, (name) => {
  if (name === "dies") throw new Error("The resolver dies, as it was asked to");
  if (name === "slow") sleep(SLOW_MS);
  if (name.startsWith(UNTIL)) {
    while (!existsSync(name.slice(UNTIL.length))) sleep(LOOK_MS);
  }
  return { addresses: [name] };
});

function sleep(ms: number): void {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobodyWakes, 0, 0, ms);
}
