import type { CFunction, CType, Library, SymbolRow, Word } from "./library.ts";

// Not a static import: a bundler would lift it out of this file, to where Deno
// evaluates it and finds no such module.
const { dlopen, toArrayBuffer } = await import("bun:ffi");

function parameterType(type: CType): string {
  switch (type) {
    case "word":
      return "u64";
    case "buffer":
      return "ptr";
    default:
      return type;
  }
}

function resultType(type: CType): string {
  // "ptr" is Bun's only 64-bit result that never becomes a BigInt.
  return type === "word" ? "ptr" : parameterType(type);
}

// Safety: symbols are called for as long as the thread lives, so the library
// they belong to is never given to the garbage collector.
const opened: unknown[] = [];

/** The foreign function interface of Bun. */
export const library: Library = {
  open(
    name: string,
    table: Readonly<Record<string, SymbolRow>>,
  ): Record<string, CFunction> {
    const rows: Record<string, { args: string[]; returns: string }> = {};
    for (const [symbol, row] of Object.entries(table)) {
      rows[symbol] = {
        args: row.parameters.map(parameterType),
        returns: resultType(row.result),
      };
    }
    const library = dlopen(name, rows);
    opened.push(library);
    return library.symbols as Record<string, CFunction>;
  },

  isPermissionError(_error: unknown): boolean {
    return false;
  },

  copiesSharedByBytes: false,

  word(value: number): Word {
    return value;
  },

  bufferAt(address: number, length: number): ArrayBuffer {
    if (address === 0) throw new RangeError("Cannot view a null address");
    // Safety: no deallocator is given; the caller keeps the memory alive for
    // as long as the buffer is used.
    return toArrayBuffer(address, 0, length);
  },
};
