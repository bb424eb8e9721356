// The sources that are explored, as a TypeScript program: the real files, with
// a few edits applied to their text.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "npm:typescript@5.9.3";

/** Root of the repository, with a slash at its end. */
export const REPOSITORY: string = fileURLToPath(
  new URL("../..", import.meta.url),
);

/** The layer: the one file whose calls become scheduling points. */
export const LAYER = "src/memory/shared_access.ts";

/** A change of a source's text, which must match exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Globals of both runtimes that no ECMAScript library declares. */
const GLOBALS = `
declare class TextEncoder { encode(text: string): Uint8Array; }
declare class TextDecoder { decode(bytes: Uint8Array): string; }
declare function queueMicrotask(callback: () => void): void;
declare class URL { constructor(url: string, base?: string); href: string; }
`;
const GLOBALS_FILE = `${REPOSITORY}globals.d.ts`;

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.esnext.d.ts"],
  types: [],
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  removeComments: true,
  noResolve: false,
};

/** By name, or by the text that edits have made of one. */
const parsed = new Map<string, ts.SourceFile>();
let previous: ts.Program | undefined;

/** Whether a file is transformed: the library, and the scenarios. */
export function isExplored(path: string): boolean {
  return path.startsWith("src/") || path.startsWith("tests/explore/scenarios/");
}

/** A file's path in the repository. */
export function pathOf(file: ts.SourceFile): string {
  return file.fileName.startsWith(REPOSITORY)
    ? file.fileName.slice(REPOSITORY.length)
    : file.fileName;
}

/** Reads a program from its root files. */
export function readProgram(
  roots: readonly string[],
  edits: readonly Edit[],
): ts.Program {
  const host = ts.createCompilerHost(OPTIONS);
  const readFile = host.getSourceFile.bind(host);
  const used = new Set<Edit>();
  host.getSourceFile = (name, options) => {
    if (name === GLOBALS_FILE) {
      return ts.createSourceFile(name, GLOBALS, options);
    }
    const mine = edits.filter(({ file }) => name === REPOSITORY + file);
    if (mine.length > 0) {
      const text = edited(name, mine);
      for (const edit of mine) used.add(edit);
      const key = `${name}\n${text}`;
      const file = parsed.get(key) ??
        ts.createSourceFile(name, text, options, true);
      parsed.set(key, file);
      return file;
    }
    let file = parsed.get(name);
    if (file === undefined) {
      file = readFile(name, options);
      if (file !== undefined) parsed.set(name, file);
    }
    return file;
  };
  host.fileExists = (name) =>
    name === GLOBALS_FILE ||
    !name.startsWith(`${REPOSITORY}ffi/`) && ts.sys.fileExists(name);
  const program = ts.createProgram({
    rootNames: [GLOBALS_FILE, ...roots.map((root) => REPOSITORY + root)],
    options: OPTIONS,
    host,
    ...(previous === undefined ? {} : { oldProgram: previous }),
  });
  previous = program;
  for (const edit of edits) {
    if (!used.has(edit)) throw new Error(`${edit.file} is not explored`);
  }
  return program;
}

function edited(name: string, edits: readonly Edit[]): string {
  let text = readFileSync(name, "utf8");
  for (const { file, find, replace } of edits) {
    const pieces = text.split(find);
    if (pieces.length !== 2) {
      throw new Error(
        `${file} has this ${pieces.length - 1} times, not once:\n${find}`,
      );
    }
    text = pieces.join(replace);
  }
  return text;
}
