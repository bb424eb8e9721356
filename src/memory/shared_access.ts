// libzmq: atomic_ptr.hpp, atomic_counter.hpp · runs on: any · RFC: –

/**
 * Every access to shared control words goes through these functions, so that
 * one file says what is atomic and what is plain, and so that the same source
 * can be run under an explorer of interleavings.
 *
 * Ordering: the `Atomics` of JavaScript are sequentially consistent. `get` and
 * `put` are plain accesses, allowed only where another, atomic access of the
 * same thread orders them (the comment at the call says which).
 */
export type Words = Int32Array;

/** Reads a word, sequentially consistent. */
export function load(words: Words, index: number): number {
  return Atomics.load(words, index);
}

/** Writes a word, sequentially consistent. */
export function store(words: Words, index: number, value: number): void {
  Atomics.store(words, index, value);
}

/** Adds to a word and returns what it held before. */
export function add(words: Words, index: number, value: number): number {
  return Atomics.add(words, index, value);
}

/** Sets bits of a word and returns what it held before. */
export function or(words: Words, index: number, bits: number): number {
  return Atomics.or(words, index, bits);
}

/** Keeps only some bits of a word and returns what it held before. */
export function and(words: Words, index: number, bits: number): number {
  return Atomics.and(words, index, bits);
}

/** Replaces a word and returns what it held before. */
export function exchange(words: Words, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** Replaces a word if it holds `expected`; returns what it held before. */
export function compareExchange(
  words: Words,
  index: number,
  expected: number,
  value: number,
): number {
  return Atomics.compareExchange(words, index, expected, value);
}

/** Reads a word without ordering; the caller says what orders it. */
export function get(words: Words, index: number): number {
  return words[index] as number;
}

/**
 * Reads a word that others write atomically, at a fraction of what an atomic
 * read costs: what comes back may be late by some operations. For a look that
 * a proper one follows, before anybody sleeps.
 */
export function glance(words: Words, index: number): number {
  return words[index] as number;
}

/** Writes a word without ordering; the caller says what orders it. */
export function put(words: Words, index: number, value: number): void {
  words[index] = value;
}

/**
 * Adds 1 to a count, with wrap-around. No other thread writes it, nobody decides
 * anything by it, and whoever reads it takes what there is.
 */
export function tally(words: Words, index: number): void {
  words[index] = (words[index] as number + 1) | 0;
}

/** Sleeps while the word holds `expected`, at most `timeoutMs`. */
export function wait(
  words: Words,
  index: number,
  expected: number,
  timeoutMs: number,
): "ok" | "not-equal" | "timed-out" {
  return Atomics.wait(words, index, expected, timeoutMs);
}

/**
 * Like {@link wait} without blocking; `null` when the word already differs.
 */
export function waitAsync(
  words: Words,
  index: number,
  expected: number,
): Promise<unknown> | null {
  const result = Atomics.waitAsync(words, index, expected);
  return result.async ? result.value : null;
}

/**
 * Wakes all sleepers of the word. Always all: waking one may pick an older
 * `waitAsync` of the same thread and leave its blocking call asleep.
 */
export function notifyAll(words: Words, index: number): void {
  Atomics.notify(words, index);
}
