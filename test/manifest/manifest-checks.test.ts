// Wrong manifests, each answered with the line, the path and the mend.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ConfigError, readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../support/foreign/${name}.yaml`, import.meta.url)), "utf8");
const manifests = { desk: read("desk"), shelf: read("shelf") };

/** In which manifest what is replaced by what, and the one line it is answered with, without the file and the number of the line. */
const wrong: readonly (readonly [keyof typeof manifests, string, string, string])[] = [
  ["desk", "limits:", "limit:", 'limit: unknown key "limit"; did you mean "limits"?'],
  ["desk", "throughline: 1", "throughline: 2", "throughline: Invalid input: expected 1"],
  ["desk", "api: desk", "api: Desk", "api: a lower-case name"],
  ["desk", "base: http://127.0.0.1", "base: 127.0.0.1", "base: Invalid URL"],
  [
    "desk",
    "{config.key}",
    "{config.kee}",
    'auth.header.X-Api-Key: nothing is known as {config.kee} here; did you mean "config.key"?',
  ],
  [
    "shelf",
    'auth: { bearer: "{config.token}" }',
    'auth: { bearer: "{config.token}", basic: [a, b] }',
    "auth: is exactly one of bearer, basic, header, oauth2",
  ],
  ["desk", "base: http://127.0.0.1", "base: ftp://127.0.0.1", "base: begins with https:// or http://"],
  ["desk", "X-Api-Key:", "X Api Key:", "auth.header.X Api Key: a header's name has letters, digits and dashes"],
  ["desk", "per: 1s", "per: 0s", "limits.0.per: is more than 0"],
  [
    "desk",
    "priority: { type: integer, label: Priority }",
    "priority: { type: integer, to: reference }",
    'tables.tickets.columns.reference: "reference" is what "priority" is written to as well',
  ],
  [
    "desk",
    "priority: { type: integer, label: Priority }",
    "priority: { type: integer, references: ticket }",
    'tables.tickets.columns.priority.references: no such table; did you mean "tickets"?',
  ],
  ["desk", "per: 1s", "per: 1 second", 'limits.0.per: "1 second" is no duration such as 5s or 10m'],
  [
    "desk",
    "raise: unique_violation",
    "raise: 23505",
    "errors.rules.1.raise: conditions go by Postgres's names: write unique_violation for 23505",
  ],
  ["desk", "raise: check_violation", "raise: check", 'errors.rules.6.raise: "check" is no condition; known: '],
  [
    "desk",
    "Ticket {id} has it.",
    "Ticket {number} has it.",
    "errors.rules.1.hint: nothing is known as {number} here; known here: label, id",
  ],
  ["desk", '"^Ticket not found$"', '"^Ticket (not found$"', "errors.rules.0.message: Invalid regular expression: "],
  [
    "desk",
    "outcome: absent }",
    "outcome: refused, if: { GET: /account } }",
    "errors.rules.0.if: belongs to a rule with the outcome absent or ask",
  ],
  [
    "desk",
    "outcome: absent }",
    'outcome: absent, if: { GET: "/tickets/{key}" } }',
    "errors.rules.0.if.GET: nothing is known as {key} here; known here: config.key, table",
  ],
  [
    "shelf",
    "outcome: ask,",
    'outcome: ask, if: { GET: /users/me, query: { token: "{config.tokn}" } },',
    'errors.rules.0.if.query.token: nothing is known as {config.tokn} here; did you mean "config.token"?',
  ],
  [
    "desk",
    "outcome: absent }",
    "outcome: absent, if: { GET: /account, rows: /id } }",
    'errors.rules.0.if.rows: unknown key "rows"; known here: GET, query, headers',
  ],
  [
    "desk",
    "outcome: absent }",
    "outcome: absent, if: { GET: account } }",
    'errors.rules.0.if.GET: a path begins with "/"',
  ],
  ["desk", "key: id", "key: ident", 'tables.tickets.key: "ident" is no column; did you mean "id"?'],
  [
    "desk",
    "id: { type: bigint,",
    "id: { type: int64,",
    'tables.tickets.columns.id.type: "int64" is no type of a mirror column, which has no length; known: text, ',
  ],
  [
    "desk",
    "priority: { type: integer, label: Priority }",
    "priority: varchar(10)",
    'tables.tickets.columns.priority: "varchar(10)" is no type of a mirror column',
  ],
  [
    "desk",
    "unique: true",
    "uniqe: true",
    'tables.tickets.columns.reference.uniqe: unknown key "uniqe"; did you mean "unique"?',
  ],
  [
    "desk",
    "rows: /tickets\n        pages: { offset: offset, total: /total }\n      get",
    "rows: tickets\n        pages: { offset: offset, total: /total }\n      get",
    'tables.tickets.read.list.rows: a JSON pointer begins with "/"',
  ],
  [
    "desk",
    "pages: { offset: offset, total: /total }",
    "pages: { ofset: offset }",
    'tables.tickets.read.list.pages.ofset: unknown key "ofset"; did you mean "offset"?',
  ],
  [
    "shelf",
    "pages: { page: page }",
    "pages: { page: page, cursor: /next }",
    "tables.books.read.list.pages: pages have exactly one of cursor, offset, page, last, first, url, link",
  ],
  [
    "desk",
    '/api/tickets/{key}", rows',
    '/api/tickets/{id}", rows',
    'tables.tickets.read.get.GET: nothing is known as {id} here; did you mean "key"?',
  ],
  [
    "shelf",
    "max: 100, atomic: true, match: order",
    "max: 100, atomic: true",
    'tables.books.write.create.many: needs "match": order, key, a column, or a pointer to the {index} that was sent',
  ],
  [
    "shelf",
    "max: 100, atomic: true, match: order",
    "match: order",
    'tables.books.write.create.many: needs "max": how many rows it takes',
  ],
  [
    "shelf",
    "match: order",
    "match: sequence",
    'tables.books.write.create.many: "match" is order, key, a column, or a pointer to the {index} that was sent, not "sequence"',
  ],
  [
    "desk",
    "create: { POST: /api/tickets,",
    "create: { POST: /api/tickets, PUT: /api/tickets,",
    "tables.tickets.write.create: a call has exactly one of GET, POST, PUT, PATCH, DELETE",
  ],
  [
    "desk",
    "create: { POST: /api/tickets, ",
    "create: { ",
    "tables.tickets.write.create: a call has exactly one of GET, POST, PUT, PATCH, DELETE",
  ],
  ["desk", "POST: /api/tickets", "POST: api/tickets", 'tables.tickets.write.create.POST: a path begins with "/"'],
  [
    "shelf",
    "codec: string",
    "codec: text",
    "tables.books.columns.price.codec: a codec is string, unix, unix_ms, utc_midnight or join(SEPARATOR)",
  ],
];

test.each(wrong)("in %s, %s → %s is told", (name, right, mistake, said) => {
  const text = manifests[name];
  expect(text).toContain(right);
  const broken = text.replace(right, mistake);
  const line = broken.slice(0, broken.indexOf(mistake)).split("\n").length;
  const mistakes = mistakesOf(broken);
  const [first = ""] = mistakes;
  const [, at, rest] = /^my\.yaml:(\d+): (.*)$/s.exec(first) ?? [];
  expect(rest?.slice(0, said.length)).toBe(said);
  expect(mistakes).toEqual([first]);
  // The line is that of the mistake, or of the call that it is in.
  expect(Math.abs(Number(at) - line)).toBeLessThanOrEqual(3);
});

test("both manifests are right as they are", () => {
  expect(mistakesOf(manifests.desk)).toEqual([]);
  expect(mistakesOf(manifests.shelf)).toEqual([]);
});

function mistakesOf(text: string): readonly string[] {
  try {
    readYaml("my.yaml", text, manifestSchema);
    return [];
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.mistakes;
    throw cause;
  }
}
