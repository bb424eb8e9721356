// The end of a pipe in all its states: two ends whose programs differ, under
// all orders. What they come to is compared with the table of pipe_table.ts.
import { Command } from "../../../src/core/command.ts";
import type { CommandTarget } from "../../../src/core/command.ts";
import {
  PIPE_ORDERS,
  PIPE_SCENARIO,
  PIPE_STATES,
  transitionsOf,
} from "../pipe_table.ts";
import type { Scenario, Search } from "../scenario.ts";
import { PipeScene, type PipeSide } from "./pipes.ts";
import { same } from "./scene.ts";

/** Notes each transition of an end. */
class Watcher implements CommandTarget {
  readonly side: PipeSide;
  readonly #seen: Set<string>;

  constructor(side: PipeSide, seen: Set<string>) {
    this.side = side;
    this.#seen = seen;
    side.thread.register(side.pipe.node, this);
  }

  /** One command after the other, in the order that the pipe has for them. */
  processCommands(bits: number): void {
    const { pipe } = this.side;
    const end = Command.PIPE_TERM | Command.PIPE_TERM_ACK;
    const before = this.#state();
    pipe.processCommands(bits & ~end);
    this.#note(before, "reads the delimiter", true);
    if ((bits & Command.PIPE_TERM) !== 0) {
      const state = this.#state();
      pipe.processCommands(Command.PIPE_TERM);
      this.#note(state, "pipe_term", false);
    }
    if ((bits & Command.PIPE_TERM_ACK) !== 0) {
      const state = this.#state();
      pipe.processCommands(Command.PIPE_TERM_ACK);
      this.#note(state, "pipe_term_ack", false);
    }
  }

  terminate(delay: boolean): void {
    if (this.side.gone) return;
    const state = this.#state();
    this.side.pipe.terminate(delay);
    const how = delay ? "delay" : "at once";
    this.#note(state, `terminate(${how})`, false);
  }

  readAll(): void {
    if (this.side.gone) return;
    const state = this.#state();
    this.side.readAll();
    this.#note(state, "reads the delimiter", true);
  }

  /** Handles what came by now, without a sleep. */
  takeMail(): void {
    this.side.thread.processMail();
  }

  #state(): string {
    return this.side.gone
      ? "gone"
      : PIPE_STATES[this.side.pipe.state] as string;
  }

  #note(state: string, event: string, ifChanged: boolean): void {
    const next = this.#state();
    if (ifChanged && next === state) return;
    this.#seen.add(`${state}: ${event} -> ${next}`);
  }
}

/** What each of the two ends does. */
interface Programs {
  /** As the table of states names them. */
  readonly name: string;
  readonly what: string;
  readonly first: (end: Watcher) => void;
  readonly second: (end: Watcher) => void;
}

/** At single accesses; in a deep run all orders of them. */
function atAccesses(programs: Programs, search: Search = {}): Scenario {
  return {
    ...scenarioOf(programs),
    name: PIPE_SCENARIO + programs.name,
    search,
    deep: {},
  };
}

/** All orders of the commands, of what is read, and of the delimiter. */
function atCommands(programs: Programs): Scenario {
  return {
    ...scenarioOf(programs),
    name: PIPE_ORDERS + programs.name,
    search: {
      states: true,
      scheduleAt: "send and receive",
      scheduleIn: [
        "processMail",
        "flush",
        "delimit",
        "#pollFlush",
        "atDelimiter",
        "tellRead",
      ],
    },
  };
}

/** Two ends; what they came to is compared with the table. */
function scenarioOf({ name, what, first, second }: Programs): Scenario {
  const seen = new Set<string>();
  return {
    name,
    what,
    threads: ["first", "second"],
    begin: () => seen.clear(),
    set() {
      const pipes = new PipeScene(0);
      const [one, other] = pipes.sides;
      const ends = [new Watcher(one, seen), new Watcher(other, seen)] as const;
      return {
        threads: [
          () => {
            first(ends[0]);
            one.waitGone();
          },
          () => {
            second(ends[1]);
            other.waitGone();
          },
        ],
        check: () => pipes.checkGone(),
      };
    },
    finish: () =>
      same([...seen].sort(), transitionsOf(name), "transitions of the pipe"),
  };
}

/** Reads until the pipe is gone. */
function readToEnd(end: Watcher): void {
  for (;;) {
    end.readAll();
    if (end.side.gone) return;
    end.side.thread.waitSync(Infinity);
  }
}

function sendAndTerminate(end: Watcher): void {
  end.side.write(1);
  end.terminate(false);
}

/** Reads what is there, perhaps up to the delimiter, and asks for the end. */
function readAndTerminate(end: Watcher, delay: boolean): void {
  end.readAll();
  end.takeMail();
  end.terminate(delay);
  if (delay) readToEnd(end);
}

/** Programs with more orders of single accesses than there is time for. */
const LONG_PROGRAMS: readonly Programs[] = [
  {
    name: "reader",
    what: "one end sends and ends, the other reads to the end",
    first: sendAndTerminate,
    second: readToEnd,
  },
  {
    name: "delay",
    what: "one end sends and ends, the other one ends with delay meanwhile",
    first: sendAndTerminate,
    second: (end) => readAndTerminate(end, true),
  },
  {
    name: "at-once",
    what: "one end sends and ends, the other one ends at once meanwhile",
    first: sendAndTerminate,
    second: (end) => readAndTerminate(end, false),
  },
];

export const pipeStateScenarios: readonly Scenario[] = [
  ...LONG_PROGRAMS.map((programs) => atAccesses(programs, { preemptions: 2 })),
  ...LONG_PROGRAMS.map(atCommands),
  atAccesses({
    name: "no-delay",
    what: "one end ends, the other waits for no message",
    first: sendAndTerminate,
    second: (end) => end.side.pipe.setNoDelay(),
  }),
  atAccesses({
    name: "both",
    what: "both ends end at once, and once more",
    first: (end) => {
      end.terminate(false);
      end.takeMail();
      end.terminate(true);
    },
    second: (end) => {
      end.terminate(true);
      end.takeMail();
      end.terminate(false);
    },
  }),
];
