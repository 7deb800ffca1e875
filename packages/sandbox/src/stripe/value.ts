// Reads one written value: the JSON in which Stripe keeps it, or why it is refused.

import { assertNever } from "../never.js";
import { currencies } from "./currencies.js";
import type { Tree } from "./form.js";
import type { Json } from "./json.js";
import type { Holds } from "./param.js";
import { type Checked, good, invalid, refused, unknownParams } from "./refusal.js";
import type { WrittenValue } from "./written.js";

/** The kinds of parameter that are written as one text. */
export type HoldsText = Exclude<Holds, { readonly kind: "texts" | "metadata" | "hash" | "range" | "expand" }>;

/** Eight digits, as Stripe documents it. */
const mostAmount = 99_999_999;

export function readText(holds: HoldsText, written: string, path: string): Checked<Json> {
  switch (holds.kind) {
    case "text":
      return [...written].length <= holds.most
        ? good(written)
        : refused(invalid(`Invalid string: ${shortened(written)}; must be at most ${holds.most} characters`, path));
    case "email":
      return readEmail(written, path);
    case "boolean":
      return written === "true" || written === "false"
        ? good(written === "true")
        : refused(invalid(`Invalid boolean: ${written}`, path));
    case "integer":
      return readInteger(written, path, holds.least);
    case "amount":
      return readAmount(written, path, holds.signed);
    case "decimal":
      return readDecimal(written, path);
    case "number": {
      const digits = readDecimal(written, path);
      return digits.kind === "refused" ? digits : good(Number(digits.value));
    }
    case "choice":
      return holds.of.includes(written)
        ? good(written)
        : refused(invalid(`Invalid ${path}: must be ${oneOf(holds.of)}`, path));
    case "currency": {
      const currency = written.toLowerCase();
      const message = `Invalid currency: ${currency}. Stripe currently supports these currencies: ${currencies.join(", ")}`;
      return currencies.includes(currency) ? good(currency) : refused(invalid(message, path));
    }
    default:
      return assertNever(holds);
  }
}

/** Reads a range of seconds since 1970: one second, or bounds such as `[gte]`. */
export function readRange(tree: Tree, path: string): Checked<WrittenValue> {
  if (typeof tree === "string") {
    const at = readInteger(tree, path, -Infinity);
    return at.kind === "refused" ? at : good({ kind: "range", range: { from: at.value, to: at.value } });
  }
  let [from, to] = [-Infinity, Infinity];
  for (const [bound, written] of tree) {
    const range = readBound(bound, written, `${path}[${bound}]`);
    if (range.kind === "refused") return range;
    from = Math.max(from, range.value.from);
    to = Math.min(to, range.value.to);
  }
  return good({ kind: "range", range: { from, to } });
}

/** Returns the seconds that one bound allows, both ends included. */
function readBound(bound: string, written: Tree, path: string): Checked<{ from: number; to: number }> {
  if (!["gt", "gte", "lt", "lte"].includes(bound)) return refused(unknownParams([path]));
  const second = readInteger(typeof written === "string" ? written : "", path, -Infinity);
  if (second.kind === "refused") return second;
  const first = second.value + (bound === "gt" ? 1 : 0);
  const last = second.value - (bound === "lt" ? 1 : 0);
  return good(bound.startsWith("g") ? { from: first, to: Infinity } : { from: -Infinity, to: last });
}

function readInteger(written: string, path: string, least: number): Checked<number> {
  const wrong = (message: string) => refused(invalid(message, path, "parameter_invalid_integer"));
  if (!/^-?\d+$/.test(written)) return wrong(`Invalid integer: ${written}`);
  const value = Number(written);
  if (value >= least) return good(value);
  return wrong(least === 0 ? "Invalid non-negative integer" : `This value must be greater than or equal to ${least}.`);
}

function readAmount(written: string, path: string, signed: boolean): Checked<number> {
  const amount = readInteger(written, path, signed ? -Infinity : 0);
  if (amount.kind === "refused") return amount;
  if (amount.value > mostAmount) {
    return refused(invalid("Amount must be no more than $999,999.99", path, "amount_too_large"));
  }
  if (amount.value < -mostAmount) {
    return refused(invalid("Amount must be at least $-999,999.99", path, "amount_too_small"));
  }
  return amount;
}

/** Kept without zeros at its end. */
function readDecimal(written: string, path: string): Checked<string> {
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d{1,12}))?$/.exec(written) ?? [];
  if (whole === undefined) return refused(invalid(`Invalid decimal: ${written}`, path));
  if (Number(whole) > mostAmount) {
    return refused(invalid("Amount must be no more than $999,999.99", path, "amount_too_large"));
  }
  const digits = fraction.replace(/0+$/, "");
  return good(digits === "" ? String(Number(whole)) : `${Number(whole)}.${digits}`);
}

function readEmail(written: string, path: string): Checked<string> {
  return written.length <= 512 && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(written)
    ? good(written)
    : refused(invalid(`Invalid email address: ${written}`, path, "email_invalid"));
}

function oneOf(choices: readonly string[]): string {
  if (choices.length < 3) return choices.length === 1 ? choices.join() : `one of ${choices.join(" or ")}`;
  return `one of ${choices.slice(0, -1).join(", ")}, or ${choices.at(-1)}`;
}

function shortened(written: string): string {
  return `${written.slice(0, 3)}...${written.slice(-3)}`;
}
