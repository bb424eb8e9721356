// libzmq: poller.hpp · runs on: any · RFC: –

import {
  host,
  type HostOs,
  nativeKqueueLayout,
  readEnvironment,
} from "../../ffi/mod.ts";
import { ZmqError } from "../base/errors.ts";
import type { PollerKind, Trigger } from "./poller.ts";

/** Which poller an I/O thread gets. What is absent is the environment's. */
export interface PollerOptions {
  /** The system call to stand on: `PUREZMQ_POLLER`, or the system's best. */
  readonly kind?: string | undefined;
  /** `PUREZMQ_POLLER_TRIGGER`, or "level". */
  readonly trigger?: string | undefined;
  /**
   * The file of a kqueue library, or null for the system's own kqueue; when
   * absent what `PUREZMQ_KQUEUE_LIBRARY` names, or none.
   */
  readonly kqueueLibrary?: string | null | undefined;
}

/** A choice that can be made on this system. */
export interface PollerChoice {
  readonly kind: PollerKind;
  readonly trigger: Trigger;
  /** null: the system's own kqueue. */
  readonly kqueueLibrary: string | null;
}

const KINDS: readonly PollerKind[] = ["epoll", "kqueue", "poll", "select"];
const TRIGGERS: readonly Trigger[] = ["level", "edge"];
const HAVE_EDGE: ReadonlySet<PollerKind> = new Set(["epoll", "kqueue"]);

/**
 * Settles which poller to make.
 *
 * @param environment Reads a variable; null = unset.
 * @throws {ZmqError} EINVAL; see {@link ./create_poller.ts}.
 */
export function choosePoller(
  options: PollerOptions = {},
  environment: (name: string) => string | null = readEnvironment,
  os: HostOs = host.os,
): PollerChoice {
  const kqueueLibrary = options.kqueueLibrary === undefined
    ? environment("PUREZMQ_KQUEUE_LIBRARY")
    : options.kqueueLibrary;
  const kindText = options.kind ?? environment("PUREZMQ_POLLER") ??
    bestKind(os);
  const kind = oneOf(KINDS, kindText, "poller");
  // The environment's trigger goes with the environment's poller.
  const triggerText = options.trigger ??
    (options.kind === undefined || HAVE_EDGE.has(kind)
      ? environment("PUREZMQ_POLLER_TRIGGER")
      : null) ??
    "level";
  const trigger = oneOf(TRIGGERS, triggerText, "trigger of a poller");
  if (kind === "epoll" && os !== "linux") {
    throw refuse(
      `Poller "epoll" is Linux'; possible here: ${possible(os)}`,
    );
  }
  if (
    kind === "kqueue" && kqueueLibrary === null &&
    nativeKqueueLayout(os) === null
  ) {
    throw refuse(
      'Poller "kqueue" needs a library on this system: name one with the ' +
        "option kqueueLibrary or in PUREZMQ_KQUEUE_LIBRARY; possible " +
        `without: ${possible(os)}`,
    );
  }
  if (trigger === "edge" && !HAVE_EDGE.has(kind)) {
    throw refuse(
      `Poller "${kind}" has no trigger "edge", only "level"; ` +
        '"epoll" and "kqueue" have both',
    );
  }
  return { kind, trigger, kqueueLibrary };
}

/**
 * The choice for a thread that must not block, while another one waits for its
 * poller's descriptor. Only the system's own epoll and kqueue have one: what
 * the environment wants of the others does not count here.
 *
 * @param environment Reads a variable; null = unset.
 * @throws {ZmqError} EINVAL: no such poller or trigger, or this system has none
 * of the two.
 */
export function choosePollerWithDescriptor(
  options: Pick<PollerOptions, "trigger"> = {},
  environment: (name: string) => string | null = readEnvironment,
  os: HostOs = host.os,
): PollerChoice {
  const wanted = environment("PUREZMQ_POLLER");
  if (wanted !== null) oneOf(KINDS, wanted, "poller");
  const kind = bestKind(os);
  if (!HAVE_EDGE.has(kind)) {
    throw refuse(
      'Neither "epoll" nor "kqueue" is there: no thread can wait for the ' +
        "poller of another one",
    );
  }
  const { trigger } = options;
  return choosePoller({ kind, trigger, kqueueLibrary: null }, environment, os);
}

function bestKind(os: HostOs): PollerKind {
  if (os === "linux") return "epoll";
  return nativeKqueueLayout(os) === null ? "poll" : "kqueue";
}

function possible(os: HostOs): string {
  return KINDS.filter((kind) =>
    (kind !== "epoll" || os === "linux") &&
    (kind !== "kqueue" || nativeKqueueLayout(os) !== null)
  ).map((kind) => `"${kind}"`).join(", ");
}

function oneOf<T extends string>(
  all: readonly T[],
  text: string,
  what: string,
): T {
  const found = all.find((each) => each === text);
  if (found !== undefined) return found;
  throw refuse(
    `Unknown ${what} "${text}"; known: ` +
      all.map((each) => `"${each}"`).join(", "),
  );
}

/** The error for a choice that is unknown or not to be had here. */
export function refuse(message: string, cause?: unknown): ZmqError {
  return new ZmqError("EINVAL", { message, cause });
}
