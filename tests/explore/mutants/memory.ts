// Mistakes in blocks, the allocator, the memory limit and locks.
import { type Mutant, mutant } from "./mutant.ts";

export const memoryMutants: readonly Mutant[] = [
  mutant(
    "references are counted in two steps",
    "block-release",
    "memory/block.ts",
    `if (add(words, at + REFERENCES, -1) !== 1) return;`,
    `const count = load(words, at + REFERENCES);
    store(words, at + REFERENCES, count - 1);
    if (count !== 1) return;`,
    `import { add, compareExchange, get, load, put } from`,
    `import { add, compareExchange, get, load, put, store } from`,
  ),
  mutant(
    "block is freed one reference early",
    "block-release",
    "memory/block.ts",
    `if (add(words, at + REFERENCES, -1) !== 1) return;`,
    `if (add(words, at + REFERENCES, -1) !== 2) return;`,
  ),
  mutant(
    "lent block is given back without a compare",
    "lent-memory",
    "memory/block.ts",
    `const seen = compareExchange(control, list, head, ref);`,
    `store(control, list, ref);
      const seen = head;`,
    `import { add, compareExchange, get, load, put } from`,
    `import { add, get, load, put, store } from`,
  ),
  mutant(
    "rest of the shared stack is put back over others",
    ["shared-stack", "shared-stack-short"],
    "memory/payload_segments.ts",
    `if (ref !== 0 && compareExchange(words, stack, 0, ref) !== 0) {`,
    `if (ref !== 0) store(words, stack, ref);
    if (ref < 0) {`,
  ),
  mutant(
    "shared stack is read and emptied in two steps",
    ["shared-stack", "shared-stack-short"],
    "memory/payload_segments.ts",
    `let ref = load(words, stack) === 0 ? 0 : exchange(words, stack, 0);`,
    `let ref = load(words, stack);
    store(words, stack, 0);`,
  ),
  mutant(
    "cells of pages that are not free are dropped",
    "sweep",
    "memory/payload_segments.ts",
    `      if (cells.get(ref >>> PAGE_GRANULES_SHIFT) === whole) freedCount++;`,
    `      if (ref !== 0) freedCount++;`,
  ),
  mutant(
    "cells that are kept are put back over others",
    "sweep",
    "memory/payload_segments.ts",
    `    if (kept !== 0) this.#pushChain(stack, kept, last);`,
    `    if (kept !== 0) exchange(words, stack, kept);`,
  ),
  mutant(
    "cells are swept that others may still take",
    "sweep",
    "memory/payload_segments.ts",
    `    const first = exchange(words, stack, 0);
    const cells`,
    `    const first = load(words, stack);
    exchange(words, stack, 0);
    const cells`,
  ),
  mutant(
    "run is kept outside of the allocator's lock",
    ["kept-runs", "kept-runs-short"],
    "memory/payload_segments.ts",
    `this.#control.locked(H.ALLOCATOR_LOCK, () => {
      this.#runCache.drain((each, length) => this.#keepRunLocked(each, length));
      if (this.#runCache.push(ref, pages)) return;
      this.#keepRunLocked(ref, pages);
    });`,
    "this.#keepRunLocked(ref, pages);",
  ),
  mutant(
    "runs of a thread are handed over outside of the allocator's lock",
    "cached-runs",
    "memory/payload_segments.ts",
    `this.#control.locked(H.ALLOCATOR_LOCK, () => {
      this.#runCache.drain((ref, pages) => this.#keepRunLocked(ref, pages));
    });`,
    "this.#runCache.drain((ref, pages) => this.#keepRunLocked(ref, pages));",
  ),
  mutant(
    "run that was handed over stays with its thread",
    "cached-runs",
    "memory/run_cache.ts",
    `const refs = this.#refs.splice(0);
    const lengths = this.#lengths.splice(0);`,
    `const refs = [...this.#refs];
    const lengths = [...this.#lengths];`,
  ),
  mutant(
    "memory limit is passed for a moment",
    "memory-limit-shared",
    "memory/payload_segments.ts",
    `        const seen = compareExchange(
          words,
          H.MEMORY_USED,
          used,
          used + granules,
        );`,
    `        add(words, H.MEMORY_USED, granules);
        const seen = used;`,
  ),
  mutant(
    "look for waiters before counting what came free",
    "memory-limit",
    "memory/control_segment.ts",
    `add(this.words, H.MEMORY_FREED, 1);
    if (this.#attempts > 0) this.#freedInAttempt = true;`,
    `const waiters = load(this.words, H.MEMORY_WAITERS);
    add(this.words, H.MEMORY_FREED, 1);
    if (waiters === 0) return;
    if (this.#attempts > 0) this.#freedInAttempt = true;`,
  ),
  mutant(
    "want memory without looking again",
    "memory-limit",
    "memory/control_segment.ts",
    `if (freed === this.#freedSeen) return;`,
    `if (freed >= 0) return;`,
  ),
  mutant(
    "attempt looks for who waits when it begins only",
    "attempt-taken-back",
    "memory/control_segment.ts",
    `else if (this.#wantsOfOthers() !== this.#wantsSeen) {`,
    `else if (this.#wantsSeen !== this.#wantsSeen) {`,
  ),
  mutant(
    "registration is counted before it stands",
    "attempt-taken-back",
    "memory/control_segment.ts",
    `    store(words, layout.thread(slot) + THREAD.MEMORY_WANTED, 1);
    store(words, H.MEMORY_WAITERS, 1);
    add(words, H.MEMORY_WANTS, 1);`,
    `    add(words, H.MEMORY_WANTS, 1);
    if (this.#freedByOthers() !== this.#freedSeen) return this.#tellMemoryCame(
      slot,
    );
    store(words, layout.thread(slot) + THREAD.MEMORY_WANTED, 1);
    store(words, H.MEMORY_WAITERS, 1);`,
  ),
  mutant(
    "chunk that is held is left without a word",
    "chunk-at-limit-held",
    "memory/context_memory.ts",
    `      this.control.memoryCameFree();`,
    ``,
  ),
  mutant(
    "lock is let go of without waking",
    "lock-2",
    "memory/lock.ts",
    `if ((exchange(words, index, 0) & CONTENDED) !== 0) notifyAll(words, index);`,
    `exchange(words, index, 0);`,
  ),
  mutant(
    "lock is taken without a compare",
    "lock-2",
    "memory/lock.ts",
    `const held = compareExchange(words, index, 0, tid | CONTENDED);`,
    `const held = load(words, index);
    if (held === 0) exchange(words, index, tid | CONTENDED);`,
  ),
  mutant(
    "dead holder's lock is waited for without its life being asked for",
    "lock-holder-stops",
    "memory/lock.ts",
    `if (result !== "timed-out" || alive(held & ~CONTENDED)) continue;`,
    `if (result !== "timed-out" || held !== 0) continue;`,
  ),
  mutant(
    "cell is kept and given to the others",
    ["remote-free", "remote-free-short"],
    "memory/payload_segments.ts",
    `cache.push(ref);
      return;`,
    `cache.push(ref);`,
  ),
  mutant(
    "memory in use is counted in two steps",
    ["remote-free", "remote-free-short"],
    "memory/payload_segments.ts",
    `add(this.#control.words, H.MEMORY_USED, -(size >>> GRANULE_SHIFT));
    this.#control.memoryCameFree();`,
    `const { words } = this.#control;
    const used = load(words, H.MEMORY_USED);
    store(words, H.MEMORY_USED, used - (size >>> GRANULE_SHIFT));
    this.#control.memoryCameFree();`,
  ),
  mutant(
    "cell is linked once, however often it is pushed",
    ["remote-free", "shared-stack"],
    "memory/payload_segments.ts",
    `for (;;) {
      // Ordering: published by the compare-and-swap below.
      put(this.wordsOf(last), this.offset(last) >>> 2, head);`,
    `put(this.wordsOf(last), this.offset(last) >>> 2, head);
    for (;;) {`,
  ),
  mutant(
    "second waiter takes the first one's mark away",
    ["lock-2", "lock-3"],
    "memory/lock.ts",
    `const marked = held | CONTENDED;`,
    `const marked = held ^ CONTENDED;`,
  ),
];
