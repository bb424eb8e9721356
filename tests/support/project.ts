// The repository as its own rules see it: the texts of its files.
import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type Reference, references } from "./module_references.ts";
import { type Token, tokenize, withoutComments } from "./source_text.ts";

/** Every file's text by its path from the top of the repository. */
export class Project {
  readonly files: ReadonlyMap<string, string>;
  #tokens = new Map<string, Token[]>();

  constructor(files: Readonly<Record<string, string>>) {
    this.files = new Map(Object.entries(files).sort());
  }

  /** The TypeScript files for which `wanted` holds. */
  sources(wanted: (path: string) => boolean = () => true): string[] {
    return [...this.files.keys()]
      .filter((path) => path.endsWith(".ts") && wanted(path));
  }

  /** A file's text; empty when there is no such file. */
  text(path: string): string {
    return this.files.get(path) ?? "";
  }

  /** A source's tokens, comments included. */
  tokens(path: string): Token[] {
    let tokens = this.#tokens.get(path);
    if (tokens === undefined) {
      tokens = tokenize(this.text(path));
      this.#tokens.set(path, tokens);
    }
    return tokens;
  }

  /** A source's tokens without its comments. */
  code(path: string): Token[] {
    return withoutComments(this.tokens(path));
  }

  /** What a source names, relative specifiers resolved to paths. */
  references(path: string): Reference[] {
    return references(this.tokens(path)).map((reference) => ({
      ...reference,
      specifier: reference.specifier.startsWith(".")
        ? posix.join(dirname(path), reference.specifier)
        : reference.specifier,
    }));
  }
}

/** The top folder of this repository. */
export const REPOSITORY: string = fileURLToPath(
  new URL("../..", import.meta.url),
);

/** All files that git tracks or would add. */
export function readRepository(): Project {
  const run = spawnSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    { cwd: REPOSITORY, encoding: "utf8" },
  );
  if (run.status !== 0) throw new Error(`git ls-files: ${run.stderr}`);
  const files: Record<string, string> = {};
  for (const path of run.stdout.split("\0").filter((name) => name !== "")) {
    const full = join(REPOSITORY, path);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat?.isFile()) files[path] = readFileSync(full, "utf8");
  }
  return new Project(files);
}
