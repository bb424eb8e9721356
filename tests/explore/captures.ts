// Which variables of the functions around it a function goes on using: they are
// part of a thread's state like the fields of its objects.
import ts from "npm:typescript@5.9.3";

/** The names of variables that are not its own, "this" among them. */
export function capturedBy(
  body: ts.ArrowFunction | ts.FunctionExpression,
  checker: ts.TypeChecker,
): string[] {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (node.kind === ts.SyntaxKind.ThisKeyword) names.add("this");
    else if (ts.isIdentifier(node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : checker.getSymbolAtLocation(node);
      if (isOfFunctionAround(symbol?.valueDeclaration, body)) {
        names.add(node.text);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(body.body);
  for (const { initializer } of body.parameters) {
    if (initializer !== undefined) visit(initializer);
  }
  return [...names];
}

/** Whether something is declared in a function that another one lies in. */
function isOfFunctionAround(
  declaration: ts.Declaration | undefined,
  body: ts.Node,
): boolean {
  if (
    declaration === undefined ||
    !(ts.isVariableDeclaration(declaration) || ts.isParameter(declaration) ||
      ts.isBindingElement(declaration) ||
      ts.isFunctionDeclaration(declaration))
  ) return false;
  let around = false;
  for (let at = declaration.parent; at !== undefined; at = at.parent) {
    if (at === body) return false;
    if (ts.isFunctionLike(at)) around = true;
  }
  return around;
}
