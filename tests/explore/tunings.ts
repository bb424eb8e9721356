// Numbers that are smaller where they are explored: a loop that tries again
// two hundred times behaves no differently from one that does so once, and what
// is kept for later is full sooner. Only the memory of launch arguments that
// were read before is left out: it is one thread's own, and holds plain data.
import type { Edit } from "./sources.ts";

export const TUNINGS: readonly Edit[] = [
  {
    file: "src/memory/lock.ts",
    find: "const SPINS = 200;",
    replace: "const SPINS = 1;",
  },
  {
    file: "src/memory/payload_segments.ts",
    find: "const CACHE_MAX = 32;",
    replace: "const CACHE_MAX = 1;",
  },
  {
    file: "src/memory/payload_segments.ts",
    find: "FIRST_SEGMENT_BYTES: number = 64 << 20",
    replace: "FIRST_SEGMENT_BYTES: number = 1 << 18",
  },
  {
    // One run of the scenarios' shorter length.
    file: "src/memory/run_cache.ts",
    find: "const RUN_CACHE_BYTES = 4 << 20;",
    replace: "const RUN_CACHE_BYTES = 32768;",
  },
  {
    // Four cells of the scenarios' class.
    file: "src/memory/payload_segments.ts",
    find: "const SWEEP_BYTES_MIN = 4 << 20;",
    replace: "const SWEEP_BYTES_MIN = 4 * 8192;",
  },
  {
    file: "src/core/launch_arguments.ts",
    find: "const RECENT_BYTES_MAX = 16384;",
    replace: "const RECENT_BYTES_MAX = 0;",
  },
];
