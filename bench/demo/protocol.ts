// What the demo's processes say to each other.
//
//   lines    ventilator PUSH -> counters PULL (tcp)   [number, lines]
//   counts   counters PUSH -> sink PULL (tcp)         [name, number, counts]
//   control  ventilator PUB -> all SUB (tcp)          [word], see Control
//   status   all REQ -> sink REP (ipc)                [question, ...], see Question
//   inside the sink, to a second thread and back (inproc):
//            PUSH -> PULL                             ["counts", counts], ["end"]
//            PUSH -> PULL                             ["merged"], ["result", counts]

/** Words on the control channel. */
export const Control = {
  /** Said until everybody has heard it, since a subscription takes its time. */
  hello: "hello",
  start: "start",
  /** Says that the ventilator is alive. */
  tick: "tick",
  stop: "stop",
} as const;

/** Questions to the sink. */
export const Question = {
  /** [join, name] -> [endpoint for the counts] */
  join: "join",
  /** [ready, name] -> [] : the counter has heard the ventilator */
  ready: "ready",
  /** [status] -> [SinkStatus as JSON] */
  status: "status",
  /** [result] -> [counts] : everything merged */
  result: "result",
} as const;

/** How far the sink is. */
export interface SinkStatus {
  /** The sink itself has heard the ventilator. */
  readonly listening: boolean;
  /** The counters that have heard the ventilator. */
  readonly ready: readonly string[];
  /** Batches whose counts are in the result. */
  readonly merged: number;
  /** Bytes of counts received. */
  readonly bytes: number;
  /** Batches by counter. */
  readonly byCounter: Readonly<Record<string, number>>;
}

/** What a process of the demo is told on its command line. */
export interface Endpoints {
  readonly name: string;
  readonly status: string;
  readonly control: string;
  readonly lines: string;
}

/** No answer, no free queue, no sign of life for so long is a failure. */
export const PATIENCE_MS = 30_000;

/** How long a closed socket may go on delivering. */
export const LINGER_MS = 2_000;

/** Waits for a socket with a timeout; says what is wrong when it expires. */
export async function inTime<T>(
  operation: Promise<T>,
  complaint: string,
): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if ((error as { code?: unknown })?.code !== "EAGAIN") throw error;
    const seconds = PATIENCE_MS / 1000;
    throw new Error(`${complaint} for ${seconds} s`, { cause: error });
  }
}

const decoder = new TextDecoder();

/** A part as text. */
export function textOf(part: Uint8Array | undefined): string {
  return part === undefined ? "" : decoder.decode(part);
}

/** Reads the command line that {@linkcode endpointArguments} wrote. */
export function parseEndpoints(argv: readonly string[]): Endpoints {
  const [name = "", status = "", control = "", lines = ""] = argv;
  return { name, status, control, lines };
}

/** The command line of a process of the demo. */
export function endpointArguments(endpoints: Endpoints): string[] {
  const { name, status, control, lines } = endpoints;
  return [name, status, control, lines];
}
