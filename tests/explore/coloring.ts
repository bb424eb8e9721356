// Which functions may come to a scheduling point: those that call the layer,
// and all that call them, transitively.
import ts from "npm:typescript@5.9.3";
import { isExplored, LAYER, pathOf } from "./sources.ts";

/** A function with a body in an explored file. */
export type Body =
  | ts.FunctionDeclaration
  | ts.FunctionExpression
  | ts.ArrowFunction
  | ts.MethodDeclaration
  | ts.GetAccessorDeclaration
  | ts.ConstructorDeclaration;

/** What a call, a `new` or a property access may run. */
export type Target =
  /** A function of the layer. */
  | { readonly kind: "layer"; readonly name: string }
  /** One of these functions, or something unknown as well. */
  | {
    readonly kind: "explored";
    readonly bodies: readonly Body[];
    readonly unknown: boolean;
  }
  /** Built in, or a test's own: it runs no transformed code but callbacks. */
  | { readonly kind: "foreign"; readonly name: string };

/** Plain accesses of the layer; all others are scheduling points. */
export const PLAIN: ReadonlySet<string> = new Set([
  "get",
  "put",
  "tally",
]);

/** What a function's own code may run; functions by their file, place and name. */
interface Reach {
  /** It comes to a scheduling point, or to what nobody knows. */
  readonly certain: boolean;
  readonly functions: ReadonlySet<string>;
}

/** What the functions of a file reach, while no file gets or loses any. */
interface KnownFile {
  readonly shape: string;
  readonly reached: ReadonlyMap<string, Reach>;
}

/** By the file as it was parsed: most mistakes leave all files but one alone. */
const knownFiles: WeakMap<ts.SourceFile, KnownFile> = new WeakMap();

export class Coloring {
  readonly #checker: ts.TypeChecker;
  readonly #bodies: Body[] = [];
  readonly #keys: Map<ts.Node, string> = new Map();
  readonly #methods: Map<string, Body[]> = new Map();
  readonly #getters: Map<string, Body[]> = new Map();
  readonly #yielding: Set<ts.Node> = new Set();

