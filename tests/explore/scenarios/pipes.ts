// Pipes between threads that really sleep and are really woken.
import {
  CHUNK_HEADER_BYTES,
  FIRST_CHUNK_BYTES,
  SECOND_CHUNK_BYTES,
} from "../../../src/memory/chunk.ts";
import { H } from "../../../src/memory/layout.ts";
import { store } from "../../../src/memory/shared_access.ts";
import {
  ConflateReader,
  ConflateWriter,
} from "../../../src/memory/conflate_slot.ts";
import { createPipePair, Pipe } from "../../../src/core/pipe.ts";
import type { PipeSink } from "../../../src/core/pipe.ts";
import type { Thread } from "../../../src/core/thread.ts";
import type { Scenario } from "../scenario.ts";
import { expect, same, Scene } from "./scene.ts";

/** An end of a pipe, its thread, and what it was told and read. */
export class PipeSide implements PipeSink {
  readonly thread: Thread;
  readonly pipe: Pipe;
  readonly read: number[] = [];
  gone = false;
  /** Whether messages that were read are kept for ever. */
  holds = false;
  hiccups = 0;
  acknowledged = 0;

  constructor(thread: Thread, record: number, end: 0 | 1) {
    this.thread = thread;
    this.pipe = new Pipe(thread, record, end, this);
  }

  readActivated(): void {}
  writeActivated(): void {}
  hiccuped(): void {
    this.hiccups++;
  }
  hiccupAcknowledged(): void {
    this.acknowledged++;
  }
  pipeTerminated(): void {
    this.gone = true;
  }

  /** Writes a message that begins with a byte; false when the pipe has ended. */
  write(value: number, length = 1): boolean {
    const body = new Uint8Array(length).fill(value);
    for (;;) {
      if (this.pipe.checkWrite() && this.pipe.write([body], 0, 1)) return true;
      if (this.gone || !this.pipe.open) return false;
      this.thread.waitSync(Infinity);
    }
  }

  /** Reads what there is. */
  readAll(): void {
    while (!this.gone && this.pipe.checkRead()) {
      this.read.push(this.pipe.frameBytes[this.pipe.frameStart] as number);
      if (this.holds) this.pipe.takeMessage();
      else this.pipe.skipFrame();
    }
  }

  /** Reads until there were so many messages. */
  take(messages: number): void {
    for (;;) {
      this.readAll();
      if (this.read.length >= messages) return;
      this.thread.waitSync(Infinity);
    }
  }

  /** Reads until the pipe is gone. */
  takeToEnd(): void {
    for (;;) {
      this.readAll();
      if (this.gone) return;
      this.thread.waitSync(Infinity);
    }
  }

  /** Handles mail until the pipe is gone, without reading. */
  waitGone(): void {
    while (!this.gone) this.thread.waitSync(Infinity);
  }
}

/** Two ends on their threads. */
export class PipeScene {
  readonly scene: Scene;
  readonly sides: readonly [PipeSide, PipeSide];

  constructor(hwm: number, flags = 0) {
    this.scene = new Scene();
    const threads = [this.scene.thread(0), this.scene.thread(1)] as const;
    const record = createPipePair(threads[0].memory, [
      threads[0].mailbox,
      threads[1].mailbox,
    ], {
      firstSend: hwm,
      secondReceive: -1,
      secondSend: hwm,
      firstReceive: -1,
      flags,
    });
    this.sides = [
      new PipeSide(threads[0], record, 0),
      new PipeSide(threads[1], record, 1),
    ];
  }

  checkGone(): void {
    for (const side of this.sides) expect(side.gone, "both ends are gone");
    same(this.scene.header(H.PIPE_COUNT), 0, "pipes");
    same(this.scene.header(H.MEMORY_USED), 0, "granules in use");
  }
}

/** @param holds The reader keeps every message, and with it their chunks. */
function chunkAtLimit(holds: boolean): Scenario {
  return {
    name: holds ? "chunk-at-limit-held" : "chunk-at-limit",
    what: "a writer at the memory limit, whose reader frees " +
      (holds ? "nothing yet" : "less than it needs"),
    threads: THREADS,
    set() {
      const { scene, sides: [first, second] } = new PipeScene(0);
      // Two chunks are full, and the third one is larger than the first was.
      first.write(1, FIRST_CHUNK_BYTES - CHUNK_HEADER_BYTES - 2);
      first.write(2, SECOND_CHUNK_BYTES - CHUNK_HEADER_BYTES - 9);
      store(scene.words, H.MEMORY_LIMIT, scene.header(H.MEMORY_USED));
      second.holds = holds;
      return {
        threads: [() => void first.write(3), () => second.take(3)],
        check: () => same(second.read, [1, 2, 3], "messages read"),
      };
    },
  };
}

/** Writes a message of one byte; false when the reader is to be woken. */
function replace(writer: ConflateWriter, value: number): boolean {
  writer.beginMessage();
  writer.writeFrame(0, Uint8Array.of(value));
  writer.completeMessages(1);
  return writer.flush();
}

const THREADS: readonly string[] = ["first", "second"];

