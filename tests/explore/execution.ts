// One execution of a scenario: its threads as coroutines, one step at a time.
import { CallStack } from "./call_stack.ts";
import { fingerprint, type Key, mix64, textOfKey } from "./fingerprint.ts";
import { hashOf } from "./heap.ts";
import {
  jobs,
  jobsOf,
  Notice,
  Op,
  OP_NAMES,
  type Request,
  request,
  reuseMemory,
  setCurrent,
  shadow,
} from "./runtime.ts";
import type { End, Scenario, Search, Stage } from "./scenario.ts";
import {
  type Clock,
  join,
  namesOfSites,
  siteName,
  THREADS_MAX,
} from "./shadow.ts";

/** The thread that sets the scene. */
const SCENE = THREADS_MAX - 1;

/** Something went wrong in an execution. */
export class Violation extends Error {}

/** What a thread is up to. */
const ThreadState = {
  READY: 0,
  ASLEEP: 1,
  TURNING: 2,
  ENDED: 3,
  STOPPED: 4,
} as const;
type ThreadState = typeof ThreadState[keyof typeof ThreadState];

interface ThreadOfExecution {
  readonly calls: CallStack;
  state: ThreadState;
  /** What it does next. */
  readonly next: Request;
  /** Where it sleeps, and for how long at the most. */
  place: number;
  limitMs: number;
  /** What comes before the promises of its that have resolved. */
  readonly resolving: Clock;
}

interface AsyncWait {
  readonly thread: number;
  readonly place: number;
  readonly notice: Notice;
}

/** Makes the choices of an execution that are not whose turn it is. */
export type Chooser = (alternatives: number) => number;

/** Told of each access, for a printed path. */
export type Observer = (thread: number, what: string) => void;

/** Accesses in one step after which a thread has got stuck in it. */
const ACCESSES_MAX = 50_000;

/** Places in some functions of the sources, by their names. */
class Places {
  readonly functions: readonly string[];
  /** By the place's number, in the build whose names these are. */
  #known: (boolean | undefined)[] = [];
  #names: readonly string[] = [];

  constructor(...functions: readonly string[]) {
    this.functions = functions;
  }

  has(site: number): boolean {
    const names = namesOfSites();
    if (names !== this.#names) {
      this.#names = names;
      this.#known = [];
    }
    return this.#known[site] ??= this.functions.includes(
      functionAt(siteName(site)),
    );
  }
}

function functionAt(name: string): string {
  return name.slice(name.lastIndexOf(" ") + 1);
}

/** Where threads receive commands, and send those and messages. */
const receiving = new Places("takePending", "drain", "waitSync", "poll");
const sending = new Places("post", "flush");

/**
 * Functions after which what a thread has read there shows in memory, in where
 * it goes on and in its objects. By reading them: the names are all that is
 * known of them here. `explore --remember` searches without.
 */
const forgetting = new Places(
  ...["post", "#push", "#unpark", "announce", "wake", "wakeAll"],
  ...["acquire", "release", "ring", "prepareSleep", "hear", "waitSync"],
);

/** Functions of a thread's loop that look for mail or wait for some. */
const loop = new Places("processMail", "waitSync", "hear", "poll");

/** Throws for a name in a search, or here, that no access is made under. */
export function checkNames(
  scenarios: readonly Scenario[],
  sites: readonly string[],
): void {
  const there = new Set(sites.map(functionAt));
  const named = [receiving, sending, forgetting, loop].flatMap((places) =>
    places.functions
  );
  for (const { search, deep } of scenarios) {
    named.push(...search?.scheduleIn ?? [], ...deep?.scheduleIn ?? []);
  }
  const missing = named.filter((name) => !there.has(name));
  if (missing.length > 0) {
    throw new Error(`No access is made in ${missing.join(", ")}`);
  }
}

/** Whether threads can change places before an access. */
function isPoint(next: Request, search: Search): boolean {
  const { op, site } = next;
  if (op === Op.TURN || op === Op.WAIT || receiving.has(site)) return true;
  if (isAlsoPoint(site, search)) return true;
  if (search.scheduleAt === "receive") return false;
  if ((op === Op.OR || op === Op.EXCHANGE) && sending.has(site)) return true;
  return search.scheduleAt === "send, look and receive" && isBetweenTurns(next);
}

/** By the list of names, which a search does not change. */
const furtherPlaces: WeakMap<readonly string[], Places> = new WeakMap();

function isAlsoPoint(site: number, { scheduleIn }: Search): boolean {
  if (scheduleIn === undefined) return false;
  let places = furtherPlaces.get(scheduleIn);
  if (places === undefined) {
    places = new Places(...scheduleIn);
    furtherPlaces.set(scheduleIn, places);
  }
  return places.has(site);
}

