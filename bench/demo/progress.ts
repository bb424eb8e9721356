// Progress for people: one line that is rewritten on a terminal, a plain line
// per second elsewhere.

import process from "node:process";

const PLAIN_INTERVAL_MS = 1_000;
const CLEAR_LINE = "\r\x1b[2K";

/** Shows how far something is. */
export class Progress {
  readonly #inPlace = process.stdout.isTTY === true;
  #lastMs = performance.now();

  /** Shows the present state; as often as you like. */
  show(line: string): void {
    if (this.#inPlace) {
      const width = (process.stdout.columns ?? 80) - 1;
      process.stdout.write(CLEAR_LINE + line.slice(0, width));
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < PLAIN_INTERVAL_MS) return;
    this.#lastMs = nowMs;
    process.stdout.write(`${line}\n`);
  }

  /** Takes the rewritten line away. */
  clear(): void {
    if (this.#inPlace) process.stdout.write(CLEAR_LINE);
  }
}

/** A number with its thousands apart. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A number of bytes in a unit that suits it. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
