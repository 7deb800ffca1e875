// The session of the demo: each statement, the HTTP requests it became by the sandbox's own count, and what came back.

import type pg from "pg";
import type { Io } from "../command.js";
import type { SeededSandbox, SeenRequest, Show } from "./show.js";

export async function playSession(client: pg.Client, show: Show, sandbox: SeededSandbox, io: Io): Promise<void> {
  const writes = new RegExp(`^(insert into|update|delete from) ${show.api}\\.`);
  const notices: string[] = [];
  client.on("notice", ({ severity, code, message }) => notices.push(`${severity}  ${code}: ${message}`));
  let requests = 0;
  for (const { title, statements } of show.scenes) {
    io.out(`\n── ${title}`);
    for (const sql of statements) {
      const from = sandbox.log.length;
      io.out(`\n${sql};`);
      const answer = await answerTo(client, sql);
      const newRequests = sandbox.log.slice(from);
      requests += newRequests.length;
      for (const line of newRequests.flatMap(requestLines)) io.out(`  ${line}`);
      if (newRequests.length === 0 && writes.test(sql)) io.out("  → no request was sent");
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
  const cells = rows.map((row) => row.map(cellText));
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(" │ ")
      .trimEnd();
  return [line(names), widths.map((width) => "─".repeat(width)).join("─┼─"), ...cells.map(line)];
}

function cellText(value: unknown): string {
  if (value === null) return "";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
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

function requestLines({ method, path, status, requestBody, idempotencyKey }: SeenRequest): string[] {
  const body = requestBody.length > shownBody ? `${requestBody.slice(0, shownBody)}…` : requestBody;
  const line = `→ ${`${method} ${path} ${body}`.trimEnd()}  ← ${status}`;
  return idempotencyKey === undefined ? [line] : [line, `  Idempotency-Key: ${idempotencyKey}`];
}
