// Parts of tests/explore/README.md that a run writes.

/** A text with these lines between its two comments about a part. */
export function withSection(
  text: string,
  name: string,
  lines: readonly string[],
): string {
  const [begin, end] = placeOf(text, name);
  return [text.slice(0, begin), "", ...lines, "", text.slice(end)].join("\n");
}

/** The lines between the two comments. */
export function sectionOf(text: string, name: string): string[] {
  return text.slice(...placeOf(text, name)).split("\n");
}

function placeOf(text: string, name: string): [number, number] {
  const comment = `<!-- begin of the ${name} -->`;
  const begin = text.indexOf(comment);
  const end = text.indexOf(`<!-- end of the ${name} -->`);
  if (begin < 0 || end < begin) {
    throw new Error(`There is no place for the ${name}`);
  }
  return [begin + comment.length, end];
}
