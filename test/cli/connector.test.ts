// `connector`: what there is, what it says, and a manifest's schema for editors.

import { expect, test } from "vitest";
import { connectorCommand } from "../../src/cli/connector.js";
import { runCommand } from "../support/command.js";

const connector = (words: string, json = false) => runCommand(connectorCommand, { names: words.split(" "), json });

test("list shows each connector with its tables", async () => {
  const { code, out } = await connector("list");
  expect([code, out.split("\n")]).toEqual([
    0,
    [
      expect.stringMatching(/^hubspot {2}contacts, companies, .*, and others that the API tells of$/),
      "stripe   customers, products, prices",
      "",
    ],
  ]);
  expect(JSON.parse((await connector("list", true)).out.split("\n")[1] ?? "")).toEqual({
    api: "stripe",
    tables: ["customers", "products", "prices"],
    more: false,
  });
});

/** Of which connector, the lines that are in its answer. */
const shown: readonly (readonly [string, readonly string[]])[] = [
  [
    "stripe",
    [
      "stripe  https://api.stripe.com/v1",
      "  config key (secret): a secret or restricted key, sk_… or rk_…",
      "  at most 100 calls in 1 s",
      "  at most 25 calls in 1 s to each path that is /*",
      "prices  key id",
      "  insert: 1 row in a call",
      "  delete: no",
      "    product              text, on INSERT only, required",
      "    livemode             boolean, read only",
    ],
  ],
  [
    "hubspot",
    [
      "contacts  key id",
      "  insert: up to 100 rows in a call, each accepted or refused by itself",
      "    email  unique",
      "    and the columns that the API tells of",
      "each other table that the API tells of  key id",
      "contacts_companies  key from_id, to_id",
    ],
  ],
];

test.each(shown)("show %s has its config, limits, tables, columns and verbs", async (api, lines) => {
  const { code, out } = await connector(`show ${api}`);
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual(expect.arrayContaining([...lines]));
  const { tables, ...rest } = JSON.parse((await connector(`show ${api}`, true)).out);
  expect(Object.keys(rest)).toEqual(["api", "base", "config", "limits"]);
  expect(Object.keys(tables[0])).toEqual(["name", "key", "columns", "discovered", "insert", "update", "delete"]);
  expect(tables[0].insert).toEqual({ rows: expect.any(Number), atomic: expect.any(Boolean) });
});

test("schema is the JSON Schema of what a file may hold, durations as they are written", async () => {
  const { code, out } = await connector("schema");
  const { $schema, type, required, properties } = JSON.parse(out);
  expect([code, $schema, type, required]).toEqual([
    0,
    "https://json-schema.org/draft/2020-12/schema",
    "object",
    ["throughline", "api", "base", "errors", "tables"],
  ]);
  expect(properties.limits.items.properties.per).toEqual({ type: "string" });
  expect((await connector("schema", true)).out.trimEnd()).not.toContain("\n");
});

const wrong: readonly (readonly [words: string, says: string])[] = [
  ["show hubspott", 'there is no connector "hubspott"; did you mean "hubspot"?'],
  ["show ../registry", 'there is no connector "../registry"; known here: hubspot, stripe'],
  ["show", "connector takes list, show API, check FILE [--url BASE], or schema"],
  ["constructor", "connector takes list, show API, check FILE [--url BASE], or schema"],
];

test.each(wrong)("connector %s is a mistake of the command line", async (words, says) => {
  expect(await connector(words)).toEqual({ code: 2, out: "", err: `${says}\n` });
});