  constructor(program: ts.Program) {
    this.#checker = program.getTypeChecker();
    const files = program.getSourceFiles().filter((file) =>
      isExplored(pathOf(file)) && pathOf(file) !== LAYER
    );
    for (const file of files) {
      const first = this.#bodies.length;
      this.#collect(file);
      this.#bodies.slice(first).forEach((body, n) =>
        this.#keys.set(body, `${pathOf(file)} ${n} ${nameOf(body)}`)
      );
    }
    this.#spread(files);
  }

  get checker(): ts.TypeChecker {
    return this.#checker;
  }

  /** What becomes of all functions, in order. */
  get colors(): string {
    return this.#bodies.map((body) =>
      `${body.name?.getText() ?? ""}${this.yields(body) ? "*" : ""}`
    ).join();
  }

  /** Whether a function becomes a generator. */
  yields(body: ts.Node | undefined): boolean {
    return body !== undefined && this.#yielding.has(body);
  }

  /** Whether a call may come to a scheduling point. */
  mayYield(target: Target): boolean {
    switch (target.kind) {
      case "layer":
        return !PLAIN.has(target.name);
      case "explored":
        return target.unknown ||
          target.bodies.some((body) => this.yields(body));
      case "foreign":
        return false;
    }
  }

  /** Whether a getter of this name may come to a scheduling point. */
  getterYields(name: string): boolean {
    return (this.#getters.get(name) ?? []).some((body) => this.yields(body));
  }

  /** What a call runs. */
  targetOf(call: ts.CallExpression): Target {
    const callee = call.expression;
    const declaration = this.#checker.getResolvedSignature(call)?.declaration;
    const name = calleeName(callee);
    if (callee.kind === ts.SyntaxKind.SuperKeyword) {
      return { kind: "foreign", name: "super" };
    }
    if (declaration !== undefined) {
      const path = pathOf(declaration.getSourceFile());
      if (path === LAYER) return { kind: "layer", name };
      if (isBuiltIn(path)) return { kind: "foreign", name };
      if (isBody(declaration) && isExplored(path)) {
        return ts.isPropertyAccessExpression(callee) &&
            !ts.isPrivateIdentifier(callee.name)
          ? this.#named(name, declaration)
          : { kind: "explored", bodies: [declaration], unknown: false };
      }
      if (
        ts.isMethodSignature(declaration) || ts.isMethodDeclaration(declaration)
      ) {
        return this.#named(name);
      }
      if (path === "tests/explore/runtime.ts") {
        return { kind: "explored", bodies: [], unknown: true };
      }
      if (ts.isFunctionDeclaration(declaration)) {
        return { kind: "foreign", name };
      }
    }
    // A value of a function's type: anybody's.
    return { kind: "explored", bodies: [], unknown: true };
  }

  /** Whether a call or `new` runs what is not explored. */
  isForeign(node: ts.CallExpression | ts.NewExpression): boolean {
    if (ts.isCallExpression(node)) {
      return this.targetOf(node).kind === "foreign";
    }
    const declaration = this.#symbol(node.expression)?.declarations?.[0];
    return declaration === undefined ||
      isBuiltIn(pathOf(declaration.getSourceFile()));
  }

  /** The constructor that a `new` runs, if it is explored. */
  constructorOf(node: ts.NewExpression): ts.ConstructorDeclaration | undefined {
    const symbol = this.#symbol(node.expression);
    const declaration = symbol?.declarations?.[0];
    if (declaration === undefined || !ts.isClassDeclaration(declaration)) {
      return undefined;
    }
    return declaration.members.find((member) =>
      ts.isConstructorDeclaration(member) && member.body !== undefined
    ) as ts.ConstructorDeclaration | undefined;
  }

  /** Whether an expression is a typed array, and of which type. */
  arrayType(node: ts.Expression): "Uint8Array" | "Int32Array" | null {
    const type = this.#checker.getTypeAtLocation(node);
    const name = this.#checker.getNonNullableType(type).getSymbol()?.name;
    return name === "Uint8Array" || name === "Int32Array" ? name : null;
  }

  #named(name: string, declared?: Body): Target {
    const bodies = [...(this.#methods.get(name) ?? [])];
    if (declared !== undefined) bodies.push(declared);
    return { kind: "explored", bodies, unknown: false };
  }

  #symbol(node: ts.Node): ts.Symbol | undefined {
    const symbol = this.#checker.getSymbolAtLocation(node);
    return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
      ? this.#checker.getAliasedSymbol(symbol)
      : symbol;
  }

  #collect(node: ts.Node): void {
    if (isBody(node)) {
      this.#bodies.push(node);
      const name = node.name !== undefined ? node.name.getText() : "";
      if (ts.isMethodDeclaration(node)) add(this.#methods, name, node);
      if (ts.isGetAccessorDeclaration(node)) add(this.#getters, name, node);
      if (
        ts.isPropertyAssignment(node.parent) ||
        ts.isPropertyDeclaration(node.parent)
      ) add(this.#methods, node.parent.name.getText(), node);
    }
    ts.forEachChild(node, (child) => this.#collect(child));
  }

  /** To a fixed point: who calls what yields, yields. */
  #spread(files: readonly ts.SourceFile[]): void {
    const shape = [...this.#keys.values()].join();
    const waiting = new Map<string, Reach>();
    for (const file of files) {
      for (const [key, reach] of this.#reachedIn(file, shape)) {
        waiting.set(key, reach);
      }
    }
    const yielding = new Set<string>();
    for (let before = -1; before < yielding.size;) {
      before = yielding.size;
      for (const [key, { certain, functions }] of waiting) {
        if (!certain && functions.isDisjointFrom(yielding)) continue;
        yielding.add(key);
        waiting.delete(key);
      }
    }
    for (const [body, key] of this.#keys) {
      if (yielding.has(key)) this.#yielding.add(body);
    }
  }

  #reachedIn(
    file: ts.SourceFile,
    shape: string,
  ): ReadonlyMap<string, Reach> {
    const known = knownFiles.get(file);
    if (known?.shape === shape) return known.reached;
    const reached = new Map<string, Reach>();
    for (const [body, key] of this.#keys) {
      if (body.getSourceFile() === file) {
        reached.set(key, this.#reached(body as Body));
      }
    }
    knownFiles.set(file, { shape, reached });
    return reached;
  }

  #reached(body: Body): Reach {
    let certain = false;
    const functions = new Set<string>();
    const add = (bodies: readonly (ts.Node | undefined)[] = []): void => {
      for (const each of bodies) {
        const key = each && this.#keys.get(each);
        if (key !== undefined) functions.add(key);
      }
    };
    const visit = (node: ts.Node): void => {
      if (isBody(node)) return;
      if (ts.isCallExpression(node)) {
        const target = this.targetOf(node);
        if (target.kind === "explored") {
          certain ||= target.unknown;
          add(target.bodies);
        } else if (target.kind === "layer") certain ||= this.mayYield(target);
        else add(node.arguments);
      } else if (ts.isNewExpression(node)) add([this.constructorOf(node)]);
      else if (ts.isPropertyAccessExpression(node)) {
        add(this.#getters.get(node.name.getText()));
      } else if (ts.isBindingElement(node)) {
        add(this.#getters.get((node.propertyName ?? node.name).getText()));
      }
      ts.forEachChild(node, visit);
    };
    for (const parameter of body.parameters) visit(parameter);
    if (body.body !== undefined) visit(body.body);
    return { certain, functions };
  }
}

/** What it is called, itself or by the property that holds it. */
function nameOf({ name, parent }: Body): string {
  const property = ts.isPropertyAssignment(parent) ||
      ts.isPropertyDeclaration(parent)
    ? parent.name.getText()
    : "";
  return `${name?.getText() ?? ""} ${property}`;
}

/** The last name of what is called. */
export function calleeName(callee: ts.Expression): string {
  if (ts.isPropertyAccessExpression(callee)) return callee.name.getText();
  return ts.isIdentifier(callee) ? callee.text : "";
}

export function isBody(node: ts.Node): node is Body {
  return (ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) || ts.isMethodDeclaration(node) ||
    ts.isGetAccessorDeclaration(node) || ts.isConstructorDeclaration(node)) &&
    node.body !== undefined;
}

function isBuiltIn(path: string): boolean {
  return /\/lib\.[\w.]+\.d\.ts$/.test(path) || path === "globals.d.ts";
}

function add(map: Map<string, Body[]>, name: string, body: Body): void {
  const bodies = map.get(name);
  if (bodies === undefined) map.set(name, [body]);
  else bodies.push(body);
}
