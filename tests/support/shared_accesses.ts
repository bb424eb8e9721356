// Something that happens in the middle of a process's work with a queue: at its
// k-th access of the shared memory.
import process from "node:process";
import { RingMemory } from "../../src/shm/ring_memory.ts";

type Access = (...args: never[]) => unknown;

const METHODS = [
  "load",
  "store",
  "exchange",
  "add",
  "compareExchange",
  "get",
  "put",
  "copyIn",
  "copyOut",
  "fenceAfterStore",
] as const;

let accesses = 0;

/** How many there were. */
export function accessCount(): number {
  return accesses;
}

/** Sends this process a signal at its k-th access; at none when k is 0. */
export function signalAtAccess(k: number, signal: "SIGKILL" | "SIGSTOP"): void {
  const prototype = RingMemory.prototype as unknown as Record<string, Access>;
  for (const method of METHODS) {
    const access = prototype[method] as Access;
    prototype[method] = function (...args: never[]): unknown {
      accesses += 1;
      if (accesses === k) {
        if (method === "copyIn") copyHalf(access, this, args);
        process.kill(process.pid, signal);
      }
      return access.apply(this, args);
    };
  }
}

/** In the middle of the bytes. */
function copyHalf(access: Access, memory: unknown, args: never[]): void {
  const [at, source] = args as unknown as [number, Uint8Array];
  const half = source.subarray(0, source.length >> 1);
  access.apply(memory, [at, half] as unknown as never[]);
}
