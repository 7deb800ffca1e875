// The register of mirrors as another version of the program left it.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ tables: ["contacts", "companies"] });
});
afterEach(() => stack.close());

test("a mirror whose columns lack a later field keeps no other mirror from being found, and has to be migrated", async () => {
  const names = async () => (await openMirrors(stack.opened)).map(({ mirror }) => mirror.table);
  expect(await names()).toEqual(["contacts", "companies"]);
  await stack.admin.query(
    `update throughline.mirror set columns = (select json_agg(c::jsonb - 'references') from json_array_elements(columns) c)
     where table_name = 'companies'`,
  );
  expect(await names()).toEqual(["contacts"]);
});
