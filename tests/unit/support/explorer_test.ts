// The explorer's search: that it leaves out nothing that could come out
// differently, shown against a search that leaves out nothing at all.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { zeroed } from "../../explore/buffers.ts";
import { Explorer } from "../../explore/explorer.ts";
import { formatPath, parsePath } from "../../explore/path.ts";
import type { Scenario, Search } from "../../explore/scenario.ts";
import * as layer from "../../explore/runtime.ts";
import { nameSites } from "../../explore/shadow.ts";
import { StateSearch } from "../../explore/state_search.ts";
import { compareWithFiner } from "../../explore/fine.ts";
import { replay, walk } from "../../explore/walk.ts";
import { seededRandom } from "../../support/seed.ts";

/** Words of a program's memory. */
const WORDS = 3;

/** What a program's thread does, one access after the other. */
type Program = readonly (readonly Access[])[];
interface Access {
  readonly what:
    | "load"
    | "store"
    | "add"
    | "swap"
    | "wait"
    | "notify"
    | "async";
  readonly word: number;
  readonly value: number;
}

const WHAT: readonly Access["what"][] = [
  "load",
  "store",
  "add",
  "swap",
  "load",
  "store",
  "wait",
  "notify",
  "async",
];

function* perform(
  words: Int32Array,
  { what, word, value }: Access,
  seen: unknown[],
): Generator<undefined, void, unknown> {
  switch (what) {
    case "load":
      seen.push(yield layer.load(0, words, word) as undefined);
      return;
    case "store":
      yield layer.store(0, words, word, value) as undefined;
      return;
    case "add":
      seen.push(yield layer.add(0, words, word, value) as undefined);
      return;
    case "swap":
      seen.push(
        yield layer.compareExchange(
          0,
          words,
          word,
          value,
          value + 1,
        ) as undefined,
      );
      return;
    case "wait":
      seen.push(yield layer.wait(0, words, word, 0, Infinity) as undefined);
      return;
    case "notify":
      yield layer.notifyAll(0, words, word) as undefined;
      return;
    case "async": {
      const notice = yield layer.waitAsync(0, words, word, 0) as undefined;
      layer.then(notice, () => seen.push("job"));
    }
  }
}

/** Runs a program in a search and gives all that came out. */
function outcomes(program: Program, search: Search): Set<string> {
  const found = new Set<string>();
  const scenario: Scenario = {
    name: "program",
    what: "",
    threads: program.map((_, thread) => `${thread}`),
    search: { ...search, limit: 500_000 },
    set() {
      const words = new Int32Array(zeroed("program", 4 * WORDS));
      const seen: unknown[][] = program.map(() => []);
      return {
        threads: program.map((accesses, thread) =>
          function* () {
            const mine = seen[thread] as unknown[];
            for (const access of accesses) yield* perform(words, access, mine);
            if (accesses.some(({ what }) => what === "async")) {
              yield* layer.turn();
            }
          } as unknown as () => void
        ),
        mayEnd: () => true,
        check: ({ asleep }) => {
          found.add(JSON.stringify([seen, [...words], asleep]));
        },
      };
    },
  };
  const result = search.states
    ? new StateSearch(scenario).run()
    : new Explorer(scenario).run();
  assert.equal(result.failure, null);
  return found;
}

/**
 * Leaves a thread one promise, as the library does (one standing `waitAsync`
 * per thread): of several at a time the reduced search leaves orders out.
 */
function withOnePromise(accesses: readonly Access[]): Access[] {
  const first = accesses.findIndex(({ what }) => what === "async");
  return accesses.map((access, n) =>
    access.what === "async" && n !== first
      ? { ...access, what: "load" }
      : access
  );
}

