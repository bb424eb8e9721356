// Blocks, the allocator, the memory limit, and locks.
import { H, Pool } from "../../../src/memory/layout.ts";
import { get, put, store } from "../../../src/memory/shared_access.ts";
import { acquire, release } from "../../../src/memory/lock.ts";
import type { ContextMemory } from "../../../src/memory/context_memory.ts";
import { hasStopped } from "../execution.ts";
import type { Scenario } from "../scenario.ts";
import { expect, same, Scene } from "./scene.ts";

/** Two of these make a page. */
const CELL_BYTES = 8192;
const CELL_CLASS = 5;

/** Takes a cell and marks it as its own. */
function takeCell(view: ContextMemory, mark: number): number {
  const { payload } = view;
  const ref = payload.allocate(CELL_BYTES);
  expect(ref !== 0, "there is memory");
  put(payload.wordsOf(ref), (payload.offset(ref) >>> 2) + 8, mark);
  return ref;
}

function markOf({ payload }: ContextMemory, ref: number): number {
  return get(payload.wordsOf(ref), (payload.offset(ref) >>> 2) + 8);
}

/** Gives a cell back that nobody else has marked. */
function giveCell(view: ContextMemory, ref: number, mark: number): void {
  same(markOf(view, ref), mark, "the mark in a cell");
  view.payload.free(ref, CELL_BYTES);
}

/** Takes a run of pages and marks it as its own, in the page after its head. */
function takeRun(view: ContextMemory, bytes: number, mark: number): number {
  const { payload } = view;
  const ref = payload.allocate(bytes);
  expect(ref !== 0, "there is memory");
  put(payload.wordsOf(ref), (payload.offset(ref) + 16384) >>> 2, mark);
  return ref;
}

/** Gives a run back that nobody else has marked. */
function giveRun(
  view: ContextMemory,
  ref: number,
  bytes: number,
  mark: number,
): void {
  const { payload } = view;
  const at = (payload.offset(ref) + 16384) >>> 2;
  same(get(payload.wordsOf(ref), at), mark, "the mark in a run");
  payload.free(ref, bytes);
}

/** The shared stack holds each cell once, and whole pages of them. */
function checkStack(scene: Scene, view: ContextMemory): void {
  const { payload } = view;
  const cells: number[] = [];
  for (let ref = scene.header(H.CELL_STACK + CELL_CLASS); ref !== 0;) {
    cells.push(ref);
    ref = get(payload.wordsOf(ref), payload.offset(ref) >>> 2);
  }
  same(new Set(cells).size, cells.length, "each cell is there once");
  same(cells.length, scene.header(H.CELL_COUNT + CELL_CLASS), "cells counted");
  const page = (ref: number): number => payload.offset(ref) >>> 14;
  for (const cell of cells) {
    const beside = cells.filter((other) => page(other) === page(cell));
    same(beside.length, 2, "both cells of a page are there");
  }
}

/** Increments a word that a lock protects. */
function increment(words: Int32Array): void {
  put(words, H.FAILURE, get(words, H.FAILURE) + 1);
}

/** How far what is too long for a complete search is searched. */
const BOUNDED: Pick<Scenario, "search" | "deep"> = {
  search: { preemptions: 3 },
  deep: { preemptions: 5 },
};

