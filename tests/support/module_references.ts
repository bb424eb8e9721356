// Which modules a source names.
import { type Token, withoutComments } from "./source_text.ts";

/** A module that a source names, and the line where it does. */
export interface Reference {
  readonly specifier: string;
  readonly line: number;
  /** Import and export, dynamic import and type import alike. */
  readonly kind: "import" | "text";
}

/**
 * What a source imports, and (as "text") the relative paths of modules that
 * stand in its strings, by which workers and processes are started.
 */
export function references(tokens: readonly Token[]): Reference[] {
  const code = withoutComments(tokens);
  const found: Reference[] = [];
  const imported = new Set<Token>();
  for (const [index, token] of code.entries()) {
    if (token.kind !== "word" || code[index - 1]?.text === ".") continue;
    const name = specifierAt(code, index);
    if (name === null) continue;
    imported.add(name);
    found.push({ specifier: name.text, line: name.line, kind: "import" });
  }
  for (const token of code) {
    const isText = token.kind === "string" && !imported.has(token) &&
      /^\.{1,2}\/.*\.(ts|js|mjs)$/.test(token.text);
    if (isText) {
      found.push({ specifier: token.text, line: token.line, kind: "text" });
    }
  }
  return found;
}

/** The specifier of the import or export that begins at `index`. */
function specifierAt(code: readonly Token[], index: number): Token | null {
  const word = code[index]?.text;
  const next = code[index + 1];
  if (word === "import") {
    if (next?.text === "." || next === undefined) return null;
    if (next.text === "(") return stringAt(code, index + 2);
    if (next.kind === "string") return next;
    return specifierAfterFrom(code, index + 1);
  }
  if (word === "export" && next !== undefined) {
    const start = next.text === "type" ? index + 2 : index + 1;
    const opens = code[start]?.text;
    return opens === "{" || opens === "*"
      ? specifierAfterFrom(code, start)
      : null;
  }
  return null;
}

/** The string behind `from`, if one follows before the statement ends. */
function specifierAfterFrom(
  code: readonly Token[],
  start: number,
): Token | null {
  for (let index = start; index < code.length; index += 1) {
    const { kind, text } = code[index] as Token;
    if (text === "from" && kind === "word") {
      const string = stringAt(code, index + 1);
      if (string !== null) return string;
    }
    const goesOn = kind === "word" || ["{", "}", ",", "*"].includes(text);
    if (!goesOn) return null;
    const ends = text === "}" && code[index + 1]?.text !== "from";
    if (ends) return null;
  }
  return null;
}

function stringAt(code: readonly Token[], index: number): Token | null {
  const token = code[index];
  return token?.kind === "string" ? token : null;
}
