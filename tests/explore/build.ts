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
    emit(program, folder, rewriter(coloring, sites));
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

/** Writes what is explored into a folder. */
function emit(
  program: ts.Program,
  folder: string,
  transformer: ts.TransformerFactory<ts.SourceFile>,
): void {
  for (const file of program.getSourceFiles()) {
    const path = pathOf(file);
    if (!isExplored(path) || isLayer(path)) continue;
    program.emit(
      file,
      (name, text) => {
        const to = join(folder, name.slice(REPOSITORY.length));
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, text);
      },
      undefined,
      false,
      { before: [transformer] },
    );
  }
}
