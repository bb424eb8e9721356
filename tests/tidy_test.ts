// The repository's own rules, applied to it; and each rule applied to a small
// project that breaks it, since a rule that cannot fail checks nothing.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { functionSizes } from "./support/function_sizes.ts";
import { LAYERS } from "./support/layers.ts";
import { references } from "./support/module_references.ts";
import { Project, readRepository, REPOSITORY } from "./support/project.ts";
import { testUnless } from "./support/skip.ts";
import { tokenize } from "./support/source_text.ts";
import {
  bannedCallsAreAbsent,
  ffiHasOneDoor,
  fileNamesAreClear,
  filesAreReachable,
  filesAreShort,
  functionsAreShort,
  importsHaveNoCycle,
  layersAreKept,
  machineIsNotNamed,
  onlyFfiNamesTheRuntime,
  ratchet,
  rootHooksAreAbsent,
  type Rule,
  sourcesHaveAHeader,
  toolVersionsAgree,
  versionsAgree,
} from "./support/tidy_rules.ts";

const repository = readRepository();
const parentFolder = `${dirname(REPOSITORY.replace(/\/$/, ""))}/`;
const noLibrary = repository.files.has("mod.ts")
  ? null
  : "there is no mod.ts yet";

describe("the repository", () => {
  const rules: Record<string, Rule> = {
    "keeps its layers": layersAreKept,
    "has one door to ffi": ffiHasOneDoor,
    "has no cycle of imports": importsHaveNoCycle,
    "names Deno and Bun in ffi only": onlyFfiNamesTheRuntime,
    "has a header in each source": sourcesHaveAHeader,
    "has no long file": filesAreShort,
    "has no long function": functionsAreShort,
    "makes no banned call": bannedCallsAreAbsent,
    "has no hook whose errors get lost": rootHooksAreAbsent,
    "names each tool with one version": toolVersionsAgree,
    "does not name the machine it was written on": machineIsNotNamed(
      parentFolder,
    ),
    "has clear file names": fileNamesAreClear,
  };
  for (const [name, rule] of Object.entries(rules)) {
    test(name, () => assertClean(rule));
  }
  testUnless(noLibrary, "uses every file", () => {
    assertClean(filesAreReachable);
  });
  testUnless(noLibrary, "has one version", () => assertClean(versionsAgree));
});

function assertClean(rule: Rule): void {
  const breaches = rule(repository);
  assert.equal(breaches.length, 0, `\n${breaches.join("\n")}`);
}

/** Asserts that `rule` finds exactly these breaches in a made-up project. */
function assertFinds(
  rule: Rule,
  files: Record<string, string>,
  ...breaches: RegExp[]
): void {
  const found = rule(new Project(files));
  assert.equal(found.length, breaches.length, `found: ${found.join("\n")}`);
  for (const [index, breach] of breaches.entries()) {
    assert.match(found[index] ?? "", breach);
  }
}

