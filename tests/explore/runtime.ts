// What the shared-access layer becomes in transformed sources: an atomic
// access is a request that is yielded to the scheduler, a plain one is made at
// once and checked against all others.
import { zeroed } from "./buffers.ts";
import { fingerprint } from "./fingerprint.ts";
import { type DataRace, Shadow } from "./shadow.ts";

/** What a thread asks for next. */
export const Op = {
  LOAD: 0,
  STORE: 1,
  ADD: 2,
  OR: 3,
  AND: 4,
  EXCHANGE: 5,
  COMPARE_EXCHANGE: 6,
  WAIT: 7,
  WAIT_ASYNC: 8,
  NOTIFY: 9,
  /** A thread that has nothing to do until one of its promises resolves. */
  TURN: 10,
} as const;
export type Op = typeof Op[keyof typeof Op];

/** Names of the operations, for a printed path. */
export const OP_NAMES: readonly string[] = [
  "load",
  "store",
  "add",
  "or",
  "and",
  "exchange",
  "compareExchange",
  "wait",
  "waitAsync",
  "notifyAll",
  "turn",
];

/** An access to shared memory that a thread is about to make. */
export interface Request {
  op: Op;
  words: Int32Array;
  index: number;
  a: number;
  b: number;
  site: number;
}

const NO_WORDS = new Int32Array(0);

/** Filled before each `yield`; the scheduler copies it. */
export const request: Request = {
  op: Op.LOAD,
  words: NO_WORDS,
  index: 0,
  a: 0,
  b: 0,
  site: 0,
};

/** The prototype of all generators, as a constructor for `instanceof`. */
export const G: { readonly prototype: object; new (): Coroutine } =
  generatorClass();

/**
 * A call of transformed code that has not come to its end: it yields before an
 * access, and each call that it makes.
 */
export type Coroutine = Generator<Coroutine | undefined, unknown, unknown>;

/** The one shadow of all memory, and whose turn it is. */
export const shadow: Shadow = new Shadow();
let current = 0;

/** Says whose plain accesses follow; returns whose they were. */
export function setCurrent(thread: number): number {
  const before = current;
  current = thread;
  return before;
}

function generatorClass(): typeof G {
  const made = function (): void {};
  made.prototype = Object.getPrototypeOf(function* () {}).prototype;
  return made as unknown as typeof G;
}

function ask(
  op: Op,
  words: Int32Array,
  index: number,
  a: number,
  b: number,
  site: number,
): undefined {
  request.op = op;
  request.words = words;
  request.index = index;
  request.a = a;
  request.b = b;
  request.site = site;
  return undefined;
}

// The layer, one function for each of its own; the site comes first.

export function load(site: number, words: Int32Array, index: number): void {
  ask(Op.LOAD, words, index, 0, 0, site);
}
/** As an atomic read: of what may come late, the explorer shows some. */
export function glance(site: number, words: Int32Array, index: number): void {
  ask(Op.LOAD, words, index, 0, 0, site);
}
export function store(
  site: number,
  words: Int32Array,
  index: number,
  value: number,
): void {
  ask(Op.STORE, words, index, value, 0, site);
}
export function add(
  site: number,
  words: Int32Array,
  index: number,
  value: number,
): void {
  ask(Op.ADD, words, index, value, 0, site);
}
export function or(
  site: number,
  words: Int32Array,
  index: number,
  bits: number,
): void {
  ask(Op.OR, words, index, bits, 0, site);
}
export function and(
  site: number,
  words: Int32Array,
  index: number,
  bits: number,
): void {
  ask(Op.AND, words, index, bits, 0, site);
}
export function exchange(
  site: number,
  words: Int32Array,
  index: number,
  value: number,
): void {
  ask(Op.EXCHANGE, words, index, value, 0, site);
}
export function compareExchange(
  site: number,
  words: Int32Array,
  index: number,
  expected: number,
  value: number,
): void {
  ask(Op.COMPARE_EXCHANGE, words, index, expected, value, site);
}
export function wait(
  site: number,
  words: Int32Array,
  index: number,
  expected: number,
  timeoutMs: number,
): void {
  ask(Op.WAIT, words, index, expected, timeoutMs, site);
}
export function waitAsync(
  site: number,
  words: Int32Array,
  index: number,
  expected: number,
): void {
  ask(Op.WAIT_ASYNC, words, index, expected, Infinity, site);
}
export function notifyAll(
  site: number,
  words: Int32Array,
  index: number,
): void {
  ask(Op.NOTIFY, words, index, 0, 0, site);
}

