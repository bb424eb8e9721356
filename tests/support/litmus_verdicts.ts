// What a run of a litmus shape must show. PUREZMQ_LITMUS=100000000 tries each that
// often, as a long run of `explore:deep` does.
import assert from "node:assert/strict";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { PLACES } from "./litmus.ts";

/** How often each shape is tried. */
export const LITMUS_ITERATIONS: number = Number(
  process.env["PUREZMQ_LITMUS"] ?? "2000000",
);
/** Rounds that make so many. */
export const LITMUS_ROUNDS: number = Math.ceil(LITMUS_ITERATIONS / PLACES);
/** For one run of a shape. */
export const LITMUS_LIMIT_MS = 280_000;
/** Runs before two that do not meet are a failure. */
const RUNS_MAX = 30;

/** Both sides' observations of a place, as `mine * 4 + theirs`: how often. */
export type Run<Name> = (shape: Name) => Promise<number[]>;

/** Which outcome must not be, and what shows that the sides met. */
interface Verdict {
  readonly forbidden: number;
  readonly hasMet: (outcomes: readonly number[]) => boolean;
}

/** A flag, 1 or 2 in what the second side saw, that must bring its message. */
export const ONE_WAY: Verdict = {
  forbidden: 2,
  // The second was once before the first, and once behind it.
  hasMet: ([neither = 0, message = 0]) => neither > 0 && message > 0,
};
/** Each looks for the other's store: one of them must find it. */
export const BOTH_WAYS: Verdict = {
  forbidden: 0,
  hasMet: (outcomes) => outcomes.filter((times) => times > 0).length > 1,
};

/** A test that a shape never has the outcome that is forbidden. */
export function testShape<Name extends string>(
  what: string,
  run: Run<Name>,
  shape: Name,
  { forbidden, hasMet }: Verdict,
): void {
  test(what, { timeout: 10 * LITMUS_LIMIT_MS }, async (t) => {
    const all = new Array<number>(16).fill(0);
    // On a busy machine one side may always be first.
    for (let runs = 0; runs < RUNS_MAX && !hasMet(all); runs++) {
      const outcomes = await run(shape);
      for (const [at, times] of outcomes.entries()) {
        all[at] = (all[at] ?? 0) + times;
      }
    }
    tell(t, shape, all);
    assert.equal(all[forbidden], 0, `${shape}: the forbidden outcome`);
    assert.ok(hasMet(all), `${shape}: the two did not meet`);
  });
}

/** A run without atomics: what the tests would see, were it not for them. */
export function testPlainBuffers<Name extends string>(
  run: Run<Name | "plain-buffer">,
): void {
  test("store buffers, without atomics", async (t) => {
    const outcomes = await run("plain-buffer");
    // What is allowed need not happen; on most machines it does.
    tell(t, "plain-buffer", outcomes);
    const all = outcomes.reduce((sum, times) => sum + times, 0);
    assert.equal(all, LITMUS_ROUNDS * PLACES);
  });
}

function tell(
  t: TestContext,
  shape: string,
  outcomes: readonly number[],
): void {
  t.diagnostic?.(`${shape}: ${outcomes.slice(0, 6).join(" ")}`);
}