describe("a rule finds what breaks it:", () => {
  test("layers", () => {
    assertFinds(
      layersAreKept,
      {
        "src/base/a.ts": `
          import type { B } from "../memory/b.ts"; // upwards, a type
          import c from "./c.ts";
          import "npm:left-pad";`,
        "src/core/d.ts": `
          export * from "../base/a.ts";
          const e = await import("../api/e.ts");
          import { x } from "../../tests/x.ts";
          import { fs } from "node:fs";`,
        "src/zmtp/z.ts": `type P = import("../poller/p.ts").P;`,
        "src/new/n.ts": "",
      },
      /^src\/base\/a\.ts:2: src\/base imports src\/memory\/b\.ts$/,
      /^src\/base\/a\.ts:4: imports npm:left-pad$/,
      /^src\/core\/d\.ts:3: src\/core imports src\/api\/e\.ts$/,
      /^src\/core\/d\.ts:4: imports tests\/x\.ts, of no layer$/,
      /^src\/core\/d\.ts:5: imports node:fs$/,
      /^src\/new\/n\.ts: belongs to no layer/,
      /^src\/zmtp\/z\.ts:1: src\/zmtp imports src\/poller\/p\.ts$/,
    );
  });

  test("the table of layers goes downwards only", () => {
    const paths = LAYERS.map((layer) => layer.path);
    for (const [index, { path, mayImport }] of LAYERS.entries()) {
      for (const below of mayImport) {
        const at = paths.indexOf(below);
        assert.ok(at !== -1 && at < index, `${path} may import ${below}`);
      }
    }
  });

  test("the door of ffi", () => {
    assertFinds(
      ffiHasOneDoor,
      {
        "src/core/a.ts": `
          import { closeFd } from "../../ffi/mod.ts";
          import { libc } from "../../ffi/libc.ts";`,
        "ffi/mod.ts": `export * from "./libc.ts";`,
      },
      /^src\/core\/a\.ts:3: imports ffi\/libc\.ts/,
    );
  });

  test("cycles, of types too", () => {
    assertFinds(
      importsHaveNoCycle,
      {
        "src/core/a.ts": `import { b } from "./b.ts";`,
        "src/core/b.ts": `export { c } from "./c.ts";`,
        "src/core/c.ts": `import type { A } from "./a.ts";`,
        "src/core/d.ts": `// import "./d.ts"
          const text = 'import "./d.ts"';`,
      },
      /^cycle: src\/core\/a\.ts -> src\/core\/b\.ts -> .*c\.ts -> .*a\.ts$/,
    );
  });

  test("names of the runtime", () => {
    assertFinds(
      onlyFfiNamesTheRuntime,
      {
        "src/core/a.ts": `// Deno and Bun in a comment
          const s = "Deno" + \`Bun \${globalThis.Deno}\`;
          import "node:worker_threads";
          import { ptr } from "bun:ffi";
          const DenoLike = 1;`,
        "ffi/host.ts": `Deno.build; import "bun:ffi";`,
        "tests/a_test.ts": "Deno.build;",
      },
      /a\.ts:2: Deno belongs/,
      /a\.ts:3: node:worker_threads belongs/,
      /a\.ts:4: bun:ffi belongs/,
    );
  });

  test("headers", () => {
    const good = "// libzmq: pipe.{hpp,cpp} · runs on: any · RFC: –\n";
    assertFinds(
      sourcesHaveAHeader,
      {
        "src/core/a.ts": good,
        "src/core/b.ts": `\n${good}`,
        "src/core/c.ts": good.replace("any", "somewhere"),
        "ffi/d.ts": "",
      },
      /^src\/core\/b\.ts:1/,
      /^src\/core\/c\.ts:1/,
    );
  });

  test("sizes of files", () => {
    assertFinds(
      filesAreShort,
      { "src/a.ts": "x\n".repeat(800), "tests/b.ts": "x\n".repeat(801) },
      /^tests\/b\.ts: 801 lines, at most 800$/,
    );
  });

  test("sizes of functions", () => {
    const lines = (count: number): string => "x();\n".repeat(count);
    assertFinds(
      functionsAreShort,
      {
        "src/a.ts": `function fits(): void {\n${lines(68)}}`,
        "src/b.ts": `class C { long<T extends X>(a: () => void): { a: T } {
          ${lines(70)}} }`,
        "src/c.ts": `const f = (x: number): X => {\n${lines(69)}};`,
        "tests/d_test.ts": `describe("all", () => {\n${lines(99)}});
          if (yes) {\n${lines(99)}}`,
      },
      /^src\/b\.ts long: 72 lines, at most 70$/,
      /^src\/c\.ts arrow function: 71 lines, at most 70$/,
    );
  });

  test("the ratchet, both ways", () => {
    const sizes = new Map([["grew", 12], ["shrank", 11], ["same", 12]]);
    const allowed = { grew: 11, shrank: 12, same: 12, gone: 13 };
    assert.deepEqual(ratchet(sizes, 10, allowed), [
      "grew: 12 lines, at most 11",
      "shrank: the ratchet says 12, it has 11 lines",
      "gone: the ratchet says 13, it has 0 lines",
    ]);
  });

  test("banned calls", () => {
    assertFinds(
      bannedCallsAreAbsent,
      {
        "ffi/a.ts": "setTimeout(f, 1); Date.now();",
        "src/api/b.ts": "setTimeout(f, 1); console.log(1); // Math.random()",
        "src/core/c.ts": `Math.random(); setInterval(f, 1); Atomics.load(a, 0);
          performance.now(); const s = "console.log()";`,
        "src/memory/shared_access.ts": "Atomics.load(a, 0);",
        "tests/d_test.ts": `setTimeout(f, 1); it.skip("x", f); t.todo();
          afterEach(f); const text = "it.only(";`,
        "tests/support/wait.ts": "setTimeout(f, 1);",
      },
      /^ffi\/a\.ts:1: Date\.now/,
      /^src\/api\/b\.ts:1: console\./,
      /^src\/core\/c\.ts:1: Math\.random/,
      /^src\/core\/c\.ts:1: setInterval/,
      /^src\/core\/c\.ts:1: Atomics\./,
      /^src\/core\/c\.ts:2: performance\.now/,
      /^tests\/d_test\.ts:1: setTimeout/,
      /^tests\/d_test\.ts:1: \.skip/,
      /^tests\/d_test\.ts:1: \.todo/,
      /^tests\/d_test\.ts:2: afterEach/,
    );
  });

  test("root hooks", () => {
    assertFinds(
      rootHooksAreAbsent,
      {
        "tests/a_test.ts":
          `describe("x", () => {\n  after(f);\n});\nafter(g);\n`,
      },
      /^tests\/a_test\.ts:4: after\(\) outside/,
    );
  });

  test("files that nothing uses", () => {
    assertFinds(
      filesAreReachable,
      {
        "mod.ts": `export * from "./src/api/a.ts";`,
        "src/api/a.ts": `new URL("../worker.ts", import.meta.url);`,
        "src/worker.ts": "",
        "src/orphan.ts": `import "./api/a.ts";`,
        "tests/support/tested.ts": "",
        "tests/a_test.ts": `import "./support/tested.ts";`,
        "tests/support/orphan.ts": `// "./tested.ts"`,
      },
      /^src\/orphan\.ts: not reachable/,
      /^tests\/support\/orphan\.ts: not reachable/,
    );
  });

  test("versions", () => {
    const config = `{ "version": "1.2.3" }`;
    const source = (version: string): string =>
      `export const version: string = "${version}";`;
    assertFinds(versionsAgree, {
      "deno.json": config,
      "mod.ts": source("1.2.3"),
    });
    assertFinds(
      versionsAgree,
      { "deno.json": config, "src/api/version.ts": source("1.2.4") },
      /^src\/api\/version\.ts:1: version 1\.2\.4, deno\.json has 1\.2\.3$/,
    );
    assertFinds(
      versionsAgree,
      { "deno.json": config, "mod.ts": "" },
      /^no version constant/,
    );
  });

  test("versions of tools", () => {
    const call = (version: string): string => `npx -y bun@${version} test`;
    assertFinds(
      toolVersionsAgree,
      { "a.md": call("1.2.3"), "b.md": call("1.2.3."), "c": call("1.2.4") },
      /^c: bun@1\.2\.4, elsewhere @1\.2\.3$/,
    );
  });

  test("names of machines", () => {
    assertFinds(
      machineIsNotNamed("/home/someone/projects/"),
      {
        "a.md": "see /home/someone/projects/main/x",
        "b.json": `{ "resolved${'"'}: "x" }`,
        "c.md": "\n/wor" + "k/main, not net/wor" + "k/x",
        "d.md": "/home/ and net/wor" + "k/x",
      },
      /^a\.md:1: names/,
      /^b\.json:1: names/,
      /^c\.md:2: names/,
    );
    assertFinds(machineIsNotNamed("/tmp/"), { "a.ts": `"/tmp/"` });
  });

  test("file names", () => {
    assertFinds(
      fileNamesAreClear,
      { "src/camelCase.ts": "", "src/utils.ts": "", "src/ok_1.ts": "" },
      /^src\/camelCase\.ts: not snake_case$/,
      /^src\/utils\.ts: name it after/,
    );
  });
});

