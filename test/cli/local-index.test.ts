// `index`: its words, what it prints on which stream, and how it ends.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "../support/command.js";
import { type Stack, startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-index-"));
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  writeFileSync(
    join(folder, "throughline.yaml"),
    `postgres: "${stack.opened.config.postgres.url}"
apis: {hubspot: {base: "${stack.sandbox.url}", token: "\${HOME}", tables: [contacts, deals]}}
`,
  );
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

const index = (...words: readonly string[]) => runHere(folder, process.env, ["index", ...words]);

test("an index is added and dropped, and its DDL is all that stdout has", async () => {
  const err = "clients go on meanwhile; transactions that are open now are waited for, up to ten minutes\n";
  const added = await index("add", "hubspot.contacts", "lastname,", "firstname");
  expect(added).toEqual({ code: 0, out: expect.stringMatching(/^create index concurrently .*firstname"\);\n$/), err });
  const dropped = await index("drop", "hubspot.contacts", "lastname,firstname", "--json");
  expect(dropped).toEqual({ code: 0, out: expect.stringMatching(/^\{"sql":"drop index concurrently .*"\}\n$/), err });
});

const usage = "index takes add API.TABLE COLUMN[,COLUMN…], or drop API.TABLE COLUMN[,COLUMN…]";
const wrong: readonly (readonly [words: string, code: number, says: string])[] = [
  ["add hubspot.contacts", 2, usage],
  ["add hubspot.contacts email,", 2, usage],
  ["rename hubspot.contacts email", 2, usage],
  ["add hubspot.contacts lastname --unique", 2, "index makes none that is unique: the API's values may be so today"],
  ["add hubspot.contact lastname", 2, 'the config has no table "hubspot.contact"; did you mean "hubspot.contacts"?'],
  ["add hubspot.deals dealname", 1, 'hubspot.deals has no mirror yet: run "throughline migrate"'],
  ["drop hubspot.contacts lastnam", 1, '"hubspot"."contacts" has no column "lastnam"; did you mean "lastname"?'],
];

test.each(wrong)("index %s ends with %i", async (words, code, says) => {
  const ran = await index(...words.split(" "));
  const err = `throughline: ${says}`;
  expect([ran.code, ran.out, ran.err.slice(0, err.length)]).toEqual([code, "", err]);
});
