// The repository's own rules that no compiler or linter checks. A rule takes
// the project and returns one line per breach. tests/tidy_test.ts applies them
// to the repository, and to small made-up projects that break each one.
import { functionSizes } from "./function_sizes.ts";
import { FFI_DOOR, layerOf } from "./layers.ts";
import type { Project } from "./project.ts";
import {
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  LONG_FILES,
  LONG_FUNCTIONS,
} from "./ratchet.ts";

/** A rule: returns "path:line: what is wrong and what to do instead". */
export type Rule = (project: Project) => string[];

/** What is published: the library itself. */
function isLibrary(path: string): boolean {
  return path === "mod.ts" || path.startsWith("src/") ||
    path.startsWith("ffi/");
}

function isAboveFfi(path: string): boolean {
  return isLibrary(path) && !path.startsWith("ffi/");
}

/** A folder imports only from the layers that layers.ts grants it. */
export function layersAreKept(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources(isLibrary)) {
    const layer = layerOf(path);
    if (layer === undefined) {
      breaches.push(`${path}: belongs to no layer of tests/support/layers.ts`);
      continue;
    }
    for (const { specifier, line, kind } of project.references(path)) {
      if (kind !== "import" || specifier === path) continue;
      const target = layerOf(specifier);
      if (!specifier.includes(":") && target === undefined) {
        breaches.push(`${path}:${line}: imports ${specifier}, of no layer`);
      } else if (target === undefined) {
        if (!layer.outside.includes(specifier)) {
          breaches.push(`${path}:${line}: imports ${specifier}`);
        }
      } else if (target !== layer && !layer.mayImport.includes(target.path)) {
        breaches.push(`${path}:${line}: ${layer.path} imports ${specifier}`);
      }
    }
  }
  return breaches;
}

/** ffi has one door. */
export function ffiHasOneDoor(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources(isAboveFfi)) {
    for (const { specifier, line } of project.references(path)) {
      if (specifier.startsWith("ffi/") && specifier !== FFI_DOOR) {
        breaches.push(`${path}:${line}: imports ${specifier}, not ${FFI_DOOR}`);
      }
    }
  }
  return breaches;
}

/** No cycle of imports, imports of types included. */
export function importsHaveNoCycle(project: Project): string[] {
  const breaches: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) {
      breaches.push(`cycle: ${[...trail.slice(at), path].join(" -> ")}`);
    } else if (!done.has(path)) {
      for (const { specifier, kind } of project.references(path)) {
        if (kind === "import" && project.files.has(specifier)) {
          visit(specifier, [...trail, path]);
        }
      }
      done.add(path);
    }
  };
  for (const path of project.sources()) visit(path, []);
  return breaches;
}

/** Only ffi knows which runtime this is. */
export function onlyFfiNamesTheRuntime(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources(isAboveFfi)) {
    for (const { kind, text, line } of project.code(path)) {
      const isName = kind === "word" && (text === "Deno" || text === "Bun");
      const isModule = kind === "string" &&
        (/^bun(:|$)/.test(text) || text === "node:worker_threads");
      if (isName || isModule) {
        breaches.push(`${path}:${line}: ${text} belongs into ffi/`);
      }
    }
  }
  return breaches;
}

/** "any", or a phrase that names threads: "app thread, io thread". */
const HEADER = new RegExp(
  "^// libzmq: \\S.* · " +
    "runs on: (any|[^·]*\\b(thread|reaper|resolver)s?\\b[^·]*) · RFC: \\S.*$",
);

/** The first line of each file in src names libzmq's file, thread and RFC. */
export function sourcesHaveAHeader(project: Project): string[] {
  return project.sources((path) => path.startsWith("src/"))
    .filter((path) => !HEADER.test(project.text(path).split("\n")[0] ?? ""))
    .map((path) =>
      `${path}:1: the first line is not "// libzmq: <file or none> · ` +
      `runs on: <app thread | io thread | any> · RFC: <nn or –>"`
    );
}

/** No file is longer than the limit, or than its entry in the ratchet. */
export function filesAreShort(project: Project): string[] {
  const found = new Map<string, number>();
  for (const path of project.sources()) {
    found.set(path, project.text(path).trimEnd().split("\n").length);
  }
  return ratchet(found, FILE_LINES_MAX, LONG_FILES);
}

