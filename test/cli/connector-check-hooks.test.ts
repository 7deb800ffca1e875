// `connector check` loads the hooks beside a manifest, and applies them to what it reads and to what would be written.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type CheckedItems, columns, startCheckedItems } from "../support/checked-items.js";

let items: CheckedItems;
beforeAll(async () => {
  items = await startCheckedItems();
});
afterAll(() => items.close());

const hooks: readonly (readonly [string, string, string, string])[] = [
  ["a syntax error", "js", "exports.encodeRecord = (record) => {\n  return { ...record;\n};\n", ".hooks.js:2: "],
  ["a syntax error in a module", "mjs", "export const decodeRecord = (record) => (;\n", ".hooks.mjs"],
  ["an export of another name", "js", "exports.encode = (record) => record;\n", 'unknown export "encode"; '],
  ["an encodeRecord that throws", "js", "exports.encodeRecord = (r) => r.none.x;\n", "encodeRecord threw TypeError"],
  [
    "an encodeRecord that gives no record",
    "js",
    "exports.encodeRecord = () => 'x';\n",
    "encodeRecord gave back what it can't",
  ],
  ["a decodeRecord that throws", "js", "exports.decodeRecord = (r) => r.none.x;\n", "decodeRecord threw TypeError"],
  [
    "a decodeRecord that loses a column",
    "js",
    "exports.decodeRecord = ({ name, ...r }) => r;\n",
    'column "name" is required, and no record has it',
  ],
  ["a nextPage that leads nowhere", "js", "exports.nextPage = () => null;\n", 'the hook "nextPage" leads nowhere'],
  [
    "a classifyError that wants JSON",
    "js",
    "exports.classifyError = (e) => (e.code ? {} : undefined);\n",
    "classifyError threw TypeError for an answer without JSON",
  ],
];
test.each(hooks)("hooks with %s are named", async (_, end, text, says) => {
  const { code, said } = await items.check({}, { end, text });
  expect(said).toContain(says);
  expect(code).toBeGreaterThan(0);
});

test("hooks that are right are applied to what is compared", async () => {
  const parts = { table: { columns: { ...columns, name: undefined, title: { type: "text", required: true } } } };
  const text = "exports.decodeRecord = ({ name, ...r }) => ({ title: name, ...r });\n";
  expect(await items.check(parts, { end: "js", text })).toMatchObject({
    code: 0,
    said: expect.stringContaining("all their values fit\n"),
  });
});

test("without an address, what the manifest and its hooks alone show is named all the same", async () => {
  const parts = { manifest: { auth: { bearer: "Bearer {config.key}" } } };
  expect(await items.check(parts, undefined, false)).toMatchObject({ code: 2 });
  const hooks = { end: "js", text: "exports.encodeRecord = (\n" };
  expect(await items.check({}, hooks, false)).toMatchObject({ code: 2, said: expect.stringContaining(".hooks.js") });
});
