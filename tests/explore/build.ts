// Writes the transformed sources into a folder and loads them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type ts from "npm:typescript@5.9.3";
import { Coloring } from "./coloring.ts";
import { isLayer, rewriter, Sites } from "./rewrite.ts";
import {
  type Edit,
  isExplored,
  pathOf,
  readProgram,
  REPOSITORY,
} from "./sources.ts";

/** A transformed program. */
export interface Build {
  /** Names of the places where accesses are made, by number; with gaps. */
  readonly sites: readonly string[];
  /** Loads a module by its path in the repository. */
  load(path: string): Promise<Record<string, unknown>>;
  /** Removes the folder; what is loaded stays. */
  remove(): void;
}

/** Transforms all that the root files import. */
export function build(roots: readonly string[], edits: readonly Edit[]): Build {
  const program = readProgram(roots, edits);
  const coloring = new Coloring(program);
  const names: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), "purezmq-explore-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const { first, names: added } of emit(program, folder, coloring)) {
      added.forEach((name, n) => names[first + n] = name);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    sites: names,
    load: (path) =>
      import(pathToFileURL(join(folder, path.replace(/\.ts$/, ".js"))).href),
    remove,
  };
}

/** What became of a file. */
interface Emitted {
  /** Which functions are generators, in all files: its calls follow that. */
  readonly colors: string;
  readonly output: readonly { readonly name: string; readonly text: string }[];
  readonly sites: Sites;
}

/** By the file as it was parsed: most mistakes leave all files but one alone. */
const emitted: WeakMap<ts.SourceFile, Emitted> = new WeakMap();

/**
 * Writes what is explored into a folder.
 *
 * @returns the places where accesses are made, file by file.
 */
function emit(
  program: ts.Program,
  folder: string,
  coloring: Coloring,
): Sites[] {
  const { colors } = coloring;
  const sites: Sites[] = [];
  for (const file of program.getSourceFiles()) {
    const path = pathOf(file);
    if (!isExplored(path) || isLayer(path)) continue;
    let known = emitted.get(file);
    if (known?.colors !== colors) {
      known = transform(program, file, coloring, colors);
      emitted.set(file, known);
    }
    sites.push(known.sites);
    for (const { name, text } of known.output) {
      const to = join(folder, name.slice(REPOSITORY.length));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text);
    }
  }
  return sites;
}

function transform(
  program: ts.Program,
  file: ts.SourceFile,
  coloring: Coloring,
  colors: string,
): Emitted {
  const sites = new Sites(pathOf(file));
  const output: { name: string; text: string }[] = [];
  program.emit(
    file,
    (name, text) => void output.push({ name, text }),
    undefined,
    false,
    { before: [rewriter(coloring, sites)] },
  );
  return { colors, output, sites };
}