export const pipeScenarios: readonly Scenario[] = [
  {
    name: "flush-against-sleep",
    what: "two messages to a thread that goes to sleep meanwhile",
    threads: THREADS,
    set() {
      const { sides: [first, second] } = new PipeScene(0);
      return {
        threads: [
          () => {
            first.write(1);
            first.write(2);
          },
          () => second.take(2),
        ],
        check: () => same(second.read, [1, 2], "messages read"),
      };
    },
  },
  {
    name: "flush-against-waking",
    what: "a message to a thread whose sleep ends for no reason, or by time",
    threads: THREADS,
    search: { spurious: 1, timeouts: 1 },
    set() {
      const { sides: [first, second] } = new PipeScene(0);
      return {
        threads: [() => void first.write(1), () => second.take(1)],
        check: () => same(second.read, [1], "messages read"),
      };
    },
  },
  {
    name: "credit-against-block",
    what: "two messages to a pipe for one, whose writer sleeps when it is full",
    threads: THREADS,
    set() {
      const { sides: [first, second] } = new PipeScene(1);
      return {
        threads: [
          () => {
            first.write(1);
            first.write(2);
          },
          () => second.take(2),
        ],
        check: () => same(second.read, [1, 2], "messages read"),
      };
    },
  },
  {
    name: "drained-against-waiting",
    what: "a writer that sleeps until its two messages were read",
    threads: THREADS,
    set() {
      const { sides: [first, second] } = new PipeScene(0);
      return {
        threads: [
          () => {
            first.write(1);
            first.write(2);
            const { writer } = first.pipe;
            while (!writer.checkDrained()) first.thread.waitSync(Infinity);
          },
          () => second.take(2),
        ],
        check: () => same(second.read, [1, 2], "messages read"),
      };
    },
  },
  chunkAtLimit(false),
  chunkAtLimit(true),
  {
    name: "close-against-send",
    what: "one end sends and closes, the other reads to the end",
    threads: THREADS,
    set() {
      const pipes = new PipeScene(0);
      const [first, second] = pipes.sides;
      return {
        threads: [
          () => {
            // Complete, and not flushed: as an engine leaves it.
            first.pipe.prepare([Uint8Array.of(1)], 0, 1);
            first.pipe.writer.completeMessages(1);
            first.pipe.terminate(false);
            first.waitGone();
          },
          () => second.takeToEnd(),
        ],
        check: () => {
          same(second.read, [1], "messages read");
          pipes.checkGone();
        },
      };
    },
  },
  {
    name: "close-against-sender",
    what: "one end closes while the other sends",
    threads: THREADS,
    set() {
      const pipes = new PipeScene(0);
      const [first, second] = pipes.sides;
      return {
        threads: [
          () => {
            first.pipe.terminate(false);
            first.waitGone();
          },
          () => {
            second.write(1);
            second.takeToEnd();
          },
        ],
        check: () => pipes.checkGone(),
      };
    },
  },
  {
    name: "close-against-close",
    what: "both ends close at once",
    threads: THREADS,
    set() {
      const pipes = new PipeScene(0);
      const [first, second] = pipes.sides;
      return {
        threads: [first, second].map((side) => () => {
          side.pipe.terminate(false);
          side.waitGone();
        }),
        check: () => pipes.checkGone(),
      };
    },
  },
  {
    name: "hiccup-against-send",
    what: "one end drops what was sent before the other learns of a hiccup",
    threads: THREADS,
    set() {
      const { sides: [first, second] } = new PipeScene(0);
      return {
        threads: [
          () => {
            first.write(1);
            while (first.hiccups === 0) first.thread.waitSync(Infinity);
            first.write(2);
          },
          () => {
            second.pipe.hiccup();
            while (second.acknowledged === 0) second.thread.waitSync(Infinity);
            second.take(1);
          },
        ],
        check: () => same(second.read, [2], "messages read"),
      };
    },
  },
  {
    name: "conflate",
    what: "three messages through a slot for one: the newest always comes",
    threads: ["writer", "reader"],
    set() {
      const scene = new Scene();
      const view = scene.view(0);
      const queue = scene.queue(view, 0, 0);
      const writer = new ConflateWriter(view, queue);
      const reader = new ConflateReader(scene.view(1), queue);
      const read: number[] = [];
      return {
        threads: [
          () => {
            for (const value of [1, 2, 3]) {
              if (!replace(writer, value)) scene.bells.ring(0);
            }
          },
          () => {
            while (read.at(-1) !== 3) {
              if (!reader.available()) {
                scene.bells.hear(0);
                continue;
              }
              reader.decode();
              read.push(reader.bytes[reader.bodyStart] as number);
              reader.advance();
            }
          },
        ],
        check: () => {
          const sorted = [...new Set(read)].sort((a, b) => a - b);
          same(read, sorted, "messages in order, none twice");
          reader.destroy();
          same(scene.header(H.MEMORY_USED), 0, "granules in use");
          same(scene.header(H.BLOCK_COUNT), 0, "blocks");
        },
      };
    },
  },
  {
    name: "conflate-moves",
    what: "the reader of a slot hands what it took on to another thread",
    threads: ["writer", "reader"],
    set() {
      const scene = new Scene();
      const view = scene.view(0);
      const queue = scene.queue(view, 0, 0);
      const writer = new ConflateWriter(view, queue);
      const other = scene.view(1);
      const reader = new ConflateReader(other, queue);
      return {
        threads: [
          () => {
            for (const value of [1, 2]) replace(writer, value);
          },
          () => {
            reader.available();
            reader.save();
          },
        ],
        check: () => {
          const next = new ConflateReader(other, queue);
          expect(next.available(), "the newest message is there");
          next.decode();
          same(next.bytes[next.bodyStart], 2, "the newest message");
          next.destroy();
          same(scene.header(H.BLOCK_COUNT), 0, "blocks");
        },
      };
    },
  },
];
