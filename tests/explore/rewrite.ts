// Turns a source into one whose every atomic access is a scheduling point and
// whose every plain access to shared memory is checked.
import { pathToFileURL } from "node:url";
import ts from "npm:typescript@5.9.3";
import { capturedBy } from "./captures.ts";
import { type Body, type Coloring, isBody, PLAIN } from "./coloring.ts";
import { isExplored, LAYER, pathOf, REPOSITORY } from "./sources.ts";

const f = ts.factory;
const RUNTIME = new URL("./runtime.ts", import.meta.url).href;

/** Views of memory whose elements are not compared with others. */
const OTHER_VIEWS = new Set([
  "DataView",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
]);

/** Methods of typed arrays that touch no content. */
const VIEWS = new Set(["subarray"]);
const BULK = new Set(["fill", "set", "slice"]);
/** Built-in methods of arrays that runtime.ts has as generators. */
const ARRAY_METHODS = new Set([
  "forEach",
  "map",
  "some",
  "find",
  "findIndex",
  "filter",
]);

/** A file has fewer places than that where accesses are made. */
const FILE_SITES_MAX = 4096;

/** Where the numbers of a file begin, the same in all builds. */
const firstSites: Map<string, number> = new Map();

function firstSiteOf(path: string): number {
  let first = firstSites.get(path);
  if (first === undefined) {
    first = firstSites.size * FILE_SITES_MAX;
    firstSites.set(path, first);
  }
  return first;
}

/** Numbers the places of a file where accesses are made. */
export class Sites {
  /** The first one's number. */
  readonly first: number;
  /** What each is called, in their order. */
  readonly names: string[] = [];
  readonly #file: string;

  constructor(path: string) {
    this.first = firstSiteOf(path);
    this.#file = path.slice(path.lastIndexOf("/") + 1);
  }

  /** A further one, as its number. */
  add(node: ts.Node): ts.NumericLiteral {
    const file = node.getSourceFile();
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const place = this.names.length;
    if (place >= FILE_SITES_MAX) throw new Error("Too many sites");
    this.names.push(`${this.#file}:${line + 1} ${functionName(node)}`);
    return f.createNumericLiteral(this.first + place);
  }
}

/** The named function around a node. */
function functionName(node: ts.Node): string {
  let at: ts.Node | undefined = node.parent;
  while (at !== undefined) {
    if (isBody(at) && at.name !== undefined) return at.name.getText();
    if (ts.isConstructorDeclaration(at)) return "constructor";
    at = at.parent;
  }
  return "";
}

/** A transformer for `program.emit`. */
export function rewriter(
  coloring: Coloring,
  sites: Sites,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) =>
    new Rewriter(coloring, sites, context, file).run();
}

class Rewriter {
  readonly #coloring: Coloring;
  readonly #sites: Sites;
  readonly #context: ts.TransformationContext;
  readonly #file: ts.SourceFile;
  /** Whether accesses that pass the layer by end the build. */
  readonly #strict: boolean;
  #temporaries = 0;

  constructor(
    coloring: Coloring,
    sites: Sites,
    context: ts.TransformationContext,
    file: ts.SourceFile,
  ) {
    this.#coloring = coloring;
    this.#sites = sites;
    this.#context = context;
    this.#file = file;
    this.#strict = pathOf(file).startsWith("src/memory/") ||
      pathOf(file).startsWith("src/core/");
  }

