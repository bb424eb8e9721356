// How long a bench still takes.

/** Minutes and seconds, for people. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/**
 * What is left of a list of rows that have `runs` each, from those that are
 * over: rows to come are taken to need as long as the mean of the others.
 */
export class Estimate {
  readonly #totalRuns: number;
  #runs = 0;

  constructor(totalRuns: number) {
    this.#totalRuns = totalRuns;
  }

  /** One more run begins. */
  begin(): void {
    this.#runs++;
  }

  /** The number of the run that was begun last. */
  get runs(): number {
    return this.#runs;
  }

  get totalRuns(): number {
    return this.#totalRuns;
  }

  /** What is left after `elapsedMs`; null as long as nothing is known. */
  leftMs(elapsedMs: number): number | null {
    const over = this.#runs - 1;
    if (over < 1) return null;
    return elapsedMs / over * (this.#totalRuns - over);
  }
}
