// Copies the sources, with the calls of the shared-access layer as they are, or
// with what they do put in their place.

import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "npm:typescript@5.9.3";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["deno.json", "mod.ts", "src", "ffi", "bench", "tests/support"];
const INLINED = ["src/memory", "src/core"];
const LAYER = "shared_access.ts";

/** What is a call of `Atomics` with the same arguments. */
const ATOMIC: Readonly<Record<string, string>> = {
  load: "load",
  store: "store",
  add: "add",
  or: "or",
  and: "and",
  exchange: "exchange",
  compareExchange: "compareExchange",
  wait: "wait",
  notifyAll: "notify",
};

/** Copies the sources into a folder; how many calls were replaced. */
export function copySources(folder: string, inlined: boolean): number {
  mkdirSync(join(folder, "tests"), { recursive: true });
  for (const name of COPIED) {
    cpSync(join(REPOSITORY, name), join(folder, name), { recursive: true });
  }
  if (!inlined) return 0;
  let count = 0;
  for (const name of INLINED) {
    for (const file of readdirSync(join(folder, name))) {
      if (!file.endsWith(".ts") || file === LAYER) continue;
      const path = join(folder, name, file);
      const result = inlineCalls(readFileSync(path, "utf8"), file);
      count += result.count;
      writeFileSync(path, result.text);
    }
  }
  return count;
}

/** A source without calls of the layer, but for `waitAsync`. */
export function inlineCalls(
  source: string,
  name: string,
): { text: string; count: number } {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const layer = namesOfLayer(file);
  let count = 0;
  const transformer: ts.TransformerFactory<ts.SourceFile> = (context) => {
    const visit = (node: ts.Node): ts.Node => {
      const inner = ts.visitEachChild(node, visit, context);
      if (!ts.isCallExpression(inner) || !ts.isIdentifier(inner.expression)) {
        return inner;
      }
      if (!layer.has(inner.expression.text)) return inner;
      const replaced = replacement(inner.expression.text, inner.arguments);
      if (replaced === null) return inner;
      count++;
      return replaced;
    };
    return (root) => ts.visitEachChild(root, visit, context);
  };
  const result = ts.transform(file, [transformer]);
  const [transformed] = result.transformed;
  const text = ts.createPrinter().printFile(transformed as ts.SourceFile);
  result.dispose();
  return { text, count };
}

/** What a source imports from the layer, types left aside. */
function namesOfLayer(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const from = statement.moduleSpecifier as ts.StringLiteral;
    const clause = statement.importClause;
    if (!from.text.endsWith(`/${LAYER}`) || clause?.isTypeOnly) continue;
    const bindings = clause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    for (const { name } of bindings.elements) names.add(name.text);
  }
  return names;
}

/** What a call of the layer does; null for one that stays. */
function replacement(
  name: string,
  args: readonly ts.Expression[],
): ts.Expression | null {
  const f = ts.factory;
  const [words, index, value] = args;
  if (words === undefined || index === undefined) return null;
  const atomic = ATOMIC[name];
  if (atomic !== undefined) {
    const method = f.createPropertyAccessExpression(
      f.createIdentifier("Atomics"),
      atomic,
    );
    return f.createCallExpression(method, undefined, args);
  }
  const element = f.createElementAccessExpression(words, index);
  if (name === "put" && value !== undefined) {
    return f.createParenthesizedExpression(f.createAssignment(element, value));
  }
  if (name !== "get" && name !== "glance") return null;
  const type = f.createKeywordTypeNode(ts.SyntaxKind.NumberKeyword);
  return f.createParenthesizedExpression(f.createAsExpression(element, type));
}
