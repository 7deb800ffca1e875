// The log of what was asked: its addresses at debug level alone, and never a secret.

import { pino } from "pino";
import { expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { startScripted } from "../support/scripted.js";

const manifest = {
  config: { secret: { secret: true, about: "secret" } },
  auth: { header: { "X-Key": "{config.secret}" } },
};
const table = {
  read: {
    list: { GET: "/{config.secret}/items", query: { key: "{config.secret}" }, rows: "/items", pages: { url: "/next" } },
    get: { GET: "/items/{key}", rows: "" },
  },
};
const secret = "s3 cret/ü!'()*";

/** The lines of a log at this level while a list is read, its next page, which has the secret in its address, and one that fails. */
async function logged(level: string) {
  const api = await startScripted();
  const lines: unknown[] = [];
  const log = pino({ level }, { write: (line) => lines.push(JSON.parse(line)) });
  const { table: items, columns } = await openItems(api.url, { manifest, table, account: { config: { secret }, log } });
  const next = `/items?page=2&key=${encodeURIComponent(secret)}`;
  api.add({ body: { items: [], next } }, { body: { items: [] } }, { status: 400 });
  const page = await items.list(columns, null);
  await items.list(columns, page.next);
  await items.list(columns, null).catch(() => undefined);
  await api.close();
  return { lines, url: api.url };
}

test("the log has the address of each request at debug level alone, and no secret in it", async () => {
  expect((await logged("info")).lines).toEqual([]);
  const { lines, url } = await logged("debug");
  const [first, second] = [`${url}/***/items?key=***`, `${url}/items?page=2&key=…`];
  expect(lines).toMatchObject([
    { msg: "request", api: "things", method: "GET", url: first },
    { msg: "exchange", url: first, status: 200 },
    { msg: "request", url: second },
    { msg: "exchange", url: second, status: 200 },
    { msg: "request", url: first },
    { msg: "exchange", url: first, status: 400 },
  ]);
});
