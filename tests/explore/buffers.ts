// Memory that executions use one after the other, zeroed for each.

const buffers = new Map<string, SharedArrayBuffer>();

/** Zeroed shared memory; what the name had before is gone. */
export function zeroed(name: string, bytes: number): SharedArrayBuffer {
  const known = buffers.get(name);
  if (known !== undefined && known.byteLength === bytes) {
    new Int32Array(known).fill(0);
    return known;
  }
  const made = new SharedArrayBuffer(bytes);
  buffers.set(name, made);
  return made;
}