describe("the tokenizer", () => {
  const kinds = (source: string): string[] =>
    tokenize(source).map(({ kind, text }) => `${kind} ${text}`);

  test("knows regular expressions from divisions", () => {
    assert.deepEqual(kinds(`a / b / c; x = /["/]/g; f(/'/)`), [
      "word a",
      "punctuator /",
      "word b",
      "punctuator /",
      "word c",
      "punctuator ;",
      "word x",
      "punctuator =",
      'regexp /["/]/g',
      "punctuator ;",
      "word f",
      "punctuator (",
      "regexp /'/",
      "punctuator )",
    ]);
  });

  test("reads nested templates", () => {
    assert.deepEqual(kinds("`a ${ { b: `c ${d}` } } // e` // f"), [
      "template a ",
      "punctuator {",
      "word b",
      "punctuator :",
      "template c ",
      "word d",
      "template ",
      "punctuator }",
      "template  // e",
      "comment // f",
    ]);
  });

  test("counts lines through comments and templates", () => {
    const last = tokenize("/* \n */ `\n${\n1}\n` 'a\\\n' end").at(-1);
    assert.deepEqual(last, { kind: "word", text: "end", line: 6 });
  });

  test("finds every form of import", () => {
    const source = `import a, { type b as c } from "./1.ts";
      import "./2.ts"; import type * as d from "./3.ts";
      export { e, f } from "./4.ts"; export type { g } from "./5.ts";
      export * as h from "./6.ts"; await import("./7.ts");
      export { i }; const from = "./not.md"; import.meta.url;
      export const j = "./8.ts";`;
    assert.deepEqual(
      references(tokenize(source)).map(({ specifier, kind }) =>
        `${kind} ${specifier}`
      ),
      [
        "import ./1.ts",
        "import ./2.ts",
        "import ./3.ts",
        "import ./4.ts",
        "import ./5.ts",
        "import ./6.ts",
        "import ./7.ts",
        "text ./8.ts",
      ],
    );
  });

  test("finds every form of function", () => {
    const source = `function a(): { x: number } | null { }
      async function* b<T>(): AsyncGenerator<T> { }
      class C { constructor() { } #d(): asserts x is { y: 1 } { } get e() { } }
      const o = { f(x: { y: 1 }): void { }, "g"() { }, h: () => { } };
      if (x) { } for (const i of j) { } x ? k(1) : { y: 2 }; switch (l) { }`;
    assert.deepEqual(
      functionSizes(tokenize(source)).map(({ name }) => name).sort(),
      ["#d", "a", "arrow function", "b", "constructor", "e", "f", "g"].sort(),
    );
  });
});
