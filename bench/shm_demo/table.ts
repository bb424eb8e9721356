// The demo's live table: redrawn on a terminal; elsewhere once a second, and
// whenever something happens.

import process from "node:process";
import { formatCount } from "../demo/progress.ts";
import type { Member } from "./member.ts";
import type { ConsumerStatus, ProducerStatus } from "./protocol.ts";

const PLAIN_INTERVAL_MS = 1_000;
const RATE_OVER_MS = 500;
const WIDTHS = [18, 7, 12, 12, 12, 10] as const;

interface Sample {
  readonly atMs: number;
  readonly count: number;
}

/** Shows where everybody is. */
export class LiveTable {
  readonly #inPlace = process.stdout.isTTY === true;
  readonly #samples: Map<string, Sample[]> = new Map();
  #lines = 0;
  #lastMs = -Infinity;
  #lastEvent = "";

  /** Shows the present state; as often as you like. */
  show(
    producer: Member<ProducerStatus>,
    consumers: readonly Member<ConsumerStatus>[],
    event: string,
  ): void {
    const rows = [
      row(["", "epoch", "position", "records/s", "lost", "behind"]),
      this.#producerRow(producer),
      ...consumers.map((consumer) => this.#consumerRow(consumer)),
      event,
    ];
    const nowMs = performance.now();
    const isDue = event !== this.#lastEvent ||
      nowMs - this.#lastMs >= PLAIN_INTERVAL_MS;
    if (!this.#inPlace && !isDue) return;
    this.#lastMs = nowMs;
    this.#lastEvent = event;
    const up = this.#inPlace && this.#lines > 0 ? `\x1b[${this.#lines}A` : "";
    const end = this.#inPlace ? "\x1b[K\n" : "\n";
    process.stdout.write(up + rows.map((line) => line + end).join(""));
    this.#lines = rows.length;
  }

  #producerRow({ title, status }: Member<ProducerStatus>): string {
    const written = status?.written ?? 0;
    const rate = this.#rate(title, written);
    return row([title, "", formatCount(written), rate, "", ""]);
  }

  #consumerRow({ title, status }: Member<ConsumerStatus>): string {
    const epoch = status?.epochs.at(-1);
    if (status === null || epoch === undefined) return row([title]);
    return row([
      title,
      String(status.epochs.length),
      formatCount(epoch.last),
      this.#rate(title, status.read),
      formatCount(status.lost),
      formatCount(status.behind),
    ]);
  }

  #rate(title: string, count: number): string {
    const atMs = performance.now();
    const samples = this.#samples.get(title) ?? [];
    samples.push({ atMs, count });
    while (
      samples.length > 2 && atMs - (samples[1]?.atMs ?? 0) > RATE_OVER_MS
    ) {
      samples.shift();
    }
    this.#samples.set(title, samples);
    const { atMs: fromMs, count: before } = samples[0] ?? { atMs, count };
    const elapsedMs = Math.max(1, atMs - fromMs);
    return formatCount((count - before) * 1000 / elapsedMs);
  }
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => {
    const width = WIDTHS[at] ?? 0;
    return at === 0 ? cell.padEnd(width) : cell.padStart(width);
  }).join(" ").trimEnd();
}
