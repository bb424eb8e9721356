// The examples of our documentation as programs, so that both runtimes can run
// them: `deno test --doc` knows Deno only.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** An example and where it stands. */
export interface DocExample {
  readonly path: string;
  /** What stands behind `@example`. */
  readonly title: string;
  /** The program, with the package's names replaced by files. */
  readonly source: string;
}

/** The examples in the sources of a folder. */
export function docExamples(folder: string): DocExample[] {
  return readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .flatMap((name) => examplesOf(join(folder, name)));
}

/**
 * What an example has before one of its comments, for a program that goes on in
 * another way.
 */
export function exampleUntil(example: DocExample, comment: string): string {
  const [start, rest] = example.source.split(`// ${comment}`);
  if (rest === undefined || start === undefined) {
    throw new Error(`"${example.title}" has no comment "${comment}"`);
  }
  return start;
}

function examplesOf(path: string): DocExample[] {
  const text = readFileSync(join(REPOSITORY, path), "utf8");
  const found: DocExample[] = [];
  const pattern = /@example (.*)\n \* ```ts\n((?: \*.*\n)*?) \* ```/g;
  for (const [, title = "", block = ""] of text.matchAll(pattern)) {
    const source = withFiles(block.replaceAll(/^ \* ?/gm, ""));
    found.push({ path, title, source });
  }
  return found;
}

/** Puts files in the place of what deno.json exports. */
function withFiles(source: string): string {
  const text = readFileSync(join(REPOSITORY, "deno.json"), "utf8");
  const { name, exports } = JSON.parse(text) as {
    name: string;
    exports: Record<string, string>;
  };
  let result = source;
  for (const [entry, file] of Object.entries(exports)) {
    const specifier = `"${name}${entry.slice(1)}"`;
    const url = pathToFileURL(join(REPOSITORY, file)).href;
    result = result.replaceAll(specifier, JSON.stringify(url));
  }
  return result;
}
