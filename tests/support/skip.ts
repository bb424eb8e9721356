// Skips that say why. Neither runtime's runner reports the reason given to
// `{ skip: "reason" }`, and Deno 2.9.6 reports a test that called `t.skip()` as
// passed; so the reason travels in the test's name, where both reports, both
// consoles and tests/run.ts (which refuses a skip without one) find it.
import { test } from "node:test";

/** How a reason stands at the end of a skipped test's name. */
const REASON = / \(skipped: (.+)\)$/s;

/** The body of a test. */
export type TestBody = () => void | Promise<void>;

/**
 * Registers the test `name`, or, when there is an `obstacle` (a sentence that
 * says why the test cannot run here), a skipped test that carries it.
 */
export function testUnless(
  obstacle: string | false | null | undefined,
  name: string,
  body: TestBody,
  options: { timeout?: number } = {},
): void {
  if (typeof obstacle === "string") {
    const reason = obstacle.trim();
    if (reason === "") throw new TypeError(`No reason to skip "${name}"`);
    test(nameWithReason(name, reason), { skip: true }, () => {});
  } else {
    test(name, options, () => body());
  }
}

/** The name under which a skipped test is reported. */
export function nameWithReason(name: string, reason: string): string {
  return `${name} (skipped: ${reason})`;
}

/** Takes a reported name apart; the reason is null where none is given. */
export function splitReason(
  reported: string,
): { name: string; reason: string | null } {
  const match = REASON.exec(reported);
  return match === null
    ? { name: reported, reason: null }
    : { name: reported.slice(0, match.index), reason: match[1] ?? null };
}
