// What a command that looks for mistakes has found, one line each.

export interface Finding {
  readonly level: "ok" | "warning" | "error";
  readonly subject: string;
  readonly says: string;
}

export function lineOf({ level, subject, says }: Finding): string {
  return `${level.padEnd(8)}${subject}: ${says}`;
}

export function isError({ level }: Pick<Finding, "level">): boolean {
  return level === "error";
}
