// How far a pull is: one line that changes on a terminal, a line now and then elsewhere.

import type { Io } from "./command.js";

/** Elsewhere, a line for each so many rows of a table. */
const rowsPerLine = 10_000;

export class PullProgress {
  private readonly rows = new Map<string, number>();
  private readonly reportedRows = new Map<string, number>();

  constructor(
    private readonly io: Io,
    private readonly terminal = process.stderr.isTTY ? process.stderr : undefined,
  ) {}

  at(table: string, rows: number): void {
    this.rows.set(table, rows);
    this.draw();
    if (this.terminal || rows - (this.reportedRows.get(table) ?? 0) < rowsPerLine) return;
    this.reportedRows.set(table, rows);
    this.io.err(`${table}: ${rows} rows so far`);
  }

  ends(table: string): void {
    this.rows.delete(table);
    this.clear();
  }

  /** The line that changes. */
  clear(): void {
    this.terminal?.write("\r\x1b[K");
  }

  private draw(): void {
    const line = [...this.rows].map(([table, rows]) => `${table} ${rows}`).join(" · ");
    this.terminal?.write(`\r\x1b[K${line.slice(0, (this.terminal.columns ?? 80) - 1)}`);
  }
}
