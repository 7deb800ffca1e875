// Unique columns whose index is away: upstream has a value twice, and the mirror has what upstream has. In words, wherever people look.

import type { Fields } from "../../protocol/fields.js";
import { recoded } from "../../protocol/fields.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import type { Mirror } from "./column.js";

/** A column, and the keys of two records that have one value in it. */
export interface MissingIndex {
  readonly column: string;
  readonly keys: readonly string[];
}

/** Returns the missing indexes of a mirror as a list. */
export function missingIndexesOf({ missingIndexes }: Pick<Mirror, "missingIndexes">): readonly MissingIndex[] {
  return [...missingIndexes].map(([column, keys]) => ({ column, keys }));
}

/** Returns `"email" is the same in 1 and 2, so that its unique index is away`. */
export function missingIndexWords({ column, keys }: MissingIndex): string {
  const shown = keys.map((key) => cleanText(key, textLimits.word)).join(" and ");
  return `"${column}" is the same in ${shown}, so that its unique index is away`;
}

/** The error of an ON CONFLICT that Postgres finds no index for. */
const noSuchIndex = "42P10";

/** Returns the error with a hint that names the records for which the index is away; the same error if it is about something else. */
export function withMissingIndexes(error: Fields, mirrors: readonly Mirror[]): Fields {
  if (error.get("C") !== noSuchIndex) return error;
  const hints = mirrors.flatMap((mirror) =>
    missingIndexesOf(mirror).map((missing) => {
      const key = mirror.key.map(({ name }) => name).join(", ");
      return `In ${mirror.schema}.${mirror.table} ${missingIndexWords(missing)}. Change one of the two in ${mirror.api}, and the index comes back by itself; until then use ON CONFLICT (${key}).`;
    }),
  );
  return hints.length === 0 ? error : recoded(error, { H: hints.join(" ") });
}
