// From bytes as the kernel gives them to frames in the pipe of a socket, and
// out of that pipe again: an I/O worker's part of receiving.

import { FeedResult, Inbound } from "../src/engine/inbound.ts";
import { READ_BYTES_MAX } from "../src/engine/engine_buffers.ts";
import { Kernel, openPipe } from "../tests/support/kernel.ts";
import { BATCH, perBatch } from "./parts.ts";

const kernel = new Kernel();
const thread = kernel.thread();

for (const size of [16, 64, 1024]) {
  const { first, second } = openPipe(thread, thread);
  const inbound = new Inbound(
    thread.memory,
    second.writer,
    -1,
    () => null,
    null,
  );
  const source = frames(size);
  perBatch("decoder", `${size} B`, () => {
    // As an engine does: what a read has cut off comes before the next one.
    for (let at = 0; at < source.length; at = inbound.consumed) {
      const end = Math.min(at + READ_BYTES_MAX, source.length);
      if (inbound.feed(source, at, end) !== FeedResult.HUNGRY) {
        throw new Error("the decoder refused a frame");
      }
      second.flush();
    }
    let messages = 0;
    while (first.checkRead()) {
      first.skipFrame();
      messages++;
    }
    if (messages !== BATCH) throw new Error(`${messages} messages came out`);
  });
}

/** A thousand messages of one part, in wire format. */
function frames(size: number): Uint8Array {
  const header = size > 255 ? 9 : 2;
  const bytes = new Uint8Array(BATCH * (header + size));
  for (let at = 0; at < bytes.length; at += header + size) {
    if (header === 2) bytes[at + 1] = size;
    else {
      bytes[at] = 2;
      bytes[at + 7] = size >>> 8;
      bytes[at + 8] = size;
    }
  }
  return bytes;
}
