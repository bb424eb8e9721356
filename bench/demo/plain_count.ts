// The count that the processes' result is checked against: one thread, no
// messages, and none of the code that cuts files into batches.

import { createReadStream } from "node:fs";
import { cannotRead, type TextFile } from "./text_files.ts";
import { countWords, foldCase, type WordCounts } from "./words.ts";

/** Counts the words of the files. */
export async function plainCount(
  files: readonly TextFile[],
): Promise<WordCounts> {
  const counts: WordCounts = new Map();
  for (const file of files) {
    if (file.sizeBytes > 0) await countFile(file, counts);
  }
  return foldCase(counts);
}

async function countFile(file: TextFile, counts: WordCounts): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    // The option is the position of the last byte, not a length.
    const end = file.sizeBytes - 1;
    for await (const bytes of createReadStream(file.path, { end })) {
      text += decoder.decode(bytes, { stream: true });
      // A word may go on in the next stretch, but never beyond its line.
      const cut = text.lastIndexOf("\n") + 1;
      countWords(text.slice(0, cut), counts);
      text = text.slice(cut);
    }
  } catch (error) {
    throw cannotRead(file.path, error);
  }
  countWords(text + decoder.decode(), counts);
}