  run(): ts.SourceFile {
    const body = ts.visitEachChild(this.#file, this.#visit, this.#context);
    const header = f.createImportDeclaration(
      undefined,
      f.createImportClause(
        false,
        undefined,
        f.createNamespaceImport(f.createIdentifier("$x")),
      ),
      f.createStringLiteral(RUNTIME),
    );
    return f.updateSourceFile(body, [header, ...body.statements]);
  }

  readonly #visit = (node: ts.Node): ts.Node | ts.Node[] | undefined => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      return this.#module(node);
    }
    if (ts.isIdentifier(node) && node.text === "Atomics") {
      this.#refuse(node, "Atomics past the layer");
    }
    if (ts.isIdentifier(node) && OTHER_VIEWS.has(node.text)) {
      this.#refuse(node, node.text);
    }
    if (ts.isPrivateIdentifier(node)) return this.#open(node);
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) {
      return this.#function(node);
    }
    if (isBody(node) && this.#coloring.yields(node)) {
      return this.#generator(node);
    }
    if (ts.isPropertyDeclaration(node)) this.#checkField(node);
    const rewritten = this.#rewritten(node);
    // After what is said of its parts, which is more exact.
    this.#checkWhole(node);
    return rewritten;
  };

  #rewritten(node: ts.Node): ts.Node | ts.Node[] | undefined {
    if (ts.isCallExpression(node)) return this.#call(node);
    if (ts.isNewExpression(node)) return this.#new(node);
    if (ts.isAwaitExpression(node)) return this.#await(node);
    if (ts.isBinaryExpression(node)) return this.#binary(node);
    if (ts.isElementAccessExpression(node)) return this.#element(node);
    if (ts.isVariableDeclarationList(node)) return this.#variables(node);
    if (ts.isPropertyAccessExpression(node)) return this.#property(node);
    if (
      (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
      ts.isElementAccessExpression(node.operand) &&
      this.#coloring.arrayType(node.operand.expression) !== null
    ) this.#refuse(node, "an element changed in place");
    return ts.visitEachChild(node, this.#visit, this.#context);
  }

  /** A private name as a public one: the state of objects is looked at. */
  #open(name: ts.PrivateIdentifier): ts.Identifier {
    return f.createIdentifier(openName(name));
  }

  #memberName(name: ts.PropertyName): ts.PropertyName {
    return ts.isPrivateIdentifier(name) ? this.#open(name) : name;
  }

  /** A function that can be asked for the variables around it. */
  #function(node: ts.ArrowFunction | ts.FunctionExpression): ts.Expression {
    const made =
      (this.#coloring.yields(node)
        ? this.#generator(node)
        : ts.visitEachChild(node, this.#visit, this.#context)) as ts.Expression;
    const names = capturedBy(node, this.#coloring.checker);
    return this.#runtimeCall(
      "keeps",
      this.#sites.add(node),
      made,
      f.createArrowFunction(
        undefined,
        undefined,
        [],
        undefined,
        undefined,
        f.createArrayLiteralExpression(
          names.map((name) =>
            name === "this" ? f.createThis() : f.createIdentifier(name)
          ),
        ),
      ),
    );
  }

  #expression(node: ts.Expression): ts.Expression {
    return ts.visitNode(node, this.#visit) as ts.Expression;
  }

  #arguments(call: ts.CallExpression | ts.NewExpression): ts.Expression[] {
    return (call.arguments ?? []).map((argument) => this.#expression(argument));
  }

  #refuse(node: ts.Node, what: string): never {
    const { line } = this.#file.getLineAndCharacterOfPosition(node.getStart());
    throw new Error(
      `${pathOf(this.#file)}:${line + 1}: ${what}: cannot be explored`,
    );
  }

  /** Imports of what is not transformed name the real file. */
  #module(
    node: ts.ImportDeclaration | ts.ExportDeclaration,
  ): ts.Node | undefined {
    const { moduleSpecifier } = node;
    if (
      moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier) ||
      !moduleSpecifier.text.startsWith(".")
    ) return node;
    const target = new URL(
      moduleSpecifier.text,
      pathToFileURL(this.#file.fileName),
    );
    const path = target.pathname.slice(REPOSITORY.length);
    if (path === LAYER) return undefined;
    if (isExplored(path)) return node;
    const specifier = f.createStringLiteral(
      path === "ffi/mod.ts"
        ? new URL("./no_system.ts", import.meta.url).href
        : target.href,
    );
    return ts.isImportDeclaration(node)
      ? f.updateImportDeclaration(
        node,
        node.modifiers,
        node.importClause,
        specifier,
        node.attributes,
      )
      : f.updateExportDeclaration(
        node,
        node.modifiers,
        node.isTypeOnly,
        node.exportClause,
        specifier,
        node.attributes,
      );
  }

  #runtime(name: string): ts.Expression {
    return f.createPropertyAccessExpression(f.createIdentifier("$x"), name);
  }

  #runtimeCall(name: string, ...values: ts.Expression[]): ts.Expression {
    return f.createCallExpression(this.#runtime(name), undefined, values);
  }

  /** `(yield value)`: of an access, or of a call that may come to one. */
  #yield(value: ts.Expression): ts.Expression {
    return f.createParenthesizedExpression(
      f.createYieldExpression(undefined, value),
    );
  }

  /** Runs what may or may not be a generator to its end. */
  #settle(value: ts.Expression): ts.Expression {
    const kept = f.createIdentifier("$t");
    return f.createParenthesizedExpression(f.createConditionalExpression(
      f.createBinaryExpression(
        f.createParenthesizedExpression(f.createAssignment(kept, value)),
        ts.SyntaxKind.InstanceOfKeyword,
        this.#runtime("G"),
      ),
      undefined,
      this.#yield(kept),
      undefined,
      kept,
    ));
  }

  #call(node: ts.CallExpression): ts.Expression {
    const target = this.#coloring.targetOf(node);
    const callee = node.expression;
    if (target.kind === "layer") {
      const call = this.#runtimeCall(
        target.name,
        this.#sites.add(node),
        ...this.#arguments(node),
      );
      return PLAIN.has(target.name) ? call : this.#yield(call);
    }
    if (target.kind === "foreign") return this.#foreign(node, target.name);
    const call = f.updateCallExpression(
      node,
      this.#callee(callee),
      undefined,
      this.#arguments(node),
    );
    if (!this.#coloring.mayYield(target)) return call;
    this.#checkPlace(node);
    return this.#settle(call);
  }

  /** What is called, without taking the method for a property that is read. */
  #callee(callee: ts.Expression): ts.Expression {
    if (!ts.isPropertyAccessExpression(callee)) return this.#expression(callee);
    const object = this.#expression(callee.expression);
    return callee.questionDotToken === undefined
      ? f.createPropertyAccessExpression(
        object,
        this.#memberName(callee.name) as ts.MemberName,
      )
      : f.createPropertyAccessChain(
        object,
        callee.questionDotToken,
        this.#memberName(callee.name) as ts.MemberName,
      );
  }

  #foreign(node: ts.CallExpression, name: string): ts.Expression {
    const callee = node.expression;
    const transformed = node.arguments.some((argument) =>
      isBody(argument) && this.#coloring.yields(argument)
    );
    if (ts.isPropertyAccessExpression(callee)) {
      const array = this.#coloring.arrayType(callee.expression);
      if (array !== null && BULK.has(name)) {
        return this.#runtimeCall(
          name,
          this.#sites.add(node),
          this.#expression(callee.expression),
          ...this.#arguments(node),
        );
      }
      if (array !== null && !VIEWS.has(name) && this.#strict) {
        this.#refuse(node, `${name}() of shared memory`);
      }
      if (transformed) return this.#withCallback(node, callee, name);
    } else if (transformed) {
      this.#refuse(node, `${name}() with a callback that accesses memory`);
    }
    return f.updateCallExpression(
      node,
      this.#callee(callee),
      undefined,
      this.#arguments(node),
    );
  }

  #withCallback(
    node: ts.CallExpression,
    callee: ts.PropertyAccessExpression,
    name: string,
  ): ts.Expression {
    const object = this.#expression(callee.expression);
    if (name === "then") {
      return this.#runtimeCall("then", object, ...this.#arguments(node));
    }
    if (!ARRAY_METHODS.has(name)) {
      this.#refuse(node, `${name}() with a callback that accesses memory`);
    }
    this.#checkPlace(node);
    const method = f.createPropertyAccessExpression(
      this.#runtime("arrays"),
      name,
    );
    return this.#yield(
      f.createCallExpression(method, undefined, [
        object,
        ...this.#arguments(node),
      ]),
    );
  }

  #new(node: ts.NewExpression): ts.Expression {
    const made = this.#coloring.constructorOf(node);
    const values = this.#arguments(node);
    if (made !== undefined && this.#coloring.yields(made)) {
      this.#checkPlace(node);
      const method = f.createPropertyAccessExpression(
        this.#expression(node.expression),
        "new$",
      );
      return this.#yield(
        f.createCallExpression(method, undefined, values),
      );
    }
    if (node.expression.getText() === "SharedArrayBuffer") {
      return this.#runtimeCall("sharedMemory", ...values);
    }
    const [first] = node.arguments ?? [];
    if (
      node.expression.getText() === "Uint8Array" && first !== undefined &&
      values.length === 1 && this.#coloring.arrayType(first) !== null
    ) return this.#runtimeCall("copyOf", this.#sites.add(node), ...values);
    return f.updateNewExpression(
      node,
      this.#expression(node.expression),
      undefined,
      values,
    );
  }

  #await(node: ts.AwaitExpression): ts.Expression {
    const body = this.#enclosing(node);
    const value = this.#expression(node.expression);
    return body !== undefined && this.#coloring.yields(body)
      ? this.#runtimeCall("awaited", value)
      : f.updateAwaitExpression(node, value);
  }

  #binary(node: ts.BinaryExpression): ts.Expression {
    const { left, right, operatorToken } = node;
    if (
      ts.isElementAccessExpression(left) &&
      this.#coloring.arrayType(left.expression) !== null &&
      operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
      operatorToken.kind <= ts.SyntaxKind.LastAssignment
    ) {
      if (operatorToken.kind !== ts.SyntaxKind.EqualsToken) {
        this.#refuse(node, "an element changed in place");
      }
      this.#checkElement(left);
      return this.#runtimeCall(
        "setAt",
        this.#sites.add(node),
        this.#expression(left.expression),
        this.#expression(left.argumentExpression),
        this.#expression(right),
      );
    }
    return ts.visitEachChild(node, this.#visit, this.#context) as ts.Expression;
  }

  #element(node: ts.ElementAccessExpression): ts.Expression {
    if (this.#coloring.arrayType(node.expression) === null) {
      return ts.visitEachChild(
        node,
        this.#visit,
        this.#context,
      ) as ts.Expression;
    }
    this.#checkElement(node);
    return this.#runtimeCall(
      "at",
      this.#sites.add(node),
      this.#expression(node.expression),
      this.#expression(node.argumentExpression),
    );
  }

  /** Words are the layer's; bytes are read and written where they lie. */
  #checkElement(node: ts.ElementAccessExpression): void {
    if (
      this.#strict && this.#coloring.arrayType(node.expression) === "Int32Array"
    ) this.#refuse(node, "a word past the layer");
  }

  /** `const { state } = control` reads a getter. */
  #variables(node: ts.VariableDeclarationList): ts.Node {
    const made: ts.VariableDeclaration[] = [];
    for (const declaration of node.declarations) {
      const { name, initializer } = declaration;
      this.#checkWhole(declaration);
      if (!ts.isObjectBindingPattern(name) || initializer === undefined) {
        made.push(
          ts.visitEachChild(declaration, this.#visit, this.#context),
        );
        continue;
      }
      const getters = name.elements.filter((element) =>
        this.#coloring.getterYields(
          (element.propertyName ?? element.name).getText(),
        )
      );
      if (getters.length === 0) {
        made.push(
          ts.visitEachChild(declaration, this.#visit, this.#context),
        );
        continue;
      }
      const object = f.createIdentifier(`$o${this.#temporaries++}`);
      made.push(
        f.createVariableDeclaration(
          object,
          undefined,
          undefined,
          this.#expression(initializer),
        ),
        f.createVariableDeclaration(
          f.createObjectBindingPattern(
            name.elements.filter((element) => !getters.includes(element)),
          ),
          undefined,
          undefined,
          object,
        ),
      );
      for (const element of getters) {
        made.push(f.createVariableDeclaration(
          element.name,
          undefined,
          undefined,
          this.#settle(this.#runtimeCall(
            "read",
            object,
            f.createStringLiteral(
              (element.propertyName ?? element.name).getText(),
            ),
          )),
        ));
      }
    }
    return f.createVariableDeclarationList(made, node.flags);
  }

  #property(node: ts.PropertyAccessExpression): ts.Expression {
    const name = node.name.getText();
    const plain = ts.visitEachChild(node, this.#visit, this.#context);
    if (!this.#coloring.getterYields(name)) return plain;
    if (isAssigned(node)) return plain;
    this.#checkPlace(node);
    const object = this.#expression(node.expression);
    if (ts.isPrivateIdentifier(node.name)) {
      const getter = `get$${openName(node.name)}`;
      return this.#yield(
        f.createCallExpression(
          f.createPropertyAccessExpression(object, getter),
          undefined,
          [],
        ),
      );
    }
    return this.#settle(
      this.#runtimeCall("read", object, f.createStringLiteral(name)),
    );
  }

  /** The function that a node's code belongs to. */
  #enclosing(node: ts.Node): Body | undefined {
    let at: ts.Node | undefined = node.parent;
    while (at !== undefined && !isBody(at)) at = at.parent;
    return at;
  }

  /** A scheduling point must be in a function that yields. */
  #checkPlace(node: ts.Node): void {
    if (!this.#coloring.yields(this.#enclosing(node))) {
      this.#refuse(node, "an access outside of a function");
    }
    const { parent } = node;
    const chained = (node.flags & ts.NodeFlags.OptionalChain) !== 0 &&
      ((ts.isPropertyAccessExpression(parent) && parent.expression === node) ||
        (ts.isCallExpression(parent) && parent.expression === node));
    if (chained) this.#refuse(node, "an access in the midst of a chain");
  }

  /** Words that are read without naming one. */
  #checkWhole(node: ts.Node): void {
    if (!this.#strict) return;
    const areWords = (taken: ts.Expression): boolean =>
      this.#coloring.arrayType(taken) === "Int32Array";
    const isExplored =
      (ts.isCallExpression(node) || ts.isNewExpression(node)) &&
      !this.#coloring.isForeign(node);
    if (!isExplored && takenWhole(node).some(areWords)) {
      this.#refuse(node, "words taken as a whole");
    }
  }

  #checkField(node: ts.PropertyDeclaration): void {
    const visit = (child: ts.Node): void => {
      if (isBody(child)) return;
      const accesses = ts.isCallExpression(child)
        ? this.#coloring.mayYield(this.#coloring.targetOf(child))
        : ts.isNewExpression(child) &&
          this.#coloring.yields(this.#coloring.constructorOf(child));
      if (accesses) this.#refuse(child, "an access in a field's initial value");
      ts.forEachChild(child, visit);
    };
    if (node.initializer !== undefined) visit(node.initializer);
  }

  #generator(node: Body): ts.Node | ts.Node[] {
    const star = f.createToken(ts.SyntaxKind.AsteriskToken);
    const modifiers = kept(node);
    const parameters = node.parameters.map((parameter) =>
      ts.visitNode(parameter, this.#visit) as ts.ParameterDeclaration
    );
    const body = this.#bodyOf(node);
    if (ts.isFunctionDeclaration(node)) {
      return f.createFunctionDeclaration(
        modifiers,
        star,
        node.name,
        undefined,
        parameters,
        undefined,
        body,
      );
    }
    const method = (
      name: ts.PropertyName,
      extra: readonly ts.Modifier[] = modifiers,
    ) =>
      f.createMethodDeclaration(
        extra,
        star,
        name,
        undefined,
        undefined,
        parameters,
        undefined,
        body,
      );
    if (ts.isMethodDeclaration(node)) {
      return method(this.#memberName(node.name));
    }
    if (ts.isGetAccessorDeclaration(node)) {
      const name = ts.isPrivateIdentifier(node.name)
        ? openName(node.name)
        : node.name.getText();
      return method(f.createIdentifier(`get$${name}`));
    }
    if (ts.isConstructorDeclaration(node)) {
      return this.#maker(node, method(f.createIdentifier("init$"), []));
    }
    const made = f.createFunctionExpression(
      undefined,
      star,
      ts.isFunctionExpression(node) ? node.name : undefined,
      undefined,
      parameters,
      undefined,
      body,
    );
    if (!ts.isArrowFunction(node)) return made;
    return f.createCallExpression(
      f.createPropertyAccessExpression(
        f.createParenthesizedExpression(made),
        "bind",
      ),
      undefined,
      [f.createThis()],
    );
  }

  #bodyOf(node: Body): ts.Block {
    const kept = f.createVariableStatement(
      undefined,
      f.createVariableDeclarationList(
        [f.createVariableDeclaration("$t")],
        ts.NodeFlags.Let,
      ),
    );
    const { body } = node;
    if (body === undefined) throw new Error("a function without a body");
    if (!ts.isBlock(body)) {
      return f.createBlock(
        [kept, f.createReturnStatement(this.#expression(body))],
        true,
      );
    }
    const visited = ts.visitEachChild(body, this.#visit, this.#context);
    return f.createBlock([kept, ...visited.statements], true);
  }

  /** `new X(…)` becomes `yield X.new$(…)`. */
  #maker(
    node: ts.ConstructorDeclaration,
    init: ts.MethodDeclaration,
  ): ts.Node[] {
    const owner = node.parent;
    if (!ts.isClassDeclaration(owner) || owner.name === undefined) {
      this.#refuse(node, "a constructor of a class without a name");
    }
    for (const clause of owner.heritageClauses ?? []) {
      if (clause.token === ts.SyntaxKind.ExtendsKeyword) {
        this.#refuse(node, "a constructor that accesses memory and extends");
      }
    }
    const made = f.createIdentifier("$made");
    const values = f.createIdentifier("$values");
    const maker = f.createMethodDeclaration(
      [f.createToken(ts.SyntaxKind.StaticKeyword)],
      f.createToken(ts.SyntaxKind.AsteriskToken),
      "new$",
      undefined,
      undefined,
      [f.createParameterDeclaration(
        undefined,
        f.createToken(ts.SyntaxKind.DotDotDotToken),
        values,
      )],
      undefined,
      f.createBlock([
        f.createVariableStatement(
          undefined,
          f.createVariableDeclarationList([
            f.createVariableDeclaration(
              made,
              undefined,
              undefined,
              f.createNewExpression(owner.name, undefined, []),
            ),
          ], ts.NodeFlags.Const),
        ),
        f.createExpressionStatement(this.#yield(
          f.createCallExpression(
            f.createPropertyAccessExpression(made, "init$"),
            undefined,
            [f.createSpreadElement(values)],
          ),
        )),
        f.createReturnStatement(made),
      ], true),
    );
    return [maker, init];
  }
}

