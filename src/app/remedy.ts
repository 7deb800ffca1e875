// What to do about an API that could not be read.

import type { ApiConfig } from "../config/api.js";
import type { ConfigValues } from "../config/secret.js";
import { ReadFailed } from "../manifest/read-failed.js";

/** To be put behind the reason; empty when there is nothing to say. */
export function remedyFor(
  cause: unknown,
  { name, values }: Pick<ApiConfig, "name"> & { readonly values: ConfigValues },
): string {
  const sqlstate = cause instanceof ReadFailed ? cause.sqlstate : undefined;
  const keys = Object.keys(values).map((key) => `apis.${name}.${key}`);
  if (sqlstate === "28000") return `: look at ${keys.join(", ")}`;
  if (sqlstate === "42501") return ": give the token the right to read this";
  return sqlstate === "HV00N" ? `: look at apis.${name}.base, and at the network` : "";
}