/** Where a thread is between two turns of its loop. */
function isBetweenTurns({ op, site }: Request): boolean {
  return (op === Op.WAIT || op === Op.EXCHANGE) && loop.has(site);
}

export class Execution {
  readonly #scenario: Scenario;
  readonly #threads: ThreadOfExecution[] = [];
  readonly #asyncWaits: AsyncWait[] = [];
  readonly #stage: Stage;
  #choose: Chooser = () => 0;
  /** What threads went on with in this step, when it was made before. */
  #settled: Key[] = [];
  #settles = 0;
  #observer: Observer | null;
  #spurious: number;
  #timeouts: number;
  #stopped = -1;
  /** Places that the last step accessed: twice the place, plus 1 to write. */
  footprint: number[] = [];
  /** Threads that the last step woke. */
  woken: readonly number[] = NOBODY;
  /** Threads that had a promise resolved by it, and whether it turned to one. */
  resolved: readonly number[] = NOBODY;
  turned = false;

  constructor(scenario: Scenario, observer: Observer | null = null) {
    this.#scenario = scenario;
    this.#observer = observer;
    const { search } = scenario;
    this.#spurious = search?.spurious ?? 0;
    this.#timeouts = search?.timeouts ?? 0;
    shadow.renew();
    fingerprint.renew();
    reuseMemory();
    jobs.length = 0;
    stoppedThreads.clear();
    setCurrent(SCENE);
    this.#stage = this.#direct(() => scenario.set()) as Stage;
    this.#stage.threads.forEach((body, thread) => {
      shadow.order(SCENE, thread);
      this.#begin(body, thread);
    });
  }

  /** Bits of the threads that can go on. */
  get enabled(): number {
    let enabled = 0;
    for (let i = 0; i < this.#threads.length; i++) {
      if (this.#threads[i]?.state === ThreadState.READY) enabled |= 1 << i;
    }
    return enabled;
  }

  /** What tells this state from others, where {@link fingerprint} is on. */
  state(last: number, into: Key): void {
    const rest: number[] = [];
    for (const { state, next } of this.#threads) {
      rest.push(state, next.site, next.index, next.a, next.b);
    }
    rest.push(this.#spurious, this.#timeouts, this.#stopped, last);
    fingerprint.take(rest, into);
  }

  /**
   * One step of a thread.
   *
   * @param settled What came out for {@link fingerprint} when the same step was
   * made before, or an empty list to be filled.
   */
  step(thread: number, choose: Chooser, settled: Key[] = []): void {
    this.#choose = choose;
    this.#settled = settled;
    this.#settles = 0;
    this.footprint = [];
    this.woken = NOBODY;
    this.resolved = NOBODY;
    this.turned = false;
    const { search } = this.#scenario;
    const mine = this.#threads[thread] as ThreadOfExecution;
    let accesses = 0;
    do {
      this.#access(thread, mine);
      if (++accesses > ACCESSES_MAX) throw new Violation("it spins for ever");
    } while (
      search?.scheduleAt !== undefined && mine.state === ThreadState.READY &&
      !isPoint(mine.next, search)
    );
  }

  /**
   * Nobody can go on.
   *
   * @returns whether time passed and somebody can.
   */
  end(): boolean {
    if (this.#stopped >= 0 && this.#timeOut()) return true;
    const asleep = this.#threads.flatMap(({ state }, thread) =>
      state === ThreadState.ASLEEP || state === ThreadState.TURNING
        ? [thread]
        : []
    );
    const end: End = { stopped: this.#stopped, asleep };
    setCurrent(SCENE);
    this.#threads.forEach((_, thread) => shadow.order(thread, SCENE));
    if (asleep.length > 0 && this.#stage.mayEnd?.(end) !== true) {
      throw new Violation(
        `nobody is left to wake ${
          asleep.map((thread) => this.#whereabouts(thread)).join(" and ")
        }`,
      );
    }
    this.#direct(() => this.#stage.check(end));
    this.#noteEnd();
    return false;
  }

  #noteEnd(): void {
    if (fingerprint.reached === null) return;
    const key = { low: 0, high: 0 };
    hashOf(this.#direct(() => this.#stage.end?.() ?? []) as unknown[], key);
    fingerprint.reached.ends.add(textOfKey(key));
  }

  #whereabouts(thread: number): string {
    const { next } = this.#threads[thread] as ThreadOfExecution;
    return `${this.#scenario.threads[thread]} (asleep at ${
      siteName(next.site)
    })`;
  }

  #begin(body: () => void, thread: number): void {
    const mine: ThreadOfExecution = {
      calls: new CallStack(body),
      state: ThreadState.READY,
      next: { ...request },
      place: -1,
      limitMs: Infinity,
      resolving: new Int32Array(THREADS_MAX),
    };
    this.#threads.push(mine);
    this.#advance(thread, mine, undefined);
  }

  /** Runs a thread up to its next access. */
  #advance(thread: number, mine: ThreadOfExecution, value: unknown): void {
    const before = setCurrent(thread);
    if (fingerprint.on && !this.#forgets(mine.next, value)) {
      fingerprint.saw(thread, meaningOf(value));
    }
    const goesOn = mine.calls.resume(value);
    setCurrent(before);
    if (!goesOn) {
      mine.state = ThreadState.ENDED;
      return;
    }
    mine.state = ThreadState.READY;
    const { next } = mine;
    next.op = request.op;
    next.words = request.words;
    next.index = request.index;
    next.a = request.a;
    next.b = request.b;
    next.site = request.site;
    if (fingerprint.on) this.#settle(thread, mine);
  }

  /**
   * Whether what is read is of no use by the time that the thread can be
   * interrupted, but for where that is.
   */
  #forgets({ site }: Request, value: unknown): boolean {
    const { search } = this.#scenario;
    return search?.scheduleAt !== undefined && !search.remembers &&
      value !== TIMED_OUT && forgetting.has(site) &&
      !isAlsoPoint(site, search);
  }

  /**
   * Where a thread is between two turns of its loop, what it goes on with
   * stands for all that it has seen so far.
   */
  #settle(thread: number, { next }: ThreadOfExecution): void {
    if (!isBetweenTurns(next)) return;
    const heap = this.#stage.heap?.(thread, next.op === Op.WAIT) ?? null;
    if (heap === null) return;
    let key = this.#settled[this.#settles++];
    if (key === undefined) {
      key = { low: next.site, high: next.index };
      mix64(key, next.a);
      hashOf([next.b, ...heap], key);
      this.#settled.push(key);
      if (fingerprint.reached !== null) {
        const objects = { low: 0, high: thread };
        hashOf(heap, objects, true);
        fingerprint.reached.objects.add(textOfKey(objects));
      }
    }
    fingerprint.setThread(thread, key);
  }

  /** Makes a thread's next access. */
  #access(thread: number, mine: ThreadOfExecution): void {
    const { next } = mine;
    const place = next.op === Op.TURN
      ? -1
      : shadow.place(next.words, next.index);
    const stops = this.#scenario.search?.stops;
    if (
      stops?.includes(thread) && this.#stopped < 0 && this.#choose(2) === 1
    ) {
      this.#stopped = thread;
      stoppedThreads.add(thread);
      mine.state = ThreadState.STOPPED;
      this.#note(place, true);
      this.#observer?.(thread, `stops for ever before ${describe(next)}`);
      return;
    }
    if (next.op === Op.WAIT || next.op === Op.TURN) {
      this.#sleep(thread, mine, place);
      return;
    }
    const value = this.#perform(thread, next, place);
    this.#observer?.(thread, `${describe(next)} -> ${String(value)}`);
    this.#advance(thread, mine, value);
  }

  #note(place: number, writes: boolean): void {
    if (place >= 0) this.footprint.push(place * 2 + (writes ? 1 : 0));
  }

  #perform(thread: number, next: Request, place: number): unknown {
    const before = next.words[next.index] as number;
    const result = this.#atomic(thread, next, place);
    if (fingerprint.on && place >= 0) {
      fingerprint.wrote(place, before, next.words[next.index] as number);
    }
    return result;
  }

  #atomic(thread: number, next: Request, place: number): unknown {
    const { op, words, index, a, b, site } = next;
    if (op === Op.LOAD) {
      this.#note(place, false);
      shadow.atomic(thread, place, true, false, site);
      return Atomics.load(words, index);
    }
    if (op === Op.COMPARE_EXCHANGE) {
      const before = Atomics.compareExchange(words, index, a, b);
      // One that fails only reads.
      this.#note(place, before === a);
      shadow.atomic(thread, place, true, before === a, site);
      return before;
    }
    this.#note(place, true);
    if (op === Op.NOTIFY) return this.#notify(thread, place);
    if (op === Op.WAIT_ASYNC) return this.#waitAsync(thread, next, place);
    shadow.atomic(thread, place, op !== Op.STORE, true, site);
    switch (op) {
      case Op.STORE:
        Atomics.store(words, index, a);
        return undefined;
      case Op.ADD:
        return Atomics.add(words, index, a);
      case Op.OR:
        return Atomics.or(words, index, a);
      case Op.AND:
        return Atomics.and(words, index, a);
      default:
        return Atomics.exchange(words, index, a);
    }
  }

  #sleep(thread: number, mine: ThreadOfExecution, place: number): void {
    const { op, words, index, a, b, site } = mine.next;
    if (op === Op.TURN) {
      this.turned = true;
      join(shadow.clocks[thread] as Clock, mine.resolving);
      if (jobsOf(thread).length > 0) this.#advance(thread, mine, undefined);
      else mine.state = ThreadState.TURNING;
      return;
    }
    this.#note(place, true);
    shadow.atomic(thread, place, true, false, site);
    let outcome = "not-equal";
    if (Atomics.load(words, index) === a) {
      const mayTimeOut = this.#timeouts > 0 && Number.isFinite(b);
      const mayWake = this.#spurious > 0;
      const pick = mayWake || mayTimeOut
        ? this.#choose(1 + (mayWake ? 1 : 0) + (mayTimeOut ? 1 : 0))
        : 0;
      if (pick === 0) {
        mine.state = ThreadState.ASLEEP;
        mine.place = place;
        mine.limitMs = b;
        this.#observer?.(thread, `${describe(mine.next)} sleeps`);
        return;
      }
      outcome = pick === 1 && mayWake ? "ok" : "timed-out";
      if (outcome === "ok") this.#spurious--;
      else this.#timeouts--;
    }
    this.#observer?.(thread, `${describe(mine.next)} -> ${outcome}`);
    this.#advance(thread, mine, outcome);
  }

  #waitAsync(thread: number, next: Request, place: number): Notice | null {
    const { words, index, a, site } = next;
    shadow.atomic(thread, place, true, false, site);
    if (Atomics.load(words, index) !== a) return null;
    const notice = new Notice();
    this.#asyncWaits.push({ thread, place, notice });
    return notice;
  }

  #notify(thread: number, place: number): void {
    this.#threads.forEach((other, number) => {
      if (other.state !== ThreadState.ASLEEP || other.place !== place) return;
      this.#wake(thread, number);
      this.#advance(number, other, "ok");
    });
    for (const wait of [...this.#asyncWaits]) {
      if (wait.place !== place) continue;
      this.#asyncWaits.splice(this.#asyncWaits.indexOf(wait), 1);
      this.#resolve(thread, wait);
    }
  }

  /** A promise resolves; its thread may be busy and turn to it later. */
  #resolve(by: number, { thread, notice }: AsyncWait): void {
    notice.resolved = true;
    // Not by what it sees, but it may go on from now.
    fingerprint.saw(thread, RESOLVED);
    const { callback } = notice;
    if (callback !== null) jobsOf(thread).push(callback);
    this.resolved = [...this.resolved, thread];
    const other = this.#threads[thread] as ThreadOfExecution;
    join(other.resolving, shadow.clocks[by] as Clock);
    if (other.state === ThreadState.TURNING) other.state = ThreadState.READY;
    this.#observer?.(thread, "has a promise that resolves");
  }

  #wake(by: number, thread: number): void {
    shadow.order(by, thread);
    this.woken = [...this.woken, thread];
    this.#observer?.(thread, "is woken");
  }

  /** Time passes for the first sleeper that has a limit. */
  #timeOut(): boolean {
    const thread = this.#threads.findIndex(({ state, limitMs }) =>
      state === ThreadState.ASLEEP && Number.isFinite(limitMs)
    );
    if (thread < 0 || this.#timeouts < -TIMEOUTS_MAX) return false;
    this.#timeouts--;
    const mine = this.#threads[thread] as ThreadOfExecution;
    this.#observer?.(thread, "has waited for long enough");
    this.#advance(thread, mine, "timed-out");
    return true;
  }

  /** Runs code to its end, with nobody in between. */
  #direct(body: () => unknown): unknown {
    const calls = new CallStack(body);
    let value: unknown = undefined;
    while (calls.resume(value)) {
      const next = { ...request };
      if (next.op === Op.WAIT || next.op === Op.TURN) {
        throw new Error("A scene cannot wait");
      }
      const place = shadow.place(next.words, next.index);
      value = this.#perform(SCENE, next, place);
    }
    return calls.result;
  }
}

const NOBODY: readonly number[] = [];

/** Times that time passes in an execution where nobody can go on. */
const TIMEOUTS_MAX = 50;

const stoppedThreads = new Set<number>();

/** Whether a thread of the execution under way was stopped for ever. */
export function hasStopped(thread: number): boolean {
  return stoppedThreads.has(thread);
}

/** Numbers for what a thread is given that is none. */
const RESOLVED = -0x5e501;

function meaningOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") return OUTCOMES.indexOf(value);
  return value instanceof Notice ? RESOLVED : 0;
}

/** What comes of a sleep. */
const TIMED_OUT = "timed-out";
const OUTCOMES: readonly string[] = ["ok", "not-equal", TIMED_OUT];

function describe({ op, index, a, b, site }: Request): string {
  const values = op === Op.COMPARE_EXCHANGE
    ? `, ${a}, ${b}`
    : op === Op.LOAD || op === Op.NOTIFY || op === Op.TURN
    ? ""
    : `, ${a}`;
  return `${siteName(site)}: ${OP_NAMES[op]}(${index}${values})`;
}
