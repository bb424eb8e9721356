// The layers: which folder may import what. One row per folder or single file,
// lowest first; a row names all that it may import (its own folder besides), so
// a cycle between layers cannot be written down here.

/** A layer. */
export interface Layer {
  /** A folder, or a file that is a layer by itself. */
  readonly path: string;
  /** The layers below that it may import. */
  readonly mayImport: readonly string[];
  /** The modules outside of the repository that it may import. */
  readonly outside: readonly string[];
}

/** The one module of ffi that other layers may import. */
export const FFI_DOOR = "ffi/mod.ts";

/** The layers, lowest first. Tests and benches may import anything. */
export const LAYERS: readonly Layer[] = [
  {
    path: "ffi",
    mayImport: [],
    outside: [
      "bun:ffi",
      "node:buffer",
      "node:process",
      "node:timers",
      "node:worker_threads",
    ],
  },
  { path: "src/base", mayImport: [], outside: [] },
  { path: "src/crypto", mayImport: ["ffi", "src/base"], outside: [] },
  { path: "src/memory", mayImport: ["ffi", "src/base"], outside: [] },
  {
    path: "src/poller",
    mayImport: ["ffi", "src/base", "src/memory"],
    outside: [],
  },
  // For programs of their own: nothing of the library stands on it.
  {
    path: "src/event_loop",
    mayImport: ["ffi", "src/base", "src/memory", "src/poller"],
    // Whether the code of a thread can be read.
    outside: ["node:fs"],
  },
  // Queues between processes, for programs of their own.
  {
    path: "src/shm",
    mayImport: ["ffi", "src/base", "src/memory"],
    outside: [],
  },
  // Bytes in, bytes out: no descriptor, no clock, no shared memory.
  { path: "src/zmtp", mayImport: ["src/base"], outside: [] },
  {
    path: "src/mechanism",
    mayImport: ["src/base", "src/crypto", "src/zmtp"],
    outside: [],
  },
  {
    path: "src/core",
    mayImport: [
      "ffi",
      "src/base",
      "src/memory",
      "src/poller",
      "src/zmtp",
      "src/mechanism",
    ],
    outside: [],
  },
  // Patterns need nothing that the operating system does.
  {
    path: "src/pattern",
    mayImport: ["src/base", "src/memory", "src/core"],
    outside: [],
  },
  {
    path: "src/engine",
    mayImport: [
      "ffi",
      "src/base",
      "src/memory",
      "src/poller",
      "src/zmtp",
      "src/mechanism",
      "src/core",
    ],
    outside: [],
  },
  {
    path: "src/transport",
    mayImport: [
      "ffi",
      "src/base",
      "src/memory",
      "src/poller",
      "src/core",
      "src/engine",
      // The queues, and what a subscription matches: shm:// has both.
      "src/shm",
      "src/pattern",
    ],
    outside: [],
  },
  // What the core asks of the system, for every thread.
  {
    path: "src/worker_platform.ts",
    mayImport: ["ffi", "src/base", "src/core", "src/transport"],
    outside: [],
  },
  // The only file that names every pattern.
  {
    path: "src/wiring.ts",
    mayImport: [
      "src/core",
      "src/pattern",
      "src/transport",
      "src/worker_platform.ts",
    ],
    outside: [],
  },
  // The workers of a context. The first names every transport.
  {
    path: "src/io_worker.ts",
    mayImport: [
      "src/core",
      "src/poller",
      "src/transport",
      "src/worker_platform.ts",
    ],
    outside: [],
  },
  {
    path: "src/reaper_worker.ts",
    mayImport: ["src/core", "src/worker_platform.ts"],
    outside: [],
  },
  {
    path: "src/io_thread_entry.ts",
    mayImport: [
      "ffi",
      "src/core",
      "src/transport",
      "src/io_worker.ts",
      "src/reaper_worker.ts",
    ],
    outside: [],
  },
  {
    path: "src/api",
    mayImport: [
      "ffi",
      "src/base",
      "src/memory",
      "src/poller",
      "src/core",
      "src/worker_platform.ts",
      "src/wiring.ts",
    ],
    // Buffers, warnings and timers as zeromq.js has them; both runtimes do.
    outside: ["node:buffer", "node:fs", "node:process", "node:timers"],
  },
  // What waits: the package's second entry point.
  {
    path: "src/poller_entry.ts",
    mayImport: ["src/event_loop", "src/api"],
    outside: [],
  },
  {
    path: "src/shm_entry.ts",
    mayImport: ["src/base", "src/shm"],
    outside: [],
  },
  { path: "mod.ts", mayImport: ["src/api"], outside: [] },
];

/** The layer that a file belongs to, or undefined for tests and benches. */
export function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) =>
    layer.path === path || path.startsWith(`${layer.path}/`)
  );
}
