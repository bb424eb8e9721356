// What a word is, and tables of how often each occurs.

/** How often each word occurs. */
export type WordCounts = Map<string, number>;

// Written out instead of \p{L}: the runtimes bring different editions of
// Unicode, and all of them have to find the same words.
const LETTER = "A-Za-z\\u00aa\\u00b5\\u00ba\\u00c0-\\u00d6\\u00d8-\\u00f6" +
  "\\u00f8-\\u1fff\\u2c00-\\u2dff\\u3040-\\ud7ff\\uf900-\\ufdff";
const WORD = new RegExp(`[${LETTER}][${LETTER}0-9_]*(?:'[${LETTER}]+)*`, "g");

// Latin, Greek and Cyrillic, whose small letters have been settled for long.
const SETTLED_CASE = /^[A-Za-z0-9_'\u00aa-\u052f]*$/;

/** Adds the words of a text, as they are written. */
export function countWords(text: string, counts: WordCounts): void {
  for (const word of text.match(WORD) ?? []) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}

/** The same table with capital letters made small. */
export function foldCase(counts: WordCounts): WordCounts {
  const folded: WordCounts = new Map();
  for (const [word, count] of counts) {
    add(folded, SETTLED_CASE.test(word) ? word.toLowerCase() : word, count);
  }
  return folded;
}

function add(counts: WordCounts, word: string, count: number): void {
  counts.set(word, (counts.get(word) ?? 0) + count);
}

/** A table as text: a word, a space, its count, one per line. */
export function encodeCounts(counts: WordCounts): string {
  let text = "";
  for (const [word, count] of counts) text += `${word} ${count}\n`;
  return text;
}

/** Adds a table made by {@linkcode encodeCounts}. */
export function mergeEncoded(text: string, counts: WordCounts): void {
  for (const line of text.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) {
      add(counts, line.slice(0, space), Number(line.slice(space + 1)));
    }
  }
}

/** The most frequent words, commonest first; equals in the order of the letters. */
export function commonest(
  counts: WordCounts,
  limit: number,
): [word: string, count: number][] {
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit);
}

/** How many words were counted altogether. */
export function totalWords(counts: WordCounts): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

/** The words whose counts differ between two tables. */
export function differingWords(a: WordCounts, b: WordCounts): string[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((word) => a.get(word) !== b.get(word));
}