export function get(site: number, words: Int32Array, index: number): number {
  const place = plainWord(words, index, false, site);
  const value = words[index] as number;
  if (fingerprint.on && place >= 0) fingerprint.saw(current, value);
  return value;
}
export function put(
  site: number,
  words: Int32Array,
  index: number,
  value: number,
): void {
  const place = plainWord(words, index, true, site);
  if (fingerprint.on && place >= 0) {
    fingerprint.wrote(place, words[index] as number, value);
  }
  words[index] = value;
}

/** Counts decide nothing: with them no state would be like another one. */
export function tally(): void {}

function plainWord(
  words: Int32Array,
  index: number,
  writes: boolean,
  site: number,
): number {
  const place = shadow.place(words, index);
  if (place >= 0) shadow.plain(current, place, writes, site);
  return place;
}

// Bytes, which the layer leaves to typed arrays.

type Bytes = Uint8Array | Int32Array;

function touch(
  array: Bytes,
  from: number,
  to: number,
  writes: boolean,
  site: number,
): void {
  if (!(array.buffer instanceof SharedArrayBuffer)) return;
  if (array instanceof Int32Array) {
    for (let i = from; i < to; i++) plainWord(array, i, writes, site);
  } else {
    shadow.plainBytes(current, array, from, to, writes, site);
  }
}

/** Something was read that other threads may change. */
function seen(array: Bytes, value: number | undefined): void {
  if (fingerprint.on && array.buffer instanceof SharedArrayBuffer) {
    fingerprint.saw(current, value ?? 0);
  }
}

function seenAll(array: Bytes, from: number, to: number): void {
  if (!fingerprint.on || !(array.buffer instanceof SharedArrayBuffer)) return;
  for (let i = from; i < to; i++) fingerprint.saw(current, array[i] ?? 0);
}

/** A part of an array is about to be written, or was just now. */
function writing(array: Bytes, from: number, to: number, done: boolean): void {
  const { buffer, byteOffset } = array;
  if (!fingerprint.on || !(buffer instanceof SharedArrayBuffer)) return;
  const words = wordsOf(buffer);
  const size = array.BYTES_PER_ELEMENT;
  const end = (byteOffset + to * size + 3) >>> 2;
  const place = shadow.place(words, 0);
  for (let i = (byteOffset + from * size) >>> 2; i < end; i++) {
    const value = words[i] as number;
    if (done) fingerprint.enter(place + i, value);
    else fingerprint.leave(place + i, value);
  }
}

function wordsOf(buffer: SharedArrayBuffer & { words?: Int32Array }) {
  return buffer.words ??= new Int32Array(buffer);
}

/** `array[index]` */
export function at(
  site: number,
  array: Bytes,
  index: number,
): number | undefined {
  if (index < array.length) touch(array, index, index + 1, false, site);
  seen(array, array[index]);
  return array[index];
}

/** `array[index] = value` */
export function setAt(
  site: number,
  array: Bytes,
  index: number,
  value: number,
): number {
  if (index >= array.length) return value;
  touch(array, index, index + 1, true, site);
  writing(array, index, index + 1, false);
  array[index] = value;
  writing(array, index, index + 1, true);
  return value;
}

export function fill(
  site: number,
  array: Bytes,
  value: number,
  from = 0,
  to: number = array.length,
): Bytes {
  const end = Math.min(to, array.length);
  touch(array, from, end, true, site);
  writing(array, from, end, false);
  array.fill(value, from, end);
  writing(array, from, end, true);
  return array;
}

/** `target.set(source, offset)` */
export function set(
  site: number,
  target: Bytes,
  source: Bytes,
  offset = 0,
): void {
  copy(site, target, offset, source, 0, source.length);
}

export function slice(
  site: number,
  array: Bytes,
  from = 0,
  to: number = array.length,
): Bytes {
  const end = Math.min(to, array.length);
  touch(array, from, end, false, site);
  seenAll(array, from, end);
  return array.slice(from, end);
}

/** `new Uint8Array(source)` */
export function copyOf(site: number, source: Uint8Array): Uint8Array {
  touch(source, 0, source.length, false, site);
  seenAll(source, 0, source.length);
  return new Uint8Array(source);
}

