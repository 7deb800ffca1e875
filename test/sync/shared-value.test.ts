// Records of an API that share the value of a column which is unique here.

import { afterEach, expect, test } from "vitest";
import { pullAll } from "../../src/app/pull.js";
import type { FaultyApi } from "../faults/api.js";
import { startFaultyLine } from "../journal/lost-sessions.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

let api: FaultyApi;
let stack: ServedStack;
afterEach(() => stack.close());

test("P15: two records with one unique value come to rest: both have it, and nothing stays parked", async () => {
  ({ api, line: stack } = await startFaultyLine());
  api.add("v", "1");
  api.add("v", "2");
  await pullAll(stack.opened);
  await untilTrue(
    stack.admin,
    "not exists (select from throughline.parked) and (select count(*) from own.records where name = 'v') = 2",
  );
  expect((await stack.admin.query("select from own.records")).rowCount).toBe(2);
});
