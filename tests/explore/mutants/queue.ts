// Mistakes in the queue of a pipe.
import { type Mutant, mutant } from "./mutant.ts";

export const queueMutants: readonly Mutant[] = [
  mutant(
    "publish before payload",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `platform.copyBytes(this.#bytes, this.#offset, body, 0, length);`,
    `exchange(this.#control, this.#queue + QUEUE.FLUSHED,
      (this.#position() + 2 * length) | 0);
    platform.copyBytes(this.#bytes, this.#offset, body, 0, length);`,
  ),
  mutant(
    "full test off by one",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `if (((this.#written - this.#readSeen) | 0) >= hwm) {`,
    `if (((this.#written - this.#readSeen) | 0) > hwm) {`,
  ),
  mutant(
    "block without looking again",
    ["queue-limit-2", "queue-limit-1", "credit-against-block"],
    "memory/queue_writer.ts",
    `store(words, queue + QUEUE.BLOCKED, 1);
    this.#readSeen = load(words, queue + QUEUE.READ);`,
    `store(words, queue + QUEUE.BLOCKED, 1);`,
  ),
  mutant(
    "drained writer is woken by one message more",
    "drained-against-waiting",
    "memory/queue_writer.ts",
    `this.#blockUntil(this.#written);`,
    `this.#blockUntil((this.#written + 1) | 0);`,
  ),
  mutant(
    "guaranteed chunk by what was released before the refusal",
    "chunk-at-limit",
    "memory/queue_writer.ts",
    `    let ref = held > QUEUE_BYTES_MAX
      ? 0
      : payload.allocate(size, this.guaranteed);
    if (ref === 0 && this.#mayPassLimit()) {`,
    `    const released = this.#released();
    let ref = held > QUEUE_BYTES_MAX
      ? 0
      : payload.allocate(size, this.guaranteed);
    if (ref === 0 && released === this.#start && this.#mayPassLimit()) {`,
  ),
  mutant(
    "look for the blocked writer before telling",
    "queue-limit-waking",
    "memory/queue_reader.ts",
    `store(words, queue + QUEUE.READ, read);
    if (load(words, queue + QUEUE.BLOCKED) === 0) return false;`,
    `const blocked = load(words, queue + QUEUE.BLOCKED);
    store(words, queue + QUEUE.READ, read);
    if (blocked === 0) return false;`,
  ),
  mutant(
    "reader sleeps without a mark",
    "queue-limit-2",
    "memory/queue_reader.ts",
    `      here | 1,`,
    `      here,`,
  ),
  mutant(
    "flush takes the reader for awake",
    "queue-limit-2",
    "memory/queue_writer.ts",
    `return (before & 1) === 0;`,
    `return true;`,
  ),
  mutant(
    "reader runs past the end of a chunk",
    "chunk-hand-over",
    "memory/queue_reader.ts",
    `used < 0 ? flushed : Math.min(flushed, used - consumed)`,
    `flushed`,
  ),
  mutant(
    "new chunk looks finished",
    "chunk-hand-over",
    "memory/queue_writer.ts",
    `put(words, at + CHUNK.USED, -1);`,
    `put(words, at + CHUNK.USED, 0);`,
  ),
  mutant(
    "chunk is left before it is read",
    "chunk-of-two",
    "memory/queue_reader.ts",
    `if (used === consumed) {`,
    `if (used >= 0 && consumed > 0) {`,
  ),
  mutant(
    "roll-back leaves the chunk finished",
    "roll-back",
    "memory/queue_writer.ts",
    `store(words, at + CHUNK.USED, -1);`,
    ``,
  ),
  mutant(
    "roll-back forgets its chunks",
    "roll-back",
    "memory/queue_writer.ts",
    `while (chunk !== 0) {
      const last`,
    `while (chunk < 0) {
      const last`,
  ),
  mutant(
    "a part is published before its message",
    "writer-stops",
    "memory/queue_writer.ts",
    `this.#offset = at + size;
    return true;`,
    `this.#offset = at + size;
    if ((flags & 1) !== 0) {
      exchange(this.#control, this.#queue + QUEUE.FLUSHED,
        (this.#position() + 2 * length) | 0);
    }
    return true;`,
  ),
];