/** Copies bytes as the platform's `copyBytes` does. */
export function copy(
  site: number,
  target: Bytes,
  offset: number,
  source: Bytes,
  from: number,
  to: number,
): void {
  touch(source, from, to, false, site);
  touch(target, offset, offset + to - from, true, site);
  seenAll(source, from, to);
  const end = offset + to - from;
  writing(target, offset, end, false);
  target.set(source.subarray(from, to), offset);
  writing(target, offset, end, true);
}

/** `new SharedArrayBuffer(bytes)` */
export function sharedMemory(bytes: number): SharedArrayBuffer {
  const count = memories[current] ?? 0;
  memories[current] = count + 1;
  return zeroed(`made-${current}-${count}`, bytes);
}

/** How many each thread has made. */
const memories: number[] = [];

/** Another execution begins: its memory is that of the one before. */
export function reuseMemory(): void {
  memories.length = 0;
}

/** A function over variables of those around it. */
export function keeps<T extends Keeping>(
  site: number,
  made: T,
  captured: () => unknown[],
): T {
  made.$site = site;
  made.$keeps = captured;
  return made;
}

/** What a function of transformed code says of itself. */
export interface Keeping {
  $keeps?: () => unknown[];
  $site?: number;
}

// What a generator cannot hand to built-in functions.

type Callback = (...values: unknown[]) => unknown;

function* given(value: unknown): Coroutine {
  return value instanceof G ? yield value as Coroutine : value;
}

/** Built-in methods of arrays whose callback is transformed code. */
export const arrays: Record<
  string,
  (array: unknown[], callback: Callback) => Coroutine
> = {
  *forEach(array, callback) {
    for (const [i, item] of array.entries()) yield* given(callback(item, i));
  },
  *map(array, callback) {
    const made: unknown[] = [];
    for (const [i, item] of array.entries()) {
      made.push(yield* given(callback(item, i)));
    }
    return made;
  },
  *some(array, callback) {
    for (const [i, item] of array.entries()) {
      if (yield* given(callback(item, i))) return true;
    }
    return false;
  },
  *find(array, callback) {
    for (const [i, item] of array.entries()) {
      if (yield* given(callback(item, i))) return item;
    }
    return undefined;
  },
  *findIndex(array, callback) {
    for (const [i, item] of array.entries()) {
      if (yield* given(callback(item, i))) return i;
    }
    return -1;
  },
  *filter(array, callback) {
    const made: unknown[] = [];
    for (const [i, item] of array.entries()) {
      if (yield* given(callback(item, i))) made.push(item);
    }
    return made;
  },
};

/** Reads a property that may be a transformed getter. */
export function read(object: object, name: string): unknown {
  const values = object as Record<string, unknown>;
  const getter = values[`get$${name}`];
  return typeof getter === "function" ? getter.call(object) : values[name];
}

/** What `waitAsync` gives: resolves when the word is notified. */
export class Notice {
  resolved = false;
  callback: Callback | null = null;
}

/** Callbacks that each thread runs when it is back in its event loop. */
export const jobs: Callback[][] = [];

/** `promise.then(callback)`; a promise that is none of ours has resolved. */
export function then(promise: unknown, callback: Callback): void {
  if (promise instanceof Notice && !promise.resolved) {
    promise.callback = callback;
  } else jobsOf(current).push(callback);
}

/** A thread's jobs. */
export function jobsOf(thread: number): Callback[] {
  return jobs[thread] ??= [];
}

/** Runs the jobs that wait, or else waits for the first of them. */
export function* turn(): Generator<Coroutine | undefined, void, unknown> {
  const mine = jobsOf(current);
  if (mine.length === 0) yield ask(Op.TURN, NO_WORDS, 0, 0, 0, 0);
  for (const job of mine.splice(0)) yield* given(job());
}

/**
 * `await value`: what is transformed has run to its end by then, and nothing
 * else may be waited for.
 */
export function awaited(value: unknown): unknown {
  if (value instanceof Promise) {
    throw new Error("A promise that is awaited is not explored");
  }
  return value;
}

/** An error that ends the search: it tells of a mistake in what is explored. */
export function isRace(error: unknown): error is DataRace {
  return error instanceof Error && error.constructor.name === "DataRace";
}