/** No function is longer than the limit, or than its entry in the ratchet. */
export function functionsAreShort(project: Project): string[] {
  const found = new Map<string, number>();
  for (const path of project.sources()) {
    for (
      const { name, lines, isSuite } of functionSizes(project.tokens(path))
    ) {
      const key = `${path} ${name}`;
      if (!isSuite) found.set(key, Math.max(lines, found.get(key) ?? 0));
    }
  }
  return ratchet(found, FUNCTION_LINES_MAX, LONG_FUNCTIONS);
}

/** Compares sizes with a limit and with the list of what may exceed it. */
export function ratchet(
  found: ReadonlyMap<string, number>,
  limit: number,
  allowed: Readonly<Record<string, number>>,
): string[] {
  const breaches: string[] = [];
  for (const [what, lines] of found) {
    const most = allowed[what] ?? limit;
    if (lines > most) breaches.push(`${what}: ${lines} lines, at most ${most}`);
  }
  for (const [what, lines] of Object.entries(allowed)) {
    const now = found.get(what) ?? 0;
    if (now < lines) {
      breaches.push(`${what}: the ratchet says ${lines}, it has ${now} lines`);
    }
  }
  return breaches;
}

/** A call that is banned in some files, and what to use there instead. */
interface Ban {
  /** The tokens, one after the other. */
  readonly code: readonly string[];
  readonly applies: (path: string) => boolean;
  readonly instead: string;
}

const isTest = (path: string): boolean => path.startsWith("tests/");
const SHARED_ACCESS = "src/memory/shared_access.ts";

/** The programs and helpers under tests/ that have to keep time themselves. */
const TIME_KEEPERS = [
  "tests/support/wait.ts",
  "tests/support/watched_process.ts",
];

const timers = ["setTimeout", "setInterval"].flatMap((timer): Ban[] => [{
  code: [timer, "("],
  applies: (path) =>
    path.startsWith("src/") && !path.startsWith("src/api/") ||
    path === "mod.ts",
  instead: "the poller's timers",
}, {
  code: [timer, "("],
  applies: (path) => isTest(path) && !TIME_KEEPERS.includes(path),
  instead: "until() and within() of tests/support/wait.ts",
}]);

const BANS: readonly Ban[] = [
  ...timers,
  {
    code: ["Math", ".", "random"],
    applies: () => true,
    instead: "crypto.getRandomValues, or seededRandom() in tests",
  },
  {
    code: ["Date", ".", "now"],
    applies: isLibrary,
    instead: "the clock that is passed in (monotonicMs)",
  },
  {
    code: ["performance", ".", "now"],
    applies: isAboveFfi,
    instead: "the clock that is passed in: this one differs per Worker",
  },
  {
    code: ["Atomics", "."],
    applies: (path) => isLibrary(path) && path !== SHARED_ACCESS,
    instead: SHARED_ACCESS,
  },
  {
    code: ["console", "."],
    applies: isLibrary,
    instead: "an error, or an event of the monitor",
  },
  {
    code: ["afterEach", "("],
    applies: isTest,
    instead: "after in a describe, t.after or try/finally: " +
      "Deno 2.9.6 loses what afterEach throws",
  },
  ...["skip", "todo", "only"].map((word): Ban => ({
    code: [".", word, "("],
    applies: isTest,
    instead: "testUnless() of tests/support/skip.ts, which gives a reason",
  })),
];

/** Calls that have a better place or a better replacement. */
export function bannedCallsAreAbsent(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources()) {
    const code = project.code(path);
    const bans = BANS.filter((ban) => ban.applies(path));
    for (const [index, token] of code.entries()) {
      const isCode = token.kind === "word" || token.kind === "punctuator";
      if (!isCode) continue;
      for (const ban of bans) {
        if (ban.code.every((text, at) => code[index + at]?.text === text)) {
          const call = ban.code.join("");
          breaches.push(`${path}:${token.line}: ${call}: use ${ban.instead}`);
        }
      }
    }
  }
  return breaches;
}

/**
 * `after` outside of a describe: Deno 2.9.6 loses what it throws. (Told by the
 * line's indentation, which deno fmt keeps.)
 */
export function rootHooksAreAbsent(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources(isTest)) {
    for (const [index, line] of project.text(path).split("\n").entries()) {
      if (/^after\(/.test(line)) {
        breaches.push(
          `${path}:${index + 1}: after() outside of a describe: put it into ` +
            `one, or use t.after (Deno 2.9.6 loses what it throws)`,
        );
      }
    }
  }
  return breaches;
}

