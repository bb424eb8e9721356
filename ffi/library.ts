/**
 * How an argument or a result crosses to C.
 *
 * - `i32`, `u32`: a plain number in 32 bits.
 * - `word`: 64 bits: an address, `size_t`, `long`. Arguments must be made by
 *   {@linkcode Library.word}: Deno takes BigInt on its fast path and is three
 *   times slower for numbers, Bun is the other way round.
 * - `buffer`: a typed array (its first byte's address is passed) or null.
 * - `void`: no result.
 */
export type CType = "i32" | "u32" | "word" | "buffer" | "void";

/** One C function: parameters in order, and what it returns. */
export interface SymbolRow {
  readonly parameters: readonly CType[];
  readonly result: CType;
}

/** A 64-bit value on its way to C or back, in the runtime's own kind. */
export type Word = number | bigint;

/** A function looked up in a C library. */
// deno-lint-ignore no-explicit-any -- each symbol has its own parameters
export type CFunction = (...args: any[]) => Word;

/** What this package needs from a runtime's foreign function interface. */
export interface Library {
  /** Opens the C library called `name` and looks up every row of `table`. */
  open(
    name: string,
    table: Readonly<Record<string, SymbolRow>>,
  ): Record<string, CFunction>;
  /** True when `error`, thrown by `open`, means a missing permission. */
  isPermissionError(error: unknown): boolean;
  /** A safe integer as an argument of type `word`. */
  word(value: number): Word;
  /** Whether a typed array's `set` copies shared memory by single bytes. */
  readonly copiesSharedByBytes: boolean;
  /** Memory that somebody else owns, as a buffer; nothing is copied. */
  bufferAt(address: number, length: number): ArrayBuffer;
}
