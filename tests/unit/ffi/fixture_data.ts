/** What a worker fixture can be asked to do. */
export type FixtureName =
  | "clock"
  | "context"
  | "end"
  | "exit-hook"
  | "interrupted-epoll"
  | "interrupted-poll"
  | "throw-late"
  | "throw-now"
  | "thread-id"
  | "view-memory"
  | "signal";

/** What a worker fixture is given. */
export interface FixtureData {
  readonly name: FixtureName;
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly argument: number;
}

/** Indices of the shared cells between a fixture and its test. */
export const Cell = { REPORTS: 0, VALUE: 1, PROCEED: 2, FLOAT: 4 } as const;
