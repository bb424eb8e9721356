// Accesses to shared memory past the layer, which the transform must refuse:
// what it let through would be no scheduling point, and never be explored.
import { build } from "./build.ts";
import type { Edit } from "./sources.ts";

/** The file that the accesses are put into; any of `src/memory` would do. */
const FILE = "src/memory/lock.ts";

/** A statement that is put there, and what the refusal must say. */
interface Refusal {
  readonly statement: string;
  readonly says: string;
}

const REFUSALS: readonly Refusal[] = [
  { statement: "Atomics.load(words, index);", says: "Atomics past the layer" },
  { statement: "Atomics.notify(words, index);", says: "Atomics past" },
  {
    statement: "tid |= words[index] as number;",
    says: "a word past the layer",
  },
  { statement: "words[index] = tid;", says: "a word past the layer" },
  { statement: "words[index]++;", says: "an element changed in place" },
  { statement: "words.includes(tid);", says: "includes() of shared memory" },
  {
    statement: "const some: Words | null = words; tid = some?.[index] ?? 0;",
    says: "a word past the layer",
  },
  { statement: "const [first] = words; tid = first ?? 0;", says: "as a whole" },
  { statement: "const { 0: zero } = words; tid = zero ?? 0;", says: "whole" },
  { statement: "for (const each of words) tid = each;", says: "as a whole" },
  { statement: "tid = [...words].length;", says: "as a whole" },
  { statement: "[tid = 0] = words;", says: "as a whole" },
  { statement: "tid = Array.from(words).length;", says: "as a whole" },
  { statement: "tid = Math.max(...words);", says: "as a whole" },
  { statement: "tid = new Int32Array(words).length;", says: "as a whole" },
  { statement: "new DataView(words.buffer);", says: "DataView" },
  { statement: "new Uint32Array(words.buffer)[0] = 1;", says: "Uint32Array" },
  { statement: "new BigInt64Array(words.buffer);", says: "BigInt64Array" },
];

/** What the transform made of each: lines for a report, and whether all is well. */
export function checkRefusals(): { lines: string[]; bad: number } {
  let bad = 0;
  const lines = REFUSALS.map(({ statement, says }) => {
    const message = refusalOf(statement);
    const good = message?.startsWith(FILE) === true && message.includes(says);
    if (!good) bad++;
    return good
      ? `refused ${statement}`
      : `TAKEN   ${statement}\n  ${message ?? "without a word"}`;
  });
  return { lines, bad };
}

/** What the transform says of a file with this statement; null if nothing. */
function refusalOf(statement: string): string | null {
  const edit: Edit = {
    file: FILE,
    find: "  for (let i = 0; i < SPINS; i++) {",
    replace: `  ${statement}\n  for (let i = 0; i < SPINS; i++) {`,
  };
  try {
    build([FILE], [edit]).remove();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
