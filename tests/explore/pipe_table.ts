// The table of a pipe end's states: what each event makes of it. The scenarios
// of scenarios/pipe_states.ts visit all of it and nothing else.

import { withSection } from "./readme_section.ts";

/** A transition, and the scenarios that come to it. */
export interface Transition {
  readonly state: string;
  readonly event: string;
  readonly next: string;
  /** Names without their common beginning. */
  readonly scenarios: readonly string[];
}

/** What the names of those scenarios begin with, at single accesses. */
export const PIPE_SCENARIO = "pipe-states-";

/** The same programs at commands. */
export const PIPE_ORDERS = "pipe-orders-";

export const PIPE_STATES: readonly string[] = [
  "active",
  "delimiter received",
  "waiting for delimiter",
  "term_ack sent",
  "term_req sent 1",
  "term_req sent 2",
];

/** What may happen to an end; "reads" is that it comes to the delimiter. */
export const PIPE_EVENTS: readonly string[] = [
  "reads the delimiter",
  "terminate(delay)",
  "terminate(at once)",
  "pipe_term",
  "pipe_term_ack",
];

export const PIPE_TABLE: readonly Transition[] = [
  row("active", "reads the delimiter", "delimiter received", [
    "reader",
    "delay",
    "at-once",
  ]),
  row("active", "terminate(delay)", "term_req sent 1", ["both", "delay"]),
  row("active", "terminate(at once)", "term_req sent 1", [
    "reader",
    "no-delay",
    "both",
    "delay",
    "at-once",
  ]),
  row("active", "pipe_term", "waiting for delimiter", [
    "reader",
    "delay",
    "at-once",
  ]),
  row("active", "pipe_term", "term_ack sent", [
    "reader",
    "no-delay",
    "delay",
    "at-once",
  ]),
  row("delimiter received", "terminate(delay)", "term_req sent 1", ["delay"]),
  row("delimiter received", "terminate(at once)", "term_req sent 1", [
    "at-once",
  ]),
  row("delimiter received", "pipe_term", "term_ack sent", [
    "reader",
    "delay",
    "at-once",
  ]),
  row("waiting for delimiter", "reads the delimiter", "term_ack sent", [
    "reader",
    "delay",
  ]),
  row("waiting for delimiter", "terminate(delay)", "waiting for delimiter", [
    "delay",
  ]),
  row("waiting for delimiter", "terminate(at once)", "term_ack sent", [
    "at-once",
  ]),
  row("term_ack sent", "terminate(delay)", "term_ack sent", ["delay"]),
  row("term_ack sent", "terminate(at once)", "term_ack sent", ["at-once"]),
  row("term_ack sent", "pipe_term_ack", "gone", [
    "reader",
    "no-delay",
    "delay",
    "at-once",
  ]),
  row("term_req sent 1", "terminate(delay)", "term_req sent 1", ["both"]),
  row("term_req sent 1", "terminate(at once)", "term_req sent 1", ["both"]),
  row("term_req sent 1", "pipe_term", "term_req sent 2", [
    "both",
    "delay",
    "at-once",
  ]),
  row("term_req sent 1", "pipe_term_ack", "gone", [
    "reader",
    "no-delay",
    "delay",
    "at-once",
  ]),
  row("term_req sent 2", "terminate(delay)", "term_req sent 2", ["both"]),
  row("term_req sent 2", "terminate(at once)", "term_req sent 2", ["both"]),
  row("term_req sent 2", "pipe_term_ack", "gone", ["both", "delay", "at-once"]),
];

function row(
  state: string,
  event: string,
  next: string,
  scenarios: readonly string[],
): Transition {
  return { state, event, next, scenarios };
}

/** A transition as one text. */
export function textOf({ state, event, next }: {
  readonly state: string;
  readonly event: string;
  readonly next: string;
}): string {
  return `${state}: ${event} -> ${next}`;
}

/** The transitions that a scenario must come to, sorted. */
export function transitionsOf(name: string): string[] {
  return PIPE_TABLE.filter(({ scenarios }) => scenarios.includes(name))
    .map(textOf).sort();
}

/** The text with this table in the place of the one before. */
export function writePipeTable(text: string): string {
  const rows = PIPE_STATES.map((state) => {
    const cells = PIPE_EVENTS.map((event) =>
      PIPE_TABLE.filter((each) => each.state === state && each.event === event)
        .map(({ next, scenarios }) => `${next} (${scenarios.join(", ")})`)
        .join(" or ") || "–"
    );
    return `| ${[state, ...cells].join(" | ")} |`;
  });
  return withSection(text, "states", [
    `| State | ${PIPE_EVENTS.join(" | ")} |`,
    `| --- | ${PIPE_EVENTS.map(() => "---").join(" | ")} |`,
    ...rows,
  ]);
}
