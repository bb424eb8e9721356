// Reads the JUnit reports of `deno test` and `bun test` into one shape: a test
// is a leaf (`test` or `it`), named by its suites and itself.
import { splitReason } from "./skip.ts";

/** What became of a test. */
export type Outcome = "passed" | "failed" | "skipped";

/** One test of a report. */
export interface TestResult {
  /** Suite names and test name, joined by " > ", without a skip's reason. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Why it failed or was skipped; null for a skip without a reason. */
  readonly detail: string | null;
}

interface Case {
  readonly path: string;
  outcome: Outcome;
  detail: string;
}

/** How Deno says that a suite failed only because a test in it did. */
const STEP_FAILURE = /^\d+ test steps? failed\.?$/;

/** The tests of a report in the form that `deno test --junit-path` writes. */
export function parseDenoReport(xml: string): TestResult[] {
  const cases = readCases(xml, false);
  const paths = cases.map((entry) => entry.path);
  const results: TestResult[] = [];
  for (const entry of cases) {
    // Deno lists a suite as a test beside the tests in it. It counts only when
    // it failed by itself, that is, in a hook.
    const isSuite = paths.some((path) => path.startsWith(`${entry.path} > `));
    const failedItself = entry.outcome === "failed" &&
      !STEP_FAILURE.test(entry.detail.trim());
    if (!isSuite || failedItself) results.push(toResult(entry));
  }
  return results;
}

/** The tests of a report in the form that `bun test --reporter=junit` writes. */
export function parseBunReport(xml: string): TestResult[] {
  return readCases(xml, true).map(toResult);
}

function toResult(entry: Case): TestResult {
  if (entry.outcome !== "skipped") {
    const detail = entry.outcome === "failed" ? entry.detail : null;
    return { name: entry.path, outcome: entry.outcome, detail };
  }
  const { name, reason } = splitReason(entry.path);
  return { name, outcome: "skipped", detail: reason };
}

/**
 * The test cases of a report. Bun nests suites and names a case by its last
 * part; Deno writes the whole name. The outermost suite of Bun is the file.
 */
function readCases(xml: string, nested: boolean): Case[] {
  const cases: Case[] = [];
  const suites: string[] = [];
  let current: Case | null = null;
  let textFrom = 0;
  const tags = /<(\/?)([a-z]+)((?:\s+[\w:.-]+="[^"]*")*)\s*(\/?)>/g;
  for (const match of xml.matchAll(tags)) {
    const [whole, slash, tag, attributes, selfClosing] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const closes = slash === "/";
    if (tag === "testsuite") {
      if (closes) suites.pop();
      else if (selfClosing === "") suites.push(attribute(attributes, "name"));
    } else if (tag === "testcase" && !closes) {
      const own = attribute(attributes, "name");
      const path = nested ? [...suites.slice(1), own].join(" > ") : own;
      current = { path, outcome: "passed", detail: "" };
      cases.push(current);
    } else if (current !== null && tag === "skipped" && !closes) {
      current.outcome = "skipped";
    } else if (current !== null && (tag === "failure" || tag === "error")) {
      current.outcome = "failed";
      if (!closes) {
        current.detail = attribute(attributes, "message");
        textFrom = match.index + whole.length;
      } else {
        const text = unescapeXml(xml.slice(textFrom, match.index)).trim();
        if (text !== "") current.detail = text;
      }
    }
  }
  return cases;
}

function attribute(attributes: string, name: string): string {
  const match = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes);
  return unescapeXml(match?.[1] ?? "");
}

function unescapeXml(text: string): string {
  const names: Record<string, string> = {
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
  };
  return text.replace(/&(#x?[\da-f]+|[a-z]+);/gi, (whole, code: string) => {
    if (!code.startsWith("#")) return names[code] ?? whole;
    const hex = code[1] === "x" || code[1] === "X";
    return String.fromCodePoint(
      parseInt(code.slice(hex ? 2 : 1), hex ? 16 : 10),
    );
  });
}