describe("explorer: the reduced search", () => {
  test("finds all that the whole search finds, in random programs", () => {
    const random = seededRandom("explorer programs");
    const below = (limit: number): number => random.below(limit);
    let different = 0;
    for (let i = 0; i < 300; i++) {
      const threads = 2 + below(2);
      const program: Program = Array.from(
        { length: threads },
        () =>
          withOnePromise(
            Array.from({ length: 1 + below(threads === 2 ? 4 : 2) }, () => ({
              what: WHAT[below(WHAT.length)] as Access["what"],
              word: below(WORDS),
              value: below(2),
            })),
          ),
      );
      const all = outcomes(program, { preemptions: 99 });
      const expected = [...all].sort();
      for (const search of [{}, { states: true }]) {
        assert.deepEqual(
          [...outcomes(program, search)].sort(),
          expected,
          JSON.stringify([search, program]),
        );
      }
      const few = outcomes(program, { preemptions: 1 });
      const fewStates = outcomes(program, { preemptions: 1, states: true });
      assert.deepEqual([...fewStates].sort(), [...few].sort());
      if (all.size > 1) different++;
    }
    assert.ok(different > 100, "programs whose outcome depends on the order");
  });

  test("runs each order of dependent accesses once", () => {
    let executions = 0;
    const scenario = threadsOf(
      [0, 1].map((thread) =>
        function* (words: Int32Array) {
          yield layer.store(0, words, thread, 1) as undefined;
          yield layer.add(0, words, 2, 1) as undefined;
        }
      ),
      () => void executions++,
    );
    assert.equal(new Explorer(scenario).run().executions, 2);
    assert.equal(executions, 2);
  });
});

/** A scenario of hand-written threads over three words. */
function threadsOf(
  threads: ((words: Int32Array) => Generator<undefined, void, unknown>)[],
  check: () => void = () => {},
  search: Search = {},
): Scenario {
  return {
    name: "threads",
    what: "",
    threads: threads.map((_, thread) => `${thread}`),
    search,
    set() {
      const words = new Int32Array(zeroed("program", 4 * WORDS));
      return {
        threads: threads.map((body) => () =>
          body(words)
        ) as unknown as (() => void)[],
        check,
      };
    },
  };
}

/** A message that is passed through a flag, with or without waiting for it. */
function messagePassing(looks: boolean): Scenario {
  return threadsOf([
    function* (words) {
      layer.put(1, words, 0, 42);
      yield layer.store(2, words, 1, 1) as undefined;
    },
    function* (words) {
      const flag = yield layer.load(3, words, 1) as undefined;
      if (!looks || (flag as unknown) === 1) layer.get(4, words, 0);
    },
  ]);
}

/** What a thread between its turns is taken to go on with. */
type Known = "all" | "its sum" | "what it has seen";

/** Threads of a sum: one adds up what the others give it, and notes it. */
function sumOf(
  given: readonly (readonly number[])[],
  search: Search,
  known: Known,
  orders: Set<string> = new Set(),
): Scenario {
  const total = given.flat().reduce((sum, value) => sum + value, 0);
  return {
    name: "adding up",
    what: "",
    threads: ["adder", ...given.map((_, n) => `giver ${n}`)],
    search,
    set() {
      const words = new Int32Array(zeroed("program", 4 * WORDS));
      const mine = { sum: 0, order: "" };
      const adder = function* (): Generator<undefined, void, unknown> {
        while (mine.sum < total) {
          const got = (yield layer.exchange(
            0,
            words,
            0,
            0,
          ) as undefined) as unknown as number;
          mine.sum += got;
          if (got !== 0) mine.order += got;
          else yield layer.wait(0, words, 0, 0, Infinity) as undefined;
        }
      };
      const givers = given.map((values) =>
        function* (): Generator<undefined, void, unknown> {
          for (const value of values) {
            yield layer.add(1, words, 0, value) as undefined;
            yield layer.notifyAll(1, words, 0) as undefined;
          }
        }
      );
      return {
        threads: [adder, ...givers] as unknown as (() => void)[],
        heap: (thread) =>
          thread > 0 || known === "what it has seen"
            ? null
            : [known === "all" ? mine : mine.sum],
        check: () => void orders.add(mine.order),
        end: () => [mine.order],
      };
    },
  };
}

