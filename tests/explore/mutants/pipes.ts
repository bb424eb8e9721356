// Mistakes in the two ends of a pipe, and in the slot of a conflating one.
import { type Mutant, mutant } from "./mutant.ts";

export const pipeMutants: readonly Mutant[] = [
  mutant(
    "acknowledgement is forgotten when both close",
    "close-against-close",
    "core/pipe.ts",
    `this.#post(Command.PIPE_TERM_ACK);
        this.#state = PipeState.TERM_REQ_SENT2;`,
    `this.#state = PipeState.TERM_REQ_SENT2;`,
  ),
  mutant(
    "delimiter before the last message",
    "close-against-send",
    "core/pipe.ts",
    `this.writer.flush();
        this.writer.delimit();`,
    `this.writer.delimit();
        this.writer.flush();`,
  ),
  mutant(
    "delimiter hides what was sent before it",
    "close-against-send",
    "memory/queue_reader.ts",
    `return !this.available();
  }

  /** Reads the header`,
    `return true;
  }

  /** Reads the header`,
  ),
  mutant(
    "pair is freed by both ends",
    "close-against-close",
    "core/pipe.ts",
    `if (add(control.words, this.record + PIPE.GONE, 1) !== 1) return;`,
    `add(control.words, this.record + PIPE.GONE, 1);`,
  ),
  mutant(
    "hiccup is answered before its place is known",
    ["hiccup-against-send", "end-hiccup"],
    "core/pipe.ts",
    `    store(words, outbound + QUEUE.HICCUP_AT, this.writer.completePosition);
    // First what the new connection has to know: it is read with the answer.
    if (this.#state === PipeState.ACTIVE) this.#sink.hiccuped(this);
    this.#post(Command.HICCUP_ACK);
`,
    `    if (this.#state === PipeState.ACTIVE) this.#sink.hiccuped(this);
    this.#post(Command.HICCUP_ACK);
    store(words, outbound + QUEUE.HICCUP_AT, this.writer.completePosition);
`,
  ),
  mutant(
    "conflating reader sleeps without a compare",
    "conflate",
    "memory/conflate_slot.ts",
    `const seen = compareExchange(
      this.#control,
      slot,
      EMPTY,
      EMPTY_READER_SLEEPS,
    );`,
    `store(this.#control, slot, EMPTY_READER_SLEEPS);
    const seen = EMPTY;`,
  ),
  mutant(
    "replaced message is kept",
    "conflate",
    "memory/conflate_slot.ts",
    `if (before > EMPTY_READER_SLEEPS) this.#memory.blocks.release(before);`,
    ``,
  ),
  mutant(
    "moving reader puts an older message back",
    "conflate-moves",
    "memory/conflate_slot.ts",
    `const seen = compareExchange(this.#control, slot, EMPTY, this.chunk);`,
    `store(this.#control, slot, this.chunk);
      const seen = EMPTY;`,
  ),
  mutant(
    "queue that nobody read is not freed",
    "close-against-sender",
    "memory/queue_reader.ts",
    `if (load(this.#control, first) === 0) return;
    if (this.#holding)`,
    `if (this.chunk === 0) return;
    if (this.#holding)`,
  ),
];
