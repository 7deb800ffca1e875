// All errors that the write path raises, for docs/errors.md.

import type { ErrorEntry } from "../../postgres/error-catalogue.js";
import * as outcome from "./outcome-errors.js";
import * as plan from "./plan-errors.js";
import * as session from "./session-errors.js";
import * as value from "./value-errors.js";

/** By stage of the write path; a namespace import, so that an entry can't be left out. */
export const writeErrors: readonly ErrorEntry[] = [session, plan, value, outcome].flatMap((entries) =>
  Object.values<ErrorEntry>(entries),
);
