// Whether two of Postgres's texts are one value of a column: upstream may write 1500.00 for 1500.

import { LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";
import { elementType, instantMs, isNumber, withoutLastZeros } from "../manifest/column-types.js";
import type { JsonChange } from "../manifest/json-writer.js";
import { parsingJson, writingJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { readingArray } from "./codec.js";

/** Returns whether two texts of this column are one value. It takes as long as they are. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  return atOnce(comparing(column, a, b));
}

/** Returns whether two texts of this column are one value. */
export function* comparing(column: MirrorColumn, a: string | null, b: string | null): Slices<boolean> {
  if (a === null || b === null || a === b) return a === b;
  return (yield* comparableForm(column, a)) === (yield* comparableForm(column, b));
}

/** Returns a text that two texts of this column have in common when they are one value, and only then. */
export function* comparableForm(column: Pick<MirrorColumn, "type">, text: string): Slices<string> {
  const { type } = column;
  if (isNumber(type)) return plainNumber(text);
  if (type === "boolean") return text.slice(0, 1);
  if (type === "timestamp" || type === "timestamptz") {
    const ms = instantMs(text);
    return Number.isNaN(ms) ? `"${text}"` : String(ms);
  }
  if (type === "jsonb") return yield* writingJson(yield* parsingJson(text), comparableJson);
  const element = elementType(type);
  return element === undefined ? text : yield* comparableArray(element, text);
}

const comparableJson: JsonChange = { text: (text) => text, number: plainNumber, hasSortedNames: true };

function* comparableArray(type: string, text: string): Slices<string> {
  const form = new LongText();
  for (const element of yield* readingArray(text)) {
    yield;
    form.add(element === null ? "NULL," : `${JSON.stringify(yield* comparableForm({ type }, element))},`);
  }
  return form.end();
}

/** Returns the number without an exponent and without needless zeros. */
function plainNumber(text: string): string {
  const [, sign = "", head = "", tail = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(text) ?? [];
  if (head === "" && tail === "") return text;
  const point = head.length + Number(exponent);
  const digits = `${head}${tail}`.padEnd(point, "0").padStart(`${head}${tail}`.length - Math.min(0, point), "0");
  const whole = digits.slice(0, Math.max(0, point)).replace(/^0+/, "");
  const rest = withoutLastZeros(digits.slice(Math.max(0, point)));
  const plain = `${whole || "0"}${rest === "" ? "" : `.${rest}`}`;
  return sign === "-" && plain !== "0" ? `-${plain}` : plain;
}
