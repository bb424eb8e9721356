// What the demo's processes tell the one that started them, as lines of JSON.

/** What a producer says now and then, and at its end. */
export interface ProducerStatus {
  readonly written: number;
  readonly ended: boolean;
}

/** What a consumer has read of one producer's epoch. */
export interface EpochStatus {
  readonly epoch: number;
  /** The number of the first record that it could have read. */
  readonly begin: number;
  /** The number of the last record that it has read. */
  last: number;
}

/** What a consumer says now and then, and at its end. */
export interface ConsumerStatus {
  readonly read: number;
  readonly lost: number;
  /** Slots that the producer is ahead. */
  readonly behind: number;
  readonly epochs: readonly EpochStatus[];
  readonly ended: boolean;
}

/** How often a process says how far it is, ms. */
export const STATUS_INTERVAL_MS = 100;

/** The ring: as many records as a producer writes in about 50 ms. */
export const RING = { slots: 1024, slotSize: 256 } as const;

/** Says it on one line. */
export function statusLine(status: ProducerStatus | ConsumerStatus): string {
  return `${JSON.stringify(status)}\n`;
}
