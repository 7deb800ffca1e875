// Reads one written value: the form in which HubSpot keeps it, or why it is refused.

import { assertNever } from "../never.js";
import type { Holds, Option } from "./property.js";

export type IssueCode =
  | "PROPERTY_DOESNT_EXIST"
  | "READ_ONLY_VALUE"
  | "INVALID_EMAIL"
  | "INVALID_INTEGER"
  | "INVALID_BOOLEAN"
  | "INVALID_DATE"
  | "INVALID_OPTION";

export type ReadValue =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "issue"; readonly code: IssueCode; readonly message: string };

export function readValue(holds: Holds, written: string): ReadValue {
  switch (holds.kind) {
    case "text":
      return value(written);
    case "email":
      return readEmail(written);
    case "number":
      // Kept digit for digit; no exponent, which HubSpot refuses with this very code.
      return /^-?\d+(\.\d+)?$/.test(written)
        ? value(written)
        : issue("INVALID_INTEGER", `${written} was not a valid number.`);
    case "bool":
      return written === "true" || written === "false"
        ? value(written)
        : issue("INVALID_BOOLEAN", `${written} was not one of the allowed options: [true, false]`);
    case "date":
      return readDate(written);
    case "datetime": {
      const ms = instantMs(written);
      return ms === undefined
        ? issue("INVALID_DATE", `${written} was not a valid date.`)
        : value(new Date(ms).toISOString());
    }
    case "choice":
    case "pipeline":
      return readChoices([written], holds.options, written);
    case "choices":
      return readChoices(written.split(";"), holds.options, written);
    case "owner":
      return /^\d+$/.test(written)
        ? value(written)
        : issue("INVALID_INTEGER", `${written} was not a valid integer (for owner ID).`);
    default:
      return assertNever(holds);
  }
}

/** Milliseconds of an instant written as epoch milliseconds, as a day, or as ISO 8601 with an offset. */
export function instantMs(written: string): number | undefined {
  if (/^-?\d+$/.test(written)) return withinCalendar(Number(written));
  const [, day] = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/.exec(written) ?? [];
  if (day === undefined) return undefined;
  const midnight = withinCalendar(Date.parse(day));
  // The 31st of June would silently become the 1st of July.
  return midnight !== undefined && dayOf(midnight) === day ? withinCalendar(Date.parse(written)) : undefined;
}

function withinCalendar(ms: number): number | undefined {
  return ms >= Date.parse("0001-01-01") && ms <= Date.parse("9999-12-31T23:59:59.999Z") ? ms : undefined;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function readEmail(written: string): ReadValue {
  const email = written.trim().toLowerCase();
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)
    ? value(email)
    : issue("INVALID_EMAIL", `Email address ${written} is invalid`);
}

function readDate(written: string): ReadValue {
  const ms = written.includes("T") ? undefined : instantMs(written);
  if (ms === undefined) return issue("INVALID_DATE", `${written} was not a valid date.`);
  if (ms % 86_400_000 === 0) return value(dayOf(ms));
  const at = new Date(ms);
  const time = `${at.getUTCHours()}:${at.getUTCMinutes()}:${at.getUTCSeconds()}.${at.getUTCMilliseconds()}`;
  return issue("INVALID_DATE", `${written} is at ${time} UTC, not midnight!`);
}

function readChoices(chosen: readonly string[], options: readonly Option[], written: string): ReadValue {
  const allowed = options.map((option) => option.value);
  const unknown = chosen.find((one) => !allowed.includes(one));
  return unknown === undefined
    ? value(written)
    : issue("INVALID_OPTION", `${unknown} was not one of the allowed options: [${allowed.join(", ")}]`);
}

function value(kept: string): ReadValue {
  return { kind: "value", value: kept };
}

function issue(code: IssueCode, message: string): ReadValue {
  return { kind: "issue", code, message };
}
