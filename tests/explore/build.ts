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
  /** Names of the places where accesses are made. */
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
  const sites = new Sites();
  const folder = mkdtempSync(join(tmpdir(), "purezmq-explore-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    emit(program, folder, coloring, sites);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    sites: sites.names,
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
  readonly sites: readonly string[];
}

/** By the file as it was parsed: most mistakes leave all files but one alone. */
const emitted: WeakMap<ts.SourceFile, Emitted> = new WeakMap();

/** Writes what is explored into a folder. */
function emit(
  program: ts.Program,
  folder: string,
  coloring: Coloring,
  sites: Sites,
): void {
  const { colors } = coloring;
  for (const file of program.getSourceFiles()) {
    const path = pathOf(file);
    if (!isExplored(path) || isLayer(path)) continue;
    sites.begin(path);
    let known = emitted.get(file);
    if (known?.colors !== colors) {
      known = transform(program, file, coloring, sites, colors);
      emitted.set(file, known);
    } else sites.addAll(known.sites);
    for (const { name, text } of known.output) {
      const to = join(folder, name.slice(REPOSITORY.length));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text);
    }
  }
}

function transform(
  program: ts.Program,
  file: ts.SourceFile,
  coloring: Coloring,
  sites: Sites,
  colors: string,
): Emitted {
  const output: { name: string; text: string }[] = [];
  program.emit(
    file,
    (name, text) => void output.push({ name, text }),
    undefined,
    false,
    { before: [rewriter(coloring, sites)] },
  );
  return { colors, output, sites: sites.added };
}