/** @param short One of the threads keeps what it took. */
function remoteFree(short: boolean): Scenario {
  return {
    name: short ? "remote-free-short" : "remote-free",
    what: "cells that one thread took are freed and taken by another" +
      (short ? ", and kept" : ""),
    threads: ["left", "right"],
    ...(short ? {} : BOUNDED),
    set() {
      const scene = new Scene();
      const views = [scene.view(0), scene.view(1)];
      const maker = scene.view(2);
      const cells = [takeCell(maker, 9), takeCell(maker, 9)];
      const ofTwo = scene.header(H.MEMORY_USED);
      const kept: number[] = [];
      return {
        threads: views.map((view, i) => () => {
          giveCell(view, cells[i] as number, 9);
          const a = takeCell(view, 2 * i);
          const b = takeCell(view, 2 * i + 1);
          if (short && i === 0) {
            kept.push(a, b);
            return;
          }
          giveCell(view, a, 2 * i);
          giveCell(view, b, 2 * i + 1);
        }),
        check: () => {
          same(
            kept.map((ref) => markOf(maker, ref)),
            short ? [0, 1] : [],
            "kept",
          );
          const used = scene.header(H.MEMORY_USED);
          same(used, short ? ofTwo : 0, "granules in use");
        },
      };
    },
  };
}

/** Runs of this length go to the others at once. */
const LONGER_BYTES = 36_000;

/** @param short One of the threads only frees. */
function keptRuns(short: boolean): Scenario {
  return {
    name: short ? "kept-runs-short" : "kept-runs",
    what: short
      ? "a run is freed while another is taken, cut from a longer one perhaps"
      : "runs that one thread freed are taken whole, and cut, by another",
    threads: ["left", "right"],
    ...(short ? {} : BOUNDED),
    set() {
      const scene = new Scene();
      const maker = scene.view(2);
      const runs = [LONGER_BYTES, 70_000].map((bytes, i) => ({
        bytes,
        ref: takeRun(maker, bytes, 9),
        view: scene.view(i),
      }));
      return {
        threads: runs.map(({ bytes, ref, view }, i) => () => {
          giveRun(view, ref, bytes, 9);
          if (short && i === 0) return;
          const run = takeRun(view, LONGER_BYTES, i);
          giveRun(view, run, LONGER_BYTES, i);
        }),
        check: () => {
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
          expect(scene.header(H.KEPT_RUNS) > 0, "runs are kept");
        },
      };
    },
  };
}

/** Of runs of this length each thread keeps one for itself. */
const CACHED_BYTES = 20_000;

function cachedRuns(): Scenario {
  return {
    name: "cached-runs",
    what: "runs that threads keep for themselves are handed over and taken",
    threads: ["left", "right"],
    set() {
      const scene = new Scene();
      const maker = scene.view(2);
      const freed = [9, 9].map((mark) => takeRun(maker, CACHED_BYTES, mark));
      const [left, right] = [scene.view(0), scene.view(1)];
      const take = (view: ContextMemory, mark: number): number =>
        takeRun(view, CACHED_BYTES, mark);
      const give = (view: ContextMemory, ref: number, mark: number): void =>
        giveRun(view, ref, CACHED_BYTES, mark);
      return {
        threads: [
          () => {
            // The second one hands over the first.
            for (const ref of freed) give(left, ref, 9);
            give(left, take(left, 1), 1);
            left.payload.flushCaches();
          },
          () => give(right, take(right, 2), 2),
        ],
        check: () => {
          right.payload.flushCaches();
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
          const marks = [3, 4, 5];
          const taken = marks.map((mark) => take(maker, mark));
          // None of them is another one of them.
          taken.forEach((ref, n) => give(maker, ref, marks[n] as number));
        },
      };
    },
  };
}

/** @param each How many cells each of the threads takes. */
function sharedStack(each: 1 | 2): Scenario {
  return {
    name: each === 1 ? "shared-stack-short" : "shared-stack",
    what: `two threads take ${each} from the stack of cells they share`,
    threads: ["left", "right"],
    ...(each === 1 ? {} : BOUNDED),
    set() {
      const scene = new Scene();
      const views = [scene.view(0), scene.view(1)];
      const maker = scene.view(2);
      const cells = [1, 2, 3].slice(0, each + 1).map(() => takeCell(maker, 9));
      for (const cell of cells) giveCell(maker, cell, 9);
      maker.payload.flushCaches();
      return {
        threads: views.map((view, i) => () => {
          const taken: number[] = [];
          for (let n = 0; n < each; n++) taken.push(takeCell(view, 2 * i + n));
          for (let n = 0; n < each; n++) {
            giveCell(view, taken[n] as number, 2 * i + n);
          }
          view.payload.flushCaches();
        }),
        check: () => {
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
          checkStack(scene, maker);
        },
      };
    },
  };
}

