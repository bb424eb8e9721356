// Enough of a tokenizer for TypeScript to judge sources by: it knows strings,
// templates, regular expressions and comments apart from code, so that a word
// in a comment is not taken for a use.

/** What a token is. */
export type TokenKind =
  | "word"
  | "punctuator"
  | "string"
  | "template"
  | "number"
  | "regexp"
  | "comment";

/** A piece of source text. */
export interface Token {
  readonly kind: TokenKind;
  /** A string's contents without its quotes; anything else as it stands. */
  readonly text: string;
  /** Counted from 1; the line on which it starts. */
  readonly line: number;
}

/** Words after which a slash begins a regular expression. */
const BEFORE_REGEXP = new Set(
  "return typeof case in of do else void delete throw new instanceof yield await"
    .split(" "),
);

const WORD_START = /[\p{ID_Start}$_#@]/u;
const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)/y;

/** Takes a source apart. Spaces are left out, comments are kept. */
export function tokenize(source: string): Token[] {
  return new Tokenizer(source).run();
}

/** The tokens without the comments. */
export function withoutComments(tokens: readonly Token[]): Token[] {
  return tokens.filter((token) => token.kind !== "comment");
}

class Tokenizer {
  #source: string;
  #position = 0;
  #line = 1;
  #tokens: Token[] = [];
  /** The last token that is not a comment. */
  #last: Token | null = null;
  /** For each template being read, how deep the braces in its `${` are. */
  #templates: number[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#position < this.#source.length) this.#step();
    return this.#tokens;
  }

  #step(): void {
    const character = this.#source[this.#position] as string;
    if (/\s/.test(character)) {
      if (character === "\n") this.#line += 1;
      this.#position += 1;
    } else if (this.#take("comment", COMMENT)) {
      return;
    } else if (character === '"' || character === "'") {
      if (!this.#take("string", STRING)) this.#punctuator();
    } else if (character === "`") {
      this.#position += 1;
      this.#template();
    } else if (/\d/.test(character)) {
      this.#take("number", NUMBER);
    } else if (WORD_START.test(character)) {
      if (!this.#take("word", WORD)) this.#punctuator();
    } else if (character === "/" && this.#regexpMayStart()) {
      if (!this.#take("regexp", REGEXP)) this.#punctuator();
    } else {
      this.#punctuator();
    }
  }

  #take(kind: TokenKind, pattern: RegExp): boolean {
    pattern.lastIndex = this.#position;
    const text = pattern.exec(this.#source)?.[0];
    if (text === undefined) return false;
    this.#add(kind, kind === "string" ? text.slice(1, -1) : text, text);
    return true;
  }

  #add(kind: TokenKind, text: string, source: string): void {
    const token: Token = { kind, text, line: this.#line };
    this.#tokens.push(token);
    if (kind !== "comment") this.#last = token;
    this.#position += source.length;
    this.#line += source.split("\n").length - 1;
  }

  #template(): void {
    TEMPLATE.lastIndex = this.#position;
    const match = TEMPLATE.exec(this.#source);
    const source = match?.[0] ?? this.#source.slice(this.#position);
    const end = match?.[1] ?? "";
    this.#add("template", source.slice(0, source.length - end.length), source);
    if (end === "${") this.#templates.push(0);
  }

  #punctuator(): void {
    const rest = this.#source.slice(this.#position, this.#position + 3);
    const text = rest === "..."
      ? rest
      : rest.startsWith("=>") || rest.startsWith("?.")
      ? rest.slice(0, 2)
      : rest.slice(0, 1);
    const top = this.#templates.length - 1;
    if (top >= 0 && text === "}" && this.#templates[top] === 0) {
      this.#templates.pop();
      this.#position += 1;
      this.#template();
      return;
    }
    if (top >= 0 && text === "{") this.#templates[top] = this.#depth(top) + 1;
    if (top >= 0 && text === "}") this.#templates[top] = this.#depth(top) - 1;
    this.#add("punctuator", text, text);
  }

  #depth(index: number): number {
    return this.#templates[index] ?? 0;
  }

  #regexpMayStart(): boolean {
    const last = this.#last;
    if (last === null) return true;
    if (last.kind === "word") return BEFORE_REGEXP.has(last.text);
    return last.kind === "punctuator" && ![")", "]", "}"].includes(last.text);
  }
}
