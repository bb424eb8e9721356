// The text files under a path.

import { Buffer } from "node:buffer";
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

/** A text file as it was when it was found. */
export interface TextFile {
  readonly path: string;
  /** Only so many bytes are read: the file may grow meanwhile. */
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** What was found under a path. */
export interface TextFiles {
  readonly files: readonly TextFile[];
  readonly sizeBytes: number;
  /** How many files could not be opened. */
  readonly unreadable: number;
}

const SKIPPED_FOLDERS: readonly string[] = [".git", "node_modules"];

/** A zero byte within the first so many bytes makes a file a binary one. */
const PROBE_BYTES = 8192;

/** Finds the text files under a folder, or the one that `path` names. */
export function findTextFiles(path: string): TextFiles {
  const files: TextFile[] = [];
  let unreadable = 0;
  // A list instead of recursion: folders may be nested to any depth.
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    try {
      // Links below the path are skipped, so that nothing is counted twice.
      const stat = next === path ? statSync(next) : lstatSync(next);
      if (stat.isDirectory()) {
        const names = readdirSync(next).sort().reverse();
        for (const name of names) {
          if (!SKIPPED_FOLDERS.includes(name)) pending.push(join(next, name));
        }
      } else if (stat.isFile() && isText(next)) {
        const { size: sizeBytes, mtimeMs: modifiedMs } = stat;
        files.push({ path: next, sizeBytes, modifiedMs });
      }
    } catch (error) {
      if (next === path) throw cannotRead(path, error);
      unreadable++;
    }
  }
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { files, sizeBytes, unreadable };
}

function isText(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(PROBE_BYTES);
    const length = readSync(file, bytes, 0, PROBE_BYTES, 0);
    return !bytes.subarray(0, length).includes(0);
  } finally {
    closeSync(file);
  }
}

/** The files that are no longer as they were when they were found. */
export function changedFiles(files: readonly TextFile[]): string[] {
  return files.filter(({ path, sizeBytes, modifiedMs }) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.size !== sizeBytes || stat.mtimeMs !== modifiedMs;
  }).map(({ path }) => path);
}

/** The error for a path that cannot be read. */
export function cannotRead(path: string, error: unknown): Error {
  const reason = (error as { code?: unknown })?.code === "ENOENT"
    ? "there is no such file or folder"
    : error instanceof Error
    ? error.message
    : String(error);
  return new Error(`Cannot read ${JSON.stringify(path)}: ${reason}`);
}