/** A thread that adds up what two others give it, and notes in which order. */
function addingUp(known: Known): { orders: string[]; states: number } {
  const orders = new Set<string>();
  const given = [[1, 8], [2, 4]];
  const scenario = sumOf(given, { states: true }, known, orders);
  const result = new StateSearch(scenario).run();
  assert.equal(result.failure, null);
  return { orders: [...orders].sort(), states: result.states ?? 0 };
}

/** What finer searches come to that one at commands does not. */
function hidden(scheduleIn: readonly string[]): number[][] {
  const scenario = sumOf(
    [[1, 2]],
    { states: true, scheduleAt: "send, look and receive", scheduleIn },
    "all",
  );
  return [...compareWithFiner(scenario, Infinity)].map((compared) => {
    assert.equal(compared.failure, null);
    return [compared.newEnds, compared.newObjects];
  });
}

describe("explorer: states", () => {
  test("are told apart by the objects of a thread between its turns", () => {
    nameSites(["adder.ts:1 hear", "giver.ts:1 give"]);
    try {
      const whole = addingUp("all");
      const seen = addingUp("what it has seen");
      assert.deepEqual(whole.orders, seen.orders);
      assert.ok(whole.states < seen.states, `${whole.states}, ${seen.states}`);
      // Fields that are left out leave orders out.
      const few = addingUp("its sum").orders;
      assert.ok(few.length < whole.orders.length, few.join());
    } finally {
      nameSites([]);
    }
  });
});

describe("explorer: a comparison with finer searches", () => {
  test("shows what a step holds back", () => {
    nameSites(["adder.ts:1 hear", "giver.ts:1 give"]);
    try {
      // Both numbers come in one step: one of them alone is never seen.
      assert.deepEqual(hidden([]), [[0, 0], [1, 1]]);
      assert.deepEqual(hidden(["give"]), [[0, 0], [0, 0]]);
    } finally {
      nameSites([]);
    }
  });
});

describe("explorer: what it reports", () => {
  test("plain accesses that nothing orders, and a path that shows them", () => {
    assert.equal(new Explorer(messagePassing(true)).run().failure, null);
    const scenario = messagePassing(false);
    const { failure } = new Explorer(scenario).run();
    assert.match(failure?.message ?? "", /nothing orders site \d of thread/);
    const path = parsePath(failure?.path ?? "");
    assert.throws(() => replay(scenario, path, () => {}), /nothing orders/);
  });

  test("a sleeper that nobody is left to wake", () => {
    const scenario = threadsOf([
      function* (words) {
        if (((yield layer.load(0, words, 0) as undefined) as unknown) === 0) {
          yield layer.wait(0, words, 1, 0, 100) as undefined;
        }
      },
      function* (words) {
        yield layer.store(0, words, 0, 1) as undefined;
        yield layer.notifyAll(0, words, 1) as undefined;
      },
    ]);
    const { failure } = new Explorer(scenario).run();
    assert.match(failure?.message ?? "", /nobody is left to wake 0/);
    assert.match(walk(scenario, 200, 1).failure?.message ?? "", /wake 0/);
  });

  test("a thread that stops before any of its accesses", () => {
    const stopped = new Set<string>();
    const scenario = threadsOf(
      [function* (words) {
        yield layer.store(0, words, 0, 1) as undefined;
        yield layer.store(0, words, 1, 1) as undefined;
      }],
      () => {},
      { stops: [0] },
    );
    const { set } = scenario;
    const result = new Explorer({
      ...scenario,
      set: () => ({
        ...set(),
        check: (end) => void stopped.add(JSON.stringify(end)),
      }),
    }).run();
    assert.equal(result.executions, 3);
    assert.equal(stopped.size, 2);
  });

  test("paths as text", () => {
    const step = { thread: 0, picks: [] };
    const steps = [step, step, { thread: 1, picks: [0, 1] }, step];
    assert.equal(formatPath(steps), "0*2,1:0.1,0");
    assert.deepEqual(parsePath("0*2,1:0.1,0"), steps);
  });
});
