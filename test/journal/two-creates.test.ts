// Several calls that nobody knows of, and one record.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { recover } from "../../src/journal/recover.js";
import type { FaultyApi } from "../faults/api.js";
import type { ServedStack } from "../support/served-stack.js";
import { lose, startFaultyLine } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
beforeEach(async () => {
  ({ api, line: stack } = await startFaultyLine());
});
afterEach(() => stack.close());

const round = () =>
  recover({
    ...stack.opened,
    proxy: randomUUID(),
    watch: new EntryWatch(() => Number.POSITIVE_INFINITY),
    mirrors: () => openMirrors(stack.opened),
  });

test("P13: of two creates that nobody knows of, one has made the record", async () => {
  await stack.pull();
  await lose(stack, api, "insert", "twice", "unknown");
  const { rows } = await stack.admin.query("select request from throughline.journal");
  await lose(stack, api, "insert", "twice", "unknown");
  await stack.admin.query("update throughline.journal set request = $1", [JSON.stringify(rows[0].request)]);
  api.add("twice", rows[0].request[0].sent.note);
  for (let n = 1; n <= 3; n += 1) {
    await stack.admin.query("update throughline.journal set tried_at = null");
    await round();
  }
  const entries = await stack.admin.query("select state from throughline.journal order by intent_moment");
  expect(entries.rows).toEqual([{ state: "accepted" }, { state: "lapsed" }]);
});

test("P6: a create is found while another one is under way that can't have made it", async () => {
  await stack.pull();
  let letGo = () => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const isAsked = new Promise<void>((resolve) => {
    api.set("other", "tells when it is done", () => {
      resolve();
      return free;
    });
  });
  const told = (await stack.client()).query("insert into own.records (name) values ('other')");
  await isAsked;
  await lose(stack, api, "insert", "mine", "unknown, and done");
  await round();
  const { rows } = await stack.admin.query("select state from throughline.journal order by intent_moment");
  expect(rows).toEqual([{ state: "sent" }, { state: "accepted" }]);
  letGo();
  await told;
});
