// The session of the demo: each statement, the HTTP requests it became by the sandbox's own count, and what came back.

import type pg from "pg";
import type { AccessLogEntry } from "../../sandbox/hubspot/access-log.js";
import type { HubspotSandbox } from "../../sandbox/hubspot/server.js";
import type { Io } from "../command.js";

interface Scene {
  readonly title: string;
  readonly statements: readonly string[];
}

const scenes: readonly Scene[] = [
  {
    title: "An INSERT is one API call, and RETURNING gives HubSpot's row: its id, its spelling, its computed fields",
    statements: [
      `insert into hubspot.contacts (email, firstname, lastname)
values ('Katherine@NASA.example', 'Katherine', 'Johnson')
returning id, email, hs_full_name_or_email, createdate is not null as created`,
    ],
  },
  {
    title: "Three rows are one batch call; HubSpot answers in any order, RETURNING in yours",
    statements: [
      `insert into hubspot.contacts (email, firstname)
values ('one@batch.example', 'One'), ('two@batch.example', 'Two'), ('three@batch.example', 'Three')
returning firstname, id`,
    ],
  },
  {
    title: "SET and WHERE are Postgres's own: an expression, a function, a join with your table",
    statements: [
      `update hubspot.contacts c
set company = upper(a.name), annualrevenue = round(1000 * (1 - a.discount))
from account a
where split_part(c.email, '@', 2) = a.domain
returning c.firstname, c.company, c.annualrevenue, a.discount`,
    ],
  },
  {
    title: "DELETE archives upstream, and returns what went",
    statements: [
      "delete from hubspot.contacts where email like '%@batch.example' and firstname <> 'One' returning email",
    ],
  },
  {
    title: "What HubSpot refuses is a Postgres error: SQLSTATE, column, HubSpot's words",
    statements: ["insert into hubspot.contacts (email) values ('not an address')"],
  },
  {
    title: "101 rows are more than one call takes: refused before anything is sent",
    statements: ["insert into hubspot.contacts (email) select n || '@many.example' from generate_series(1, 101) n"],
  },
  {
    title: "A duplicate that Postgres sees is refused before anything is sent",
    statements: ["insert into hubspot.contacts (email) values ('ada@analytical.example')"],
  },
  {
    title: "A ROLLBACK can't undo what HubSpot accepted: the row stays, and you are told",
    statements: [
      "begin",
      "insert into hubspot.contacts (email, firstname) values ('annie@nasa.example', 'Annie') returning id",
      "insert into invoice values ('annie@nasa.example', 100)",
      "rollback",
      `select c.email, (select count(*) from invoice) as invoices
from hubspot.contacts c where c.email = 'annie@nasa.example'`,
    ],
  },
  {
    title: "Reads are local SQL: a mirror joins your own tables, with no request at all",
    statements: [
      `select a.name, count(*) as people, string_agg(c.firstname, ', ' order by c.firstname) as names
from hubspot.contacts c join account a on a.domain = split_part(c.email, '@', 2)
group by a.name order by a.name`,
    ],
  },
  {
    title: "A column that HubSpot computes is read-only: refused before anything is sent",
    statements: ["update hubspot.contacts set createdate = now() where email = 'ada@analytical.example'"],
  },
];

export async function playSession(client: pg.Client, sandbox: HubspotSandbox, io: Io): Promise<void> {
  const notices: string[] = [];
  client.on("notice", ({ severity, code, message }) => notices.push(`${severity}  ${code}: ${message}`));
  let requests = 0;
  for (const { title, statements } of scenes) {
    io.out(`\n── ${title}`);
    for (const sql of statements) {
      const from = sandbox.log.length;
      io.out(`\n${sql};`);
      const answer = await answerTo(client, sql);
      const made = sandbox.log.slice(from);
      requests += made.length;
      for (const entry of made) io.out(`  → ${requestLine(entry)}`);
      if (made.length === 0 && /^(insert|update|delete) (into )?(from )?hubspot/.test(sql))
        io.out("  → no request was sent");
      for (const line of answer) io.out(`  ${line}`);
      for (const notice of notices.splice(0)) io.out(`  ${notice}`);
    }
  }
  io.out(`\nThe sandbox counted ${requests} requests.`);
}

async function answerTo(client: pg.Client, sql: string): Promise<string[]> {
  try {
    const { rows, fields, command, rowCount } = await client.query({ text: sql, rowMode: "array" });
    const tag = rowCount === null ? command : `${command} ${rowCount}`;
    return fields.length > 0
      ? [
          ...asTable(
            fields.map(({ name }) => name),
            rows,
          ),
          tag,
        ]
      : [tag];
  } catch (cause) {
    return errorLines(cause);
  }
}

function asTable(names: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const cells = rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(" │ ")
      .trimEnd();
  return [line(names), widths.map((width) => "─".repeat(width)).join("─┼─"), ...cells.map(line)];
}

const shownFields = ["detail", "hint", "column", "constraint"] as const;

function errorLines(cause: unknown): string[] {
  if (!(cause instanceof Error) || !("code" in cause)) throw cause;
  const fields = new Map<string, unknown>(Object.entries(cause));
  const lines = [`ERROR  ${String(cause.code)}: ${cause.message}`];
  for (const name of shownFields) {
    const value = fields.get(name);
    if (typeof value === "string") lines.push(`${name.toUpperCase()}: ${value}`);
  }
  return lines;
}

/** Long bodies are cut: the demo shows what a request is, not all of it. */
const shownBody = 110;

function requestLine({ method, path, status, requestBody }: AccessLogEntry): string {
  const body = requestBody.length > shownBody ? `${requestBody.slice(0, shownBody)}…` : requestBody;
  return `${method} ${path} ${body}`.trimEnd().concat(`  ← ${status}`);
}
