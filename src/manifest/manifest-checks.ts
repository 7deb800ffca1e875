// The mistakes of a manifest whose every key is right by itself: names that lead nowhere, and calls whose answers can't be assigned.

import type { ErrorAddresses } from "./error-schema.js";
import { type Mistake, type Path, unknownNames } from "./placeholders.js";
import { columnMistakes, tableMistakes, templateMistakes } from "./table-checks.js";
import type { TableManifest } from "./table-schema.js";

interface ManifestParts {
  readonly base: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly auth?: { readonly oauth2?: { readonly keep: readonly string[] } | undefined } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: ErrorAddresses;
  readonly tables: Readonly<Record<string, TableManifest>>;
}

/** Returns the mistakes in the order of the manifest's parts, each with its place. */
export function mistakesIn(manifest: ManifestParts): readonly Mistake[] {
  const tokenFields = manifest.auth?.oauth2?.keep ?? [];
  const commonNames = [
    ...Object.keys(manifest.config).map((name) => `config.${name}`),
    ...tokenFields.map((name) => `auth.${name}`),
  ];
  return [
    ...unknownNames(manifest.base, ["base"], commonNames),
    ...unknownNames(manifest.auth, ["auth"], [...commonNames, "path"]),
    ...unknownNames(manifest.headers, ["headers"], commonNames),
    ...manifest.errors.rules.flatMap((rule, index) => [
      ...hintMistakes(rule, ["errors", "rules", index, "hint"]),
      ...proofMistakes(rule, ["errors", "rules", index, "if"], [...commonNames, "path", "table"]),
    ]),
    ...Object.entries(manifest.tables).flatMap(([name, table]) => [
      ...columnMistakes(table, ["tables", name, "columns"], Object.keys(manifest.tables)),
      ...tableMistakes(table, ["tables", name], [...commonNames, "path"], manifest.errors),
    ]),
  ];
}

/** A hint can name only groups of its rule's message. */
function hintMistakes({ hint, message }: ErrorAddresses["rules"][number], path: Path): Mistake[] {
  const groups = [...(message?.source ?? "").matchAll(/\(\?<(\w+)>/g)].map(([, name = ""]) => name);
  return unknownNames(hint, path, groups);
}

/** One answer proves all records of a call gone, so that no placeholder of a single row has a value. */
function proofMistakes(rule: ErrorAddresses["rules"][number], path: Path, names: readonly string[]): Mistake[] {
  if (!rule.if) return [];
  const isOfAbsence = rule.outcome === "absent" || rule.outcome === "ask";
  const stray = isOfAbsence ? [] : [{ path, message: "belongs to a rule with the outcome absent or ask" }];
  return [...stray, ...templateMistakes({ path, call: rule.if, names: [] }, names)];
}
