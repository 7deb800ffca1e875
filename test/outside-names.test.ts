// A house rule: no name from outside is looked up in a plain object, which also has what it inherits. src/config/member.ts does it.

import { fileURLToPath } from "node:url";
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import { isBinaryExpression, isElementAccessExpression } from "typescript/unstable/ast/is";
import { API, TypeFlags } from "typescript/unstable/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memberOf, setMember } from "../src/config/member.js";
import { parseJson as parseAnswer } from "../src/manifest/lossless-json.js";
import { textRowSchema } from "../src/mirror/column.js";

const root = fileURLToPath(new URL("..", import.meta.url));

const inherited = ["constructor", "__proto__", "toString", "valueOf", "hasOwnProperty", "__defineGetter__"];

let api: API;
beforeAll(() => {
  api = new API({ cwd: root });
});
afterAll(() => api.close());

/** The name in `object[name]`, or in `name in object`. */
function lookedUp(node: Node): Node | undefined {
  if (isElementAccessExpression(node)) return node.argumentExpression;
  if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) return node.left;
  return undefined;
}

function lookups(node: Node, found: Node[] = []): readonly Node[] {
  if (lookedUp(node)) found.push(node);
  node.forEachChild((child) => {
    lookups(child, found);
  });
  return found;
}

test("a name that may be any text is looked up by memberOf alone", { timeout: 120_000 }, () => {
  const [project] = api.updateSnapshot({ openProject: `${root}tsconfig.json` }).getProjects();
  if (!project) throw new Error("there is no project");
  const own = project.program
    .getSourceFileNames()
    .filter((name) => /^(src|protocol)\/.*\.ts$/.test(name.slice(root.length)));
  expect(own.length).toBeGreaterThan(200);
  const wrong = own.flatMap((name) => {
    const file = project.program.getSourceFile(name);
    if (!file || name.endsWith("src/config/member.ts")) return [];
    return lookups(file).flatMap((node) => {
      const argument = lookedUp(node);
      const type = argument && project.checker.getTypeAtLocation(argument);
      const isAnyText =
        type !== undefined && (type.flags & (TypeFlags.String | TypeFlags.Any | TypeFlags.Unknown)) !== 0;
      return isAnyText ? [`${name.slice(root.length)}: ${node.getText(file)}`] : [];
    });
  });
  expect(wrong).toEqual([]);
});

test.each(inherited)("an object holds nothing under %s until it is given it", (name) => {
  const object: Record<string, string> = {};
  expect(memberOf(object, name)).toBeUndefined();
  setMember(object, name, "given");
  expect([memberOf(object, name), Object.keys(object), Object.getPrototypeOf(object)]).toEqual([
    "given",
    [name],
    Object.prototype,
  ]);
});

test.each(inherited)("a row keeps its column %s", (name) => {
  const row = textRowSchema.parse(parseAnswer(`{"${name}": "x", "n": null}`));
  expect(Object.entries(row)).toEqual([
    [name, "x"],
    ["n", null],
  ]);
});
