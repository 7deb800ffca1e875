// Ten statements, and what any client must get for them: rows as text, or a SQLSTATE.

import { expect } from "vitest";
import type { Stack } from "../support/stack.js";

export type Answer = readonly string[] | string;

export const seed = [
  { email: "ada@example.com", firstname: "Ada" },
  { email: "bob@example.com", firstname: "Bob" },
];

const ten: readonly (readonly [sql: string, answer: Answer])[] = [
  ["select firstname from hubspot.contacts order by email", ["Ada", "Bob"]],
  [
    "insert into hubspot.contacts (email, firstname) values ('Eve@Example.com', 'Eve') returning email, hs_full_name_or_email",
    ["eve@example.com|Eve"],
  ],
  [
    "insert into hubspot.contacts (email, firstname) values ('a@x.example', 'A'), ('b@x.example', 'B'), ('c@x.example', 'C') returning firstname",
    ["A", "B", "C"],
  ],
  [
    "update hubspot.contacts set firstname = upper(firstname) where email = 'bob@example.com' returning firstname",
    ["BOB"],
  ],
  [
    "update hubspot.contacts set annualrevenue = 2 * 21 where email like '%@example.com' and firstname = 'Ada' returning annualrevenue",
    ["42"],
  ],
  ["delete from hubspot.contacts where email = 'a@x.example' returning email", ["a@x.example"]],
  ["insert into hubspot.contacts (email) values ('nonsense')", "22P02"],
  ["insert into hubspot.contacts (email) values ('ada@example.com')", "23505"],
  ["insert into hubspot.contacts (email) select n || '@m.example' from generate_series(1, 101) n", "54000"],
  ["select count(*) from hubspot.contacts", ["5"]],
];

const requests = [
  "POST /crm/v3/objects/contacts",
  "POST /crm/v3/objects/contacts/batch/create",
  "PATCH /crm/v3/objects/contacts/502",
  "PATCH /crm/v3/objects/contacts/501",
  expect.stringMatching(/^DELETE \/crm\/v3\/objects\/contacts\/\d+$/),
  "POST /crm/v3/objects/contacts",
];

/** Runs the ten through `run` and compares, with the requests that the sandbox counted. */
export async function runTen(stack: Stack, run: (sql: string) => Promise<Answer>): Promise<void> {
  for (const [sql, answer] of ten) expect(await run(sql), sql).toEqual(answer);
  expect(stack.writes()).toEqual(requests);
}

/** What a driver threw, as its SQLSTATE. */
export function sqlstateOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
