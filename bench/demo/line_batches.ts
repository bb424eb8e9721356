// Cuts files into batches of whole lines, the messages of the ventilator.

import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { cannotRead, type TextFile } from "./text_files.ts";

/** About so many bytes of lines go into a message. */
const BATCH_BYTES = 8192;

const READ_BYTES = 65536;

/** A line longer than this is cut at its spaces. */
const LINE_BYTES_MAX = 1 << 20;

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** The lines of the files; lines of small files share a batch. */
export async function* lineBatches(
  files: readonly TextFile[],
): AsyncGenerator<Uint8Array> {
  const batcher = new LineBatcher();
  for (const file of files) {
    for await (const bytes of contents(file)) {
      batcher.push(bytes);
      for (let lines = batcher.take(); lines !== null; lines = batcher.take()) {
        yield lines;
      }
    }
    batcher.endFile();
  }
  const rest = batcher.takeRest();
  if (rest.length > 0) yield rest;
}

async function* contents(file: TextFile): AsyncGenerator<Uint8Array> {
  let handle;
  try {
    handle = await open(file.path, "r");
    const buffer = Buffer.alloc(READ_BYTES);
    let position = 0;
    while (position < file.sizeBytes) {
      const wanted = Math.min(READ_BYTES, file.sizeBytes - position);
      const { bytesRead } = await handle.read(buffer, 0, wanted, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw cannotRead(file.path, error);
  } finally {
    await handle?.close();
  }
}

/** Collects bytes and gives them back as batches that end where a line ends. */
export class LineBatcher {
  #bytes = Buffer.alloc(2 * READ_BYTES);
  #length = 0;

  /** Appends a stretch of a file. */
  push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * length);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /** Ends the last line of a file, which need not end in a newline. */
  endFile(): void {
    if (this.#length > 0 && this.#bytes[this.#length - 1] !== NEWLINE) {
      this.push(Uint8Array.of(NEWLINE));
    }
  }

  /** A batch, or null when there is not enough for one yet. */
  take(): Uint8Array | null {
    if (this.#length < BATCH_BYTES) return null;
    const bytes = this.#bytes.subarray(0, this.#length);
    let end = bytes.lastIndexOf(NEWLINE, BATCH_BYTES - 1);
    if (end < 0) end = bytes.indexOf(NEWLINE, BATCH_BYTES);
    if (end < 0 && this.#length > LINE_BYTES_MAX) {
      end = bytes.lastIndexOf(SPACE);
    }
    return end < 0 ? null : this.#cut(end + 1);
  }

  /** All that is left. */
  takeRest(): Uint8Array {
    return this.#cut(this.#length);
  }

  #cut(length: number): Uint8Array {
    // A copy of its own: the message may be queued for longer.
    const batch = new Uint8Array(this.#bytes.subarray(0, length));
    this.#bytes.copyWithin(0, length, this.#length);
    this.#length -= length;
    return batch;
  }
}
