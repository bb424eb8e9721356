// All that a thread's objects hold, as one number: what it will do after a
// sleep follows from that and from what is in memory by then.
import { type Key, mix64 } from "./fingerprint.ts";
import { type Keeping, Notice, shadow } from "./runtime.ts";

/** Fields that only count, for what is in no search of states. */
const IGNORED: ReadonlySet<string> = new Set([
  "turns",
  // What came free is asked for where there is a limit to memory.
  "$ControlSegment$ownFreed",
  "$ControlSegment$freedSeen",
]);

/** Fields that say where in memory something lies. */
const PLACES: ReadonlySet<string> = new Set([
  ...["bytes", "offset", "limit", "chunk", "bodyStart", "entered"],
  ...["frameBytes", "frameStart"],
  ...["chunkWords", "base", "committedChunk", "committedOffset", "held"]
    .map((name) => `$QueueReader$${name}`),
  ...["chunk", "bytes", "chunkWords", "base", "offset", "end"]
    .map((name) => `$QueueWriter$${name}`),
  ...["messageChunk", "messageOffset"].map((name) => `$QueueWriter$${name}`),
  "$PayloadSegments$caches",
]);

/** Classes whose objects stay as they are made. */
const CONSTANT: ReadonlySet<string> = new Set(["Layout"]);

/** Marks objects that stay as they are made, with all that they lead to. */
const IS_CONSTANT = Symbol("constant");

/** Says that what an object holds tells no states apart. */
export function constant<T extends object>(object: T): T {
  return Object.assign(object, { [IS_CONSTANT]: true });
}

/** Numbers for the names of classes and fields, which come again and again. */
const numbersOfNames: Map<string, number> = new Map();

function numberOfName(name: string): number {
  let number = numbersOfNames.get(name);
  if (number === undefined) {
    number = numbersOfNames.size + 1;
    numbersOfNames.set(name, number);
  }
  return number;
}

/**
 * Puts what these objects hold into a key.
 *
 * @param anywhere Wherever in memory it lies.
 */
export function hashOf(
  roots: readonly unknown[],
  into: Key,
  anywhere = false,
): void {
  new Walk(into, anywhere).value(roots);
}

class Walk {
  readonly #into: Key;
  readonly #anywhere: boolean;
  readonly #met: Map<object, number> = new Map();

  constructor(into: Key, anywhere: boolean) {
    this.#into = into;
    this.#anywhere = anywhere;
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        this.#number(value);
        return;
      case "boolean":
        this.#mix(value ? 11 : 12);
        return;
      case "string":
        this.#text(value);
        return;
      case "undefined":
        this.#mix(13);
        return;
      case "object":
      case "function":
        if (value === null) this.#mix(14);
        else this.#object(value);
        return;
      default:
        throw new Error(`A thread's state cannot hold a ${typeof value}`);
    }
  }

  #mix(value: number): void {
    mix64(this.#into, value);
  }

  #number(value: number): void {
    this.#mix(value | 0);
    if ((value | 0) !== value) this.#text(String(value));
  }

  #text(text: string): void {
    this.#mix(text.length);
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }

  #object(object: object): void {
    if (IS_CONSTANT in object) return;
    const known = this.#met.get(object);
    if (known !== undefined) {
      this.#mix(15);
      this.#mix(known);
      return;
    }
    this.#met.set(object, this.#met.size);
    if (typeof object === "function") {
      this.#function(object as Keeping);
    } else if (Array.isArray(object)) this.#list(object);
    else if (object instanceof Map) {
      this.#list([...object.entries()].flat());
    } else if (object instanceof Set) this.#list([...object]);
    else if (ArrayBuffer.isView(object)) this.#view(object);
    else if (object instanceof SharedArrayBuffer) {
      this.#mix(shadow.place(new Int32Array(object), 0));
    } else this.#fields(object);
  }

  #list(items: readonly unknown[]): void {
    this.#mix(items.length);
    for (const item of items) this.value(item);
  }

  #function(made: Keeping): void {
    if (made.$site === undefined) {
      throw new Error("A thread's state cannot hold what is not transformed");
    }
    this.#mix(made.$site);
    let captured: unknown[] = [];
    try {
      captured = made.$keeps?.() ?? [];
    } catch (error) {
      // A variable that comes later than the function does.
      if (!(error instanceof ReferenceError)) throw error;
    }
    this.#list(captured);
  }

  /** What is shared is no thread's; the rest is told by its bytes. */
  #view(view: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = view;
    this.#mix(byteLength);
    if (buffer instanceof SharedArrayBuffer) {
      this.#mix(shadow.place(new Int32Array(buffer), 0));
      this.#mix(byteOffset);
    } else {
      for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) {
        this.#mix(byte);
      }
    }
  }

  #fields(object: object): void {
    const prototype = Object.getPrototypeOf(object);
    const { name } = prototype?.constructor ?? Object;
    this.#mix(numberOfName(name));
    if (CONSTANT.has(name)) return;
    if (
      object instanceof Promise || object instanceof WeakMap ||
      object instanceof Notice || Symbol.iterator in object
    ) throw new Error(`A thread's state cannot hold a ${name}`);
    const values = object as Record<string, unknown>;
    for (const key in values) {
      if (IGNORED.has(key) || (this.#anywhere && PLACES.has(key))) continue;
      this.#mix(numberOfName(key));
      this.value(values[key]);
    }
  }
}