/** "#words" of class Block as "$Block$words", since subclasses may have one. */
function openName(name: ts.PrivateIdentifier): string {
  let at: ts.Node | undefined = name.parent;
  while (at !== undefined) {
    if (
      ts.isClassLike(at) &&
      at.members.some((member) => member.name?.getText() === name.text)
    ) return `$${at.name?.text ?? ""}$${name.text.slice(1)}`;
    at = at.parent;
  }
  throw new Error(`${name.text} is no member of a class`);
}

/** The modifiers that a function keeps as a generator. */
function kept(node: Body): ts.Modifier[] {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : [];
  return (modifiers ?? []).filter(({ kind }) =>
    kind === ts.SyntaxKind.StaticKeyword ||
    kind === ts.SyntaxKind.ExportKeyword ||
    kind === ts.SyntaxKind.DefaultKeyword
  );
}

function isAssigned(node: ts.Expression): boolean {
  const { parent } = node;
  return ts.isBinaryExpression(parent) && parent.left === node &&
    parent.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    parent.operatorToken.kind <= ts.SyntaxKind.LastAssignment;
}

/** Whether a path is the layer, which is replaced whole. */
export function isLayer(path: string): boolean {
  return path === LAYER;
}

/** What a node takes apart, or hands to what looks into it. */
function takenWhole(node: ts.Node): readonly ts.Expression[] {
  if (ts.isSpreadElement(node) || ts.isForOfStatement(node)) {
    return [node.expression];
  }
  if (ts.isVariableDeclaration(node)) {
    return node.initializer === undefined || ts.isIdentifier(node.name)
      ? []
      : [node.initializer];
  }
  if (ts.isBinaryExpression(node)) {
    return ts.isArrayLiteralExpression(node.left) ||
        ts.isObjectLiteralExpression(node.left)
      ? [node.right]
      : [];
  }
  return ts.isCallExpression(node) || ts.isNewExpression(node)
    ? node.arguments ?? []
    : [];
}
