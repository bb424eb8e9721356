import type { CFunction, CType, Library, SymbolRow, Word } from "./library.ts";

function nativeType(type: CType): Deno.NativeResultType {
  return type === "word" ? "u64" : type;
}

/** The foreign function interface of Deno. */
export const library: Library = {
  open(
    name: string,
    table: Readonly<Record<string, SymbolRow>>,
  ): Record<string, CFunction> {
    const rows: Record<string, Deno.ForeignFunction> = {};
    for (const [symbol, row] of Object.entries(table)) {
      rows[symbol] = {
        parameters: row.parameters.map((type) =>
          nativeType(type) as Deno.NativeType
        ),
        result: nativeType(row.result),
      };
    }
    return Deno.dlopen(name, rows).symbols as Record<string, CFunction>;
  },

  isPermissionError(error: unknown): boolean {
    return error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.PermissionDenied;
  },

  copiesSharedByBytes: true,

  word(value: number): Word {
    return BigInt(value);
  },

  bufferAt(address: number, length: number): ArrayBuffer {
    const pointer = Deno.UnsafePointer.create(BigInt(address));
    if (pointer === null) throw new RangeError("Cannot view a null address");
    // Safety: no finaliser is attached; the caller keeps the memory alive for
    // as long as the buffer is used.
    return Deno.UnsafePointerView.getArrayBuffer(pointer, length);
  },
};
