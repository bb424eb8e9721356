// How long the functions of a source are.
import { type Token, withoutComments } from "./source_text.ts";

/** A function with a body, and how many lines it has. */
export interface FunctionSize {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  /** True for the body of a `describe`, which is a list of tests. */
  readonly isSuite: boolean;
}

/** Words that come before brackets and a block without being a function. */
const NOT_FUNCTIONS = new Set(
  "if for while switch catch with await return typeof do else case".split(" "),
);

/** Every function, method and arrow function with a braced body. */
export function functionSizes(tokens: readonly Token[]): FunctionSize[] {
  const code = withoutComments(tokens);
  const partner = matchBrackets(code);
  const found: FunctionSize[] = [];
  const add = (name: string, from: number, open: number): void => {
    const close = partner.get(open);
    const line = code[from]?.line ?? 0;
    if (close === undefined) return;
    const lines = (code[close]?.line ?? line) - line + 1;
    found.push({ name, line, lines, isSuite: isSuite(code, partner, open) });
  };
  for (const [index, token] of code.entries()) {
    if (token.kind !== "punctuator") continue;
    if (token.text === "=>" && code[index + 1]?.text === "{") {
      add("arrow function", index, index + 1);
    } else if (token.text === "(") {
      const from = functionNameBefore(code, index);
      const body = from === -1 ? -1 : bodyAfter(code, partner, index);
      if (body !== -1) add(code[from]?.text ?? "", from, body);
    }
  }
  return found;
}

/** Pairs of brackets, both ways; angle brackets are not paired. */
function matchBrackets(code: readonly Token[]): Map<number, number> {
  const partner = new Map<number, number>();
  const open: number[] = [];
  for (const [index, { kind, text }] of code.entries()) {
    if (kind !== "punctuator") continue;
    if (text === "(" || text === "[" || text === "{") open.push(index);
    if (text === ")" || text === "]" || text === "}") {
      const start = open.pop();
      if (start === undefined) continue;
      partner.set(start, index);
      partner.set(index, start);
    }
  }
  return partner;
}

/** Where the name stands of what may be a function whose `(` is at `index`. */
function functionNameBefore(code: readonly Token[], index: number): number {
  let at = index - 1;
  if (code[at]?.text === ">") {
    // Type parameters: back to where they begin.
    for (let depth = 0; at >= 0; at -= 1) {
      if (code[at]?.text === ">") depth += 1;
      if (code[at]?.text === "<") depth -= 1;
      if (depth === 0) break;
    }
    at -= 1;
  }
  const token = code[at];
  if (token === undefined) return -1;
  const isName = token.kind === "word" && !NOT_FUNCTIONS.has(token.text);
  const isComputed = token.text === "]" || token.kind === "string";
  return isName || isComputed || token.text === "*" ? at : -1;
}

/** The `{` of the body behind the parameters at `open`, or -1. */
function bodyAfter(
  code: readonly Token[],
  partner: ReadonlyMap<number, number>,
  open: number,
): number {
  let at = (partner.get(open) ?? code.length) + 1;
  if (code[at]?.text === "{") return at;
  if (code[at]?.text !== ":") return -1;
  // A return type, in which a brace may open an object type, but only where a
  // type begins.
  let typeBegins = true;
  for (at += 1; at < code.length; at += 1) {
    const { kind, text } = code[at] as Token;
    if (text === "{" && kind === "punctuator" && !typeBegins) return at;
    if (kind === "punctuator" && [";", "=", ")", "}", "]"].includes(text)) {
      return -1;
    }
    if (kind === "punctuator" && ["{", "(", "["].includes(text)) {
      at = partner.get(at) ?? code.length;
      typeBegins = false;
    } else {
      const opensType = ["|", "&", "<", ",", "=>", ":", "?"].includes(text) ||
        ["is", "extends", "keyof", "readonly", "asserts"].includes(text);
      typeBegins = opensType && kind !== "string";
    }
  }
  return -1;
}

/** Whether the braces at `open` are an argument of `describe(…)`. */
function isSuite(
  code: readonly Token[],
  partner: ReadonlyMap<number, number>,
  open: number,
): boolean {
  for (let at = open - 1; at >= 0; at -= 1) {
    const { kind, text } = code[at] as Token;
    if (kind !== "punctuator") continue;
    if (text === ")" || text === "]" || text === "}") {
      at = partner.get(at) ?? 0;
    } else if (text === "(") {
      return ["describe", "suite"].includes(code[at - 1]?.text ?? "");
    } else if (text === "{") {
      return false;
    }
  }
  return false;
}
