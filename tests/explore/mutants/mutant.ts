// What a mistake is, and how it is written down.
import type { Edit } from "../sources.ts";

/** A mistake. */
export interface Mutant {
  readonly name: string;
  /** The scenarios that must fail, each of them. */
  readonly scenarios: readonly string[];
  readonly edits: readonly Edit[];
}

/**
 * A mistake in one file.
 *
 * @param texts What is there and what becomes of it, for each edit.
 */
export function mutant(
  name: string,
  scenarios: string | readonly string[],
  file: string,
  ...texts: readonly string[]
): Mutant {
  const edits: Edit[] = [];
  for (let i = 0; i < texts.length; i += 2) {
    edits.push({
      file: `src/${file}`,
      find: texts[i] as string,
      replace: texts[i + 1] as string,
    });
  }
  return { name, scenarios: [scenarios].flat(), edits };
}