/** Workers and children that a test starts by the bare name of their file. */
function startedFrom(project: Project, path: string): string[] {
  if (!path.startsWith("tests/")) return [];
  return project.code(path)
    .filter(({ kind, text }) => kind === "string" && /^\w+\.ts$/.test(text))
    .flatMap(({ text }) => [
      `tests/support/workers/${text}`,
      `tests/support/children/${text}`,
    ]);
}

/** Every file of the library and of the tests' support is used. */
export function filesAreReachable(project: Project): string[] {
  const roots = project.sources((path) =>
    path === "mod.ts" || path === "src/io_thread_entry.ts" ||
    path === "src/poller_entry.ts" ||
    path === "src/event_loop/event_loop_worker.ts" ||
    path === "src/shm_entry.ts" || path === "src/shm/wait_worker.ts" ||
    path.endsWith("_test.ts") || path.startsWith("bench/") ||
    path.startsWith("tests/") && path.includes("/fixtures/") ||
    /^tests\/[^/]+\.ts$/.test(path)
  );
  const seen = new Set(roots);
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const named = project.references(path).map(({ specifier }) => specifier);
    for (const file of [...named, ...startedFrom(project, path)]) {
      if (!seen.has(file) && project.files.has(file)) {
        seen.add(file);
        queue.push(file);
      }
    }
  }
  return project.sources((path) => !seen.has(path))
    .map((path) => `${path}: not reachable from mod.ts, a worker or a test`);
}

/** The version in the code is the one in deno.json. */
export function versionsAgree(project: Project): string[] {
  const declared = (JSON.parse(project.text("deno.json")) as {
    version?: string;
  }).version;
  const found: string[] = [];
  const breaches: string[] = [];
  for (
    const path of project.sources((name) =>
      name === "mod.ts" || name.startsWith("src/")
    )
  ) {
    const code = project.code(path);
    for (const [index, { text, line }] of code.entries()) {
      const isVersion = text === "const" &&
        code[index - 1]?.text === "export" &&
        /^version$/i.test(code[index + 1]?.text ?? "");
      if (!isVersion) continue;
      const value = code.slice(index, index + 6)
        .find((token) => token.kind === "string");
      if (value === undefined) continue;
      found.push(value.text);
      if (value.text !== declared) {
        breaches.push(
          `${path}:${line}: version ${value.text}, deno.json has ${declared}`,
        );
      }
    }
  }
  if (found.length === 0) breaches.push("no version constant in mod.ts or src");
  return breaches;
}

/** Each tool is named with one version everywhere. */
export function toolVersionsAgree(project: Project): string[] {
  const first = new Map<string, string>();
  const breaches: string[] = [];
  for (const [path, text] of project.files) {
    for (const match of text.matchAll(/\b(deno|bun)@(\d[\w.]*\w)/g)) {
      const [, tool, version] = match as unknown as [string, string, string];
      const expected = first.get(tool) ?? version;
      first.set(tool, expected);
      if (version !== expected) {
        breaches.push(`${path}: ${tool}@${version}, elsewhere @${expected}`);
      }
    }
  }
  return breaches;
}

/** Places that stand in paths of every machine and tell nothing about one. */
const COMMON_FOLDERS = ["/", "/tmp/", "/home/", "/root/", "/usr/", "/opt/"];

/** No file names a folder of one machine or the host of a registry. */
export function machineIsNotNamed(parentFolder: string): Rule {
  // Put together here, so that this file does not name them.
  const texts = ["/wo" + "rk/", "registry." + "npm", '"resolved"' + ":"];
  if (!COMMON_FOLDERS.includes(parentFolder)) texts.push(parentFolder);
  return (project) => {
    const breaches: string[] = [];
    for (const [path, content] of project.files) {
      for (const text of texts) {
        const at = content.indexOf(text);
        if (at === -1 || /[\w.]/.test(content[at - 1] ?? "")) continue;
        const line = content.slice(0, at).split("\n").length;
        breaches.push(`${path}:${line}: names ${text}`);
      }
    }
    return breaches;
  };
}

const VAGUE = ["index", "utils", "util", "helpers", "helper", "types", "misc"];

/** File names are snake_case and say what is in the file. */
export function fileNamesAreClear(project: Project): string[] {
  const breaches: string[] = [];
  for (const path of project.sources()) {
    const name = path.slice(path.lastIndexOf("/") + 1, -".ts".length);
    if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) {
      breaches.push(`${path}: not snake_case`);
    } else if (VAGUE.includes(name)) {
      breaches.push(`${path}: name it after what is in it`);
    }
  }
  return breaches;
}
