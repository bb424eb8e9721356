// One writer and one reader of a frame queue.
import type { ContextMemory } from "../../../src/memory/context_memory.ts";
import { H } from "../../../src/memory/layout.ts";
import { QueueReader } from "../../../src/memory/queue_reader.ts";
import { QueueWriter } from "../../../src/memory/queue_writer.ts";
import type { Scenario } from "../scenario.ts";
import { expect, same, Scene } from "./scene.ts";

const MORE = 1;
const TO_READER = 0;
const TO_WRITER = 1;

/** Ends of a queue on two threads, and what was read. */
class Ends {
  readonly scene: Scene;
  readonly views: readonly [ContextMemory, ContextMemory];
  readonly writer: QueueWriter;
  readonly reader: QueueReader;
  /** Message by message, the first byte and the length of each part. */
  readonly read: number[][] = [];
  #reading: number[] = [];
  written = 0;
  /** Messages written, and how many may wait; 0 = any number. */
  #messages = 0;
  readonly #limit: number;

  constructor(hwmWriter: number, hwmReader: number) {
    const scene = new Scene();
    this.scene = scene;
    this.#limit = Math.max(hwmWriter, 0) + Math.max(hwmReader, 0);
    this.views = [scene.view(0), scene.view(1)];
    const queue = scene.queue(this.views[0], hwmWriter, hwmReader);
    this.writer = new QueueWriter(this.views[0], queue);
    this.reader = new QueueReader(this.views[1], queue);
  }

  /** Writes a message of parts of so many bytes, each filled with its number. */
  write(...lengths: number[]): void {
    const { writer } = this;
    while (!writer.hasCredit()) this.scene.bells.hear(TO_WRITER);
    const waiting = ++this.#messages - this.read.length;
    expect(
      this.#limit === 0 || waiting <= this.#limit,
      "no more messages wait than may",
    );
    writer.beginMessage();
    this.parts(lengths, false);
    this.complete();
  }

  parts(lengths: readonly number[], unfinished: boolean): void {
    lengths.forEach((length, i) => {
      const body = new Uint8Array(length).fill(++this.written);
      const more = unfinished || i < lengths.length - 1;
      const written = this.writer.writeFrame(more ? MORE : 0, body);
      expect(written, "there is memory");
    });
  }

  complete(): void {
    this.writer.completeMessages(1);
    if (!this.writer.flush()) this.scene.bells.ring(TO_READER);
  }

  /** Reads so many messages, and sleeps while there are none. */
  take(messages: number): void {
    const { reader } = this;
    while (this.read.length < messages) {
      if (reader.available()) this.#frame();
      else {
        if (reader.tellRead()) this.scene.bells.ring(TO_WRITER);
        this.scene.bells.hear(TO_READER);
      }
    }
  }

  #frame(): void {
    const { reader } = this;
    reader.decode();
    const start = reader.bodyStart;
    const length = reader.bodyLength;
    const first = reader.bytes[start] as number;
    this.#reading.push(first, length);
    // All of the body is its own.
    expect(reader.bytes[start + length - 1] === first, "a whole body");
    const more = (reader.flags & MORE) !== 0;
    reader.advance();
    if (more) {
      // The rest of a message is there with its beginning.
      expect(reader.available(), "a message that is visible whole");
      return;
    }
    this.read.push(this.#reading);
    this.#reading = [];
    if (reader.countRead(1)) this.scene.bells.ring(TO_WRITER);
  }

  /** Everything was read in order, and all memory comes back. */
  checkRead(...messages: number[][]): void {
    same(this.read, messages, "messages read");
    this.checkEmpty();
  }

  checkEmpty(): void {
    expect(!this.reader.available(), "nothing is left");
    this.reader.destroy();
    same(this.scene.header(H.MEMORY_USED), 0, "granules in use");
  }
}

/** Messages against a high-water mark. */
function limit(
  name: string,
  what: string,
  marks: readonly [number, number],
  messages: number,
): Scenario {
  return {
    name,
    what,
    threads: ["writer", "reader"],
    search: { spurious: messages === 2 ? 1 : 0 },
    set() {
      const ends = new Ends(...marks);
      return {
        threads: [
          () => {
            for (let i = 0; i < messages; i++) ends.write(1);
          },
          () => ends.take(messages),
        ],
        check: () => {
          const all = [1, 2, 3].slice(0, messages);
          ends.checkRead(...all.map((n) => [n, 1]));
        },
      };
    },
  };
}

export const queueScenarios: readonly Scenario[] = [
  limit(
    "queue-limit-1",
    "three messages through a queue for one",
    [1, -1],
    3,
  ),
  limit(
    "queue-limit-waking",
    "two messages through a queue for one, where sleep ends for no reason",
    [1, -1],
    2,
  ),
  limit(
    "queue-limit-2",
    "three messages through a queue for two, whose reader tells at times",
    [1, 1],
    3,
  ),
  {
    name: "chunk-hand-over",
    what: "three messages, the second and third in chunks of their own",
    threads: ["writer", "reader"],
    set() {
      const ends = new Ends(0, 0);
      return {
        threads: [
          () => {
            ends.write(3);
            ends.write(236);
            ends.write(5);
          },
          () => ends.take(3),
        ],
        check: () => ends.checkRead([1, 3], [2, 236], [3, 5]),
      };
    },
  },
  {
    name: "chunk-of-two",
    what: "three messages, two of them in the first chunk",
    threads: ["writer", "reader"],
    set() {
      const ends = new Ends(0, 0);
      return {
        threads: [
          () => {
            ends.write(3);
            ends.write(4);
            ends.write(236);
          },
          () => ends.take(3),
        ],
        check: () => ends.checkRead([1, 3], [2, 4], [3, 236]),
      };
    },
  },
  {
    name: "roll-back",
    what: "a message of parts in two chunks that is taken back, between two",
    threads: ["writer", "reader"],
    set() {
      const ends = new Ends(0, 0);
      return {
        threads: [
          () => {
            ends.write(2);
            ends.writer.beginMessage();
            // As long as what comes next: the former end of the chunk is the
            // end of a frame again.
            ends.parts([4, 240], true);
            ends.writer.rollback();
            ends.written = 1;
            ends.write(4, 5);
          },
          () => ends.take(2),
        ],
        check: () => ends.checkRead([1, 2], [2, 4, 3, 5]),
      };
    },
  },
  {
    name: "writer-stops",
    what: "a writer that stops for ever at any step leaves whole messages",
    threads: ["writer", "reader"],
    search: { stops: [0] },
    set() {
      const ends = new Ends(0, 0);
      return {
        threads: [
          () => {
            ends.write(1, 1);
            ends.write(238);
          },
          () => ends.take(2),
        ],
        mayEnd: (end) => end.stopped === 0,
        check: (end) => {
          const all = [[1, 1, 2, 1], [3, 238]];
          same(ends.read, all.slice(0, ends.read.length), "messages read");
          expect(end.stopped === 0 || ends.read.length === 2, "all were read");
        },
      };
    },
  },
];
