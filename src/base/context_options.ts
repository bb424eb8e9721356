// libzmq: ctx.cpp (set, get) · runs on: any · RFC: –

import { ZmqError } from "./errors.ts";
import {
  IO_THREADS_MAX,
  MAX_SOCKETS_DEFAULT,
  MAX_SOCKETS_LIMIT,
} from "./limits.ts";
import { booleanValue, INT32_MAX, integerValue } from "./option_values.ts";
import type { Validator } from "./option_values.ts";

/** The options of a context that zeromq.js has too. */
export interface ContextOptionValues {
  /** How many I/O workers the context has. */
  ioThreads: number;
  /** How many sockets may be open or not yet reaped. */
  maxSockets: number;
  /** The largest value of `maxSockets`; cannot be changed. */
  maxSocketsLimit: number;
  /** Scheduling of threads, which JavaScript cannot influence. */
  threadPriority: number;
  /** Scheduling of threads, which JavaScript cannot influence. */
  threadSchedulingPolicy: number;
  /** The largest message that can be sent, in bytes. */
  maxMessageSize: number;
  /** Whether new sockets start with IPv6 enabled. */
  ipv6: boolean;
  /** Whether new sockets linger without end; false: not at all. */
  blocky: boolean;
}

/** The name of a context option. */
export type ContextOptionName = keyof ContextOptionValues;

/** What there is to know about one context option. */
export interface ContextOptionRow<
  N extends ContextOptionName = ContextOptionName,
> {
  readonly name: N;
  /** libzmq's number; 3 is two options, one read and one written. */
  readonly id: number;
  readonly kind: "bool" | "int32";
  readonly access: "rw" | "r" | "w";
  readonly initial: ContextOptionValues[N];
  /** Turns what an application wrote into what is kept, or throws. */
  readonly validate: Validator<ContextOptionValues[N]>;
}

type IntegerName = Exclude<ContextOptionName, "ipv6" | "blocky">;

function integerRow<N extends IntegerName>(
  name: N,
  id: number,
  initial: number,
  validate: Validator<number>,
  access: "rw" | "r" | "w" = "rw",
): ContextOptionRow<N> {
  return { name, id, kind: "int32", access, initial, validate };
}

function neverSet(): never {
  throw new ZmqError("EINVAL");
}

function schedulingOption(name: string): Validator<number> {
  const check = integerValue(-1);
  return (value: unknown): number => {
    const checked = check(value);
    if (checked === -1) return checked;
    throw new ZmqError("ENOTSUP", {
      message: `Operation not supported: option "${name}" is not implemented`,
    });
  };
}

/** All context options. */
export const CONTEXT_OPTION_TABLE: {
  readonly [N in ContextOptionName]: ContextOptionRow<N>;
} = {
  ioThreads: integerRow("ioThreads", 1, 1, integerValue(0, IO_THREADS_MAX)),
  maxSockets: integerRow(
    "maxSockets",
    2,
    MAX_SOCKETS_DEFAULT,
    integerValue(1, MAX_SOCKETS_LIMIT),
  ),
  maxSocketsLimit: integerRow(
    "maxSocketsLimit",
    3,
    MAX_SOCKETS_LIMIT,
    neverSet,
    "r",
  ),
  threadPriority: integerRow(
    "threadPriority",
    3,
    -1,
    schedulingOption("threadPriority"),
    "w",
  ),
  threadSchedulingPolicy: integerRow(
    "threadSchedulingPolicy",
    4,
    -1,
    schedulingOption("threadSchedulingPolicy"),
    "w",
  ),
  maxMessageSize: integerRow("maxMessageSize", 5, INT32_MAX, integerValue(0)),
  ipv6: {
    name: "ipv6",
    id: 42,
    kind: "bool",
    access: "rw",
    initial: false,
    validate: booleanValue,
  },
  blocky: {
    name: "blocky",
    id: 70,
    kind: "bool",
    access: "rw",
    initial: true,
    validate: booleanValue,
  },
};

/** The values a new context starts from: a record that the caller owns. */
export function defaultContextOptions(): ContextOptionValues {
  const table = CONTEXT_OPTION_TABLE;
  return {
    ioThreads: table.ioThreads.initial,
    maxSockets: table.maxSockets.initial,
    maxSocketsLimit: table.maxSocketsLimit.initial,
    threadPriority: table.threadPriority.initial,
    threadSchedulingPolicy: table.threadSchedulingPolicy.initial,
    maxMessageSize: table.maxMessageSize.initial,
    ipv6: table.ipv6.initial,
    blocky: table.blocky.initial,
  };
}

/** The context option with a number of libzmq's, for reading or for writing. */
export function contextOptionById(
  id: number,
  access: "r" | "w",
): ContextOptionRow | undefined {
  const rows = Object.values(CONTEXT_OPTION_TABLE) as ContextOptionRow[];
  return rows.find((row) => row.id === id && row.access.includes(access));
}