export const memoryScenarios: readonly Scenario[] = [
  {
    name: "block-release",
    what: "two threads read a block and let go of it",
    threads: ["left", "right"],
    set() {
      const scene = new Scene();
      const views = [scene.view(0), scene.view(1)];
      const maker = scene.view(2);
      const ref = maker.blocks.allocate(4);
      maker.blocks.bytes(ref, 0, 4).fill(7);
      maker.blocks.retain(ref);
      return {
        threads: views.map(({ blocks }) => () => {
          same(blocks.bytes(ref, 0, 4)[3], 7, "a byte of the block");
          blocks.release(ref);
          // What comes free is used again.
          const next = blocks.allocate(4);
          blocks.bytes(next, 0, 4).fill(8);
          blocks.release(next);
        }),
        check: () => {
          same(scene.header(H.BLOCK_COUNT), 0, "blocks");
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
        },
      };
    },
  },
  {
    name: "lent-memory",
    what: "lent memory that two threads let go of comes back to its lender",
    threads: ["lender", "left", "right"],
    set() {
      const scene = new Scene();
      const lender = scene.thread(0);
      let given = 0;
      const refs = [1, 2].map(() =>
        lender.memory.lend(new Uint8Array(1), () => void given++)
      );
      return {
        threads: [
          () => {
            while (given < 2) lender.waitSync(Infinity);
          },
          ...refs.map((ref, i) => {
            const { blocks } = scene.view(1 + i);
            return () => blocks.release(ref);
          }),
        ],
        check: () => {
          same(lender.memory.loanCount, 0, "loans");
          same(scene.header(H.BLOCK_COUNT), 0, "blocks");
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
        },
      };
    },
  },
  remoteFree(false),
  remoteFree(true),
  {
    name: "sweep",
    what: "pages whose cells are all free are given back while one is taken",
    threads: ["sweeper", "taker"],
    set() {
      const scene = new Scene();
      const [left, right] = [scene.view(0), scene.view(1)];
      const maker = scene.view(2);
      // The other cell of its page fills the sweeper's cache.
      takeCell(left, 0);
      const ofOne = scene.header(H.MEMORY_USED);
      const cells = [1, 2, 3, 4].map(() => takeCell(maker, 9));
      const last = cells.pop() as number;
      for (const cell of cells) giveCell(maker, cell, 9);
      maker.payload.flushCaches();
      return {
        threads: [
          () => giveCell(left, last, 9),
          () => {
            const cell = takeCell(right, 1);
            giveCell(right, cell, 1);
            right.payload.flushCaches();
          },
        ],
        check: () => {
          same(scene.header(H.MEMORY_USED), ofOne, "granules in use");
          checkStack(scene, maker);
        },
      };
    },
  },
  keptRuns(false),
  keptRuns(true),
  cachedRuns(),
  sharedStack(2),
  sharedStack(1),
  {
    name: "memory-limit",
    what: "a thread that finds no memory hears when another frees some",
    threads: ["waiter", "owner"],
    set() {
      const scene = new Scene();
      const thread = scene.thread(0);
      const owner = scene.view(1);
      const held = owner.payload.allocate(256);
      store(scene.words, H.MEMORY_LIMIT, 1);
      let ref = 0;
      return {
        threads: [
          () => {
            for (;;) {
              ref = thread.memory.payload.allocate(256);
              if (ref !== 0) return;
              let came = false;
              thread.wantMemory({ memoryCame: () => void (came = true) });
              while (!came) thread.waitSync(Infinity);
            }
          },
          () => owner.payload.free(held, 256),
        ],
        check: () => same(scene.header(H.MEMORY_USED), 1, "granules in use"),
      };
    },
  },
  {
    name: "attempt-taken-back",
    what: "a message that has room only where another one gave up",
    threads: ["waiter", "other"],
    set() {
      const scene = new Scene();
      const thread = scene.thread(0);
      const other = scene.view(1);
      store(scene.words, H.MEMORY_LIMIT, 1);
      return {
        threads: [
          () => {
            for (;;) {
              thread.control.beginAttempt();
              const ref = thread.memory.payload.allocate(256);
              thread.control.endAttempt(ref !== 0);
              if (ref !== 0) return;
              let came = false;
              thread.wantMemory({ memoryCame: () => void (came = true) });
              while (!came) thread.waitSync(Infinity);
            }
          },
          () => {
            other.control.beginAttempt();
            const ref = other.payload.allocate(256);
            // Its next part never has room.
            if (ref !== 0) other.payload.free(ref, 256);
            other.control.endAttempt(false);
          },
        ],
        check: () => same(scene.header(H.MEMORY_USED), 1, "granules in use"),
      };
    },
  },
  {
    name: "memory-limit-shared",
    what: "two threads take what the limit leaves, and never more",
    threads: ["left", "right"],
    set() {
      const scene = new Scene();
      store(scene.words, H.MEMORY_LIMIT, 2);
      const views = [scene.view(0), scene.view(1)];
      const taken = [0, 0];
      return {
        threads: views.map(({ payload }, i) => () => {
          for (const _ of [1, 2]) {
            if (payload.allocate(256) !== 0) taken[i] = (taken[i] ?? 0) + 1;
            expect(scene.header(H.MEMORY_USED) <= 2, "the limit is kept");
          }
        }),
        check: () => {
          same((taken[0] ?? 0) + (taken[1] ?? 0), 2, "granules taken");
          same(scene.header(H.MEMORY_USED), 2, "granules in use");
        },
      };
    },
  },
  ...[2, 3].map((threads): Scenario => ({
    name: `lock-${threads}`,
    what: `${threads} threads change what a lock protects`,
    threads: ["a", "b", "c"].slice(0, threads),
    search: threads === 2 ? { spurious: 1, timeouts: 1 } : { preemptions: 3 },
    deep: threads === 2 ? { spurious: 2, timeouts: 2 } : { preemptions: 5 },
    set() {
      const scene = new Scene();
      const { words } = scene;
      return {
        threads: ["a", "b", "c"].slice(0, threads).map((_, i) => () => {
          const tid = 100 + i;
          const alive = (tid: number) => !hasStopped(tid - 100);
          for (let times = 0; times < (threads === 2 ? 2 : 1); times++) {
            expect(acquire(words, H.REGISTRY_LOCK, tid, alive), "nobody died");
            increment(words);
            release(words, H.REGISTRY_LOCK);
          }
        }),
        check: () => {
          same(get(words, H.FAILURE), threads === 2 ? 4 : 3, "increments");
          same(scene.header(H.REGISTRY_LOCK), 0, "the lock");
        },
      };
    },
  })),
  {
    name: "lock-holder-stops",
    what: "a thread that stops for ever with the lock is found out",
    threads: ["stops", "other"],
    search: { stops: [0] },
    set() {
      const scene = new Scene();
      const views = [scene.view(0), scene.view(1)];
      const records: number[] = [];
      return {
        threads: views.map(({ control }) => () => {
          records.push(control.takeRecord(Pool.NAME));
        }),
        check: (end) => {
          const failed = scene.header(H.STATE) !== 0;
          const [a, b] = records;
          expect(failed || a !== b, "two records");
          expect(!failed || end.stopped === 0, "failed for a reason");
          expect(end.stopped >= 0 || records.length === 2, "both ended");
        },
      };
    },
  },
];
