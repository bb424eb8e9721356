// The ventilator: hands out the lines, tells the others when to start and to
// stop, and follows the sink until everything has arrived there.

import { Context, Publisher, Push, Request } from "../../mod.ts";
import { lineBatches } from "./line_batches.ts";
import {
  Control,
  inTime,
  LINGER_MS,
  PATIENCE_MS,
  Question,
  type SinkStatus,
  textOf,
} from "./protocol.ts";
import type { TextFile } from "./text_files.ts";

/** How often the sink is asked how far it is. */
const STATUS_INTERVAL_MS = 20;

/** Batches queued for a counter: a few, so that the quick ones get more. */
const QUEUED_BATCHES = 16;

/** What has been handed out so far. */
export interface Handed {
  readonly batches: number;
  readonly bytes: number;
}

/** One run of the demo, seen from the ventilator. */
export class Ventilator {
  readonly #context = new Context();
  readonly #lines = new Push({
    context: this.#context,
    linger: 0,
    sendHighWaterMark: QUEUED_BATCHES,
    sendTimeout: PATIENCE_MS,
  });
  readonly #control = new Publisher({
    context: this.#context,
    linger: LINGER_MS,
  });
  readonly #sink = new Request({
    context: this.#context,
    linger: 0,
    reconnectInterval: 10,
    sendTimeout: PATIENCE_MS,
    receiveTimeout: PATIENCE_MS,
  });
  #handed: Handed = { batches: 0, bytes: 0 };
  #complete = false;

  /** Binds to ports of the system's choice; the sink's place is given. */
  constructor(statusEndpoint: string) {
    this.#lines.bindSync("tcp://127.0.0.1:*");
    this.#control.bindSync("tcp://127.0.0.1:*");
    this.#sink.connect(statusEndpoint);
  }

  get linesEndpoint(): string {
    return this.#lines.lastEndpoint ?? "";
  }

  get controlEndpoint(): string {
    return this.#control.lastEndpoint ?? "";
  }

  get handed(): Handed {
    return this.#handed;
  }

  async #ask(question: string): Promise<Uint8Array | undefined> {
    const silence = "The sink has not answered";
    await inTime(this.#sink.send([question]), silence);
    const [answer] = await inTime(this.#sink.receive(), silence);
    return answer;
  }

  async #status(): Promise<SinkStatus> {
    return JSON.parse(textOf(await this.#ask(Question.status)));
  }

  /**
   * Says hello until the sink and all counters have heard it: what is published
   * before a subscription has arrived is lost.
   */
  async gather(counters: number): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      await this.#control.send(Control.hello);
      const { listening, ready } = await this.#status();
      if (listening && ready.length === counters) break;
      if (performance.now() > deadlineMs) {
        throw new Error(
          `Only ${ready.length} of ${counters} counters answered ` +
            `within ${PATIENCE_MS / 1000} s`,
        );
      }
      await pause(STATUS_INTERVAL_MS);
    }
    await this.#control.send(Control.start);
  }

  /** Hands out every line. */
  async handOut(files: readonly TextFile[]): Promise<void> {
    for await (const lines of lineBatches(files)) {
      const { batches, bytes } = this.#handed;
      await inTime(
        this.#lines.send([String(batches), lines]),
        "No counter has taken any lines",
      );
      this.#handed = { batches: batches + 1, bytes: bytes + lines.length };
    }
    this.#complete = true;
  }

  /** Follows the sink until it has the counts of every batch. */
  async follow(show: (status: SinkStatus) => void): Promise<void> {
    let lastMoved = -1;
    let movedMs = performance.now();
    for (;;) {
      await this.#control.send(Control.tick);
      const status = await this.#status();
      show(status);
      const { batches } = this.#handed;
      if (this.#complete && status.merged === batches) return;
      const moved = status.merged + batches;
      if (moved !== lastMoved) {
        lastMoved = moved;
        movedMs = performance.now();
      } else if (performance.now() - movedMs > PATIENCE_MS) {
        throw new Error(
          `Nothing has moved for ${PATIENCE_MS / 1000} s: ` +
            `${status.merged} of ${batches} batches are counted`,
        );
      }
      await pause(STATUS_INTERVAL_MS);
    }
  }

  /** The counts of everything, as the sink has added them up. */
  async result(): Promise<string> {
    return textOf(await this.#ask(Question.result));
  }

  /** Tells everybody to stop. */
  async stop(): Promise<void> {
    await this.#control.send(Control.stop);
  }

  /** Closes the sockets and waits until what they still hold has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    this.#control.close();
    this.#sink.close();
    await this.#context.terminate();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
