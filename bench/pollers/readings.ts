// What the measuring programs print, and how it is read.

/** What a server found, C or ours. */
export interface ServerReading {
  readonly connections: number;
  /** From the first accept to the last of the first echoes. */
  readonly setupCpuUs: number;
  readonly setupWallUs: number;
  /** The measured while. */
  readonly events: number;
  readonly turns: number;
  readonly cpuUs: number;
  readonly wallUs: number;
}

/** A server that could not watch as many descriptors as it was asked to. */
export interface Refusal {
  /** The errno's name. */
  readonly refused: string;
  /** How many connections it took. */
  readonly connections: number;
}

/** What the other side found. */
export interface PeerReading {
  /** From the first connect to the last of the first echoes. */
  readonly openedUs: number;
}

/** A run's figures. */
export interface PairReading {
  readonly server: ServerReading;
  readonly peer: PeerReading;
}

/** Reads a server's line. */
export function parseServer(stdout: string): ServerReading | Refusal {
  const value = parseLine(stdout);
  if ("refused" in value) return value as unknown as Refusal;
  requireNumbers(value, [
    "connections",
    "setupCpuUs",
    "setupWallUs",
    "events",
    "turns",
    "cpuUs",
    "wallUs",
  ]);
  return value as unknown as ServerReading;
}

/** Reads the other side's line. */
export function parsePeer(stdout: string): PeerReading {
  const value = parseLine(stdout);
  requireNumbers(value, ["openedUs"]);
  return value as unknown as PeerReading;
}

function parseLine(stdout: string): Record<string, unknown> {
  const value: unknown = JSON.parse(stdout);
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`No reading in: "${stdout.trim()}"`);
  }
  return value as Record<string, unknown>;
}

function requireNumbers(
  value: Record<string, unknown>,
  names: readonly string[],
): void {
  for (const name of names) {
    if (!Number.isFinite(value[name])) {
      throw new TypeError(`No ${name} in: ${JSON.stringify(value)}`);
    }
  }
}
