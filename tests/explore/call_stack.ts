// The calls of a thread that runs transformed code. Each is a generator that
// yields the calls it makes, so that only the innermost is resumed: with
// `yield*` every access would pass through all that are around it.
import { type Coroutine, G } from "./runtime.ts";

export class CallStack {
  /** The innermost call comes last. */
  readonly #calls: Coroutine[];
  /** What the outermost call returned. */
  result: unknown = undefined;

  constructor(body: () => unknown) {
    this.#calls = [outermost(body)];
  }

  /**
   * Runs on, with what the last access came to.
   *
   * @returns true at the next access, false at the end.
   */
  resume(value: unknown): boolean {
    const calls = this.#calls;
    let given = value;
    let throws = false;
    for (;;) {
      const call = calls[calls.length - 1] as Coroutine;
      try {
        const step = throws ? call.throw(given) : call.next(given);
        throws = false;
        if (!step.done) {
          if (step.value === undefined) return true;
          calls.push(step.value);
          given = undefined;
          continue;
        }
        given = step.value;
      } catch (error) {
        throws = true;
        given = error;
      }
      calls.pop();
      if (calls.length > 0) continue;
      if (throws) throw given;
      this.result = given;
      return false;
    }
  }
}

function* outermost(body: () => unknown): Coroutine {
  const made = body();
  return made instanceof G ? yield made as Coroutine : made;
}
