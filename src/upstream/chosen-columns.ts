// Which of an API's columns a mirror has, and under which names: what the config says of it, within what Postgres can name.

import type { TableConfig } from "../config/api.js";
import { isCleanText } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import { isLongName, longestName } from "../config/name-length.js";
import { suggestion } from "../config/suggest.js";
import { ConfigError } from "../config/yaml.js";
import type { MirrorColumn } from "../mirror/column.js";
import { nameList, upstreamName } from "./words.js";

/** The parts of a table's config that choose among the columns. */
export type ColumnChoice = Pick<TableConfig, "resource" | "columns" | "rename" | "unique">;

/** Each table of Postgres has them (manual: "System Columns"). */
const systemColumns: readonly string[] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/** The most columns of a table (manual: "PostgreSQL Limits"). */
const mostColumns = 1_600;

/** Returns the columns that the config chooses, under the names that it gives them. Throws ConfigError with one line for each mistake. */
export function chosenColumns(
  columns: readonly MirrorColumn[],
  key: readonly string[],
  choice: ColumnChoice,
  api: string,
): readonly MirrorColumn[] {
  const { resource, columns: wantedNames, rename, unique } = choice;
  const chosen = columns.filter(
    ({ name }) => wantedNames === undefined || wantedNames.includes(name) || key.includes(name),
  );
  const nameOf = ({ name }: MirrorColumn) => memberOf(rename, name) ?? name;
  const mistakes = [...choiceMistakes(columns, key, choice), ...nameMistakes(chosen, nameOf), ...countMistakes(chosen)];
  if (mistakes.length > 0)
    throw new ConfigError(mistakes.map((mistake) => `apis.${api}.tables.${resource}: ${mistake}`));
  return chosen.map((column) => ({ ...column, name: nameOf(column), unique: isUnique(column, unique) }));
}

function isUnique({ name, unique }: MirrorColumn, wanted: ColumnChoice["unique"]): boolean {
  return wanted === undefined ? unique : wanted !== false && wanted.includes(name);
}

/** What the config names that is not there, or can't be. */
function choiceMistakes(
  columns: readonly MirrorColumn[],
  key: readonly string[],
  { columns: wantedNames = [], rename, unique }: ColumnChoice,
): string[] {
  const names = columns.map(({ name }) => name);
  const named = [...wantedNames, ...Object.keys(rename), ...(unique === false ? [] : (unique ?? []))];
  return [
    ...[...new Set(named)]
      .filter((name) => !names.includes(name))
      .map((name) => `there is no column "${name}"; ${suggestion(name, names)}`),
    ...Object.keys(rename)
      .filter((name) => key.includes(name))
      .map((name) => `the key "${name}" keeps its name`),
  ];
}

/** The names that the columns would have here, and Postgres can't give them. */
function nameMistakes(chosen: readonly MirrorColumn[], nameOf: (column: MirrorColumn) => string): string[] {
  const apiNamesOf = new Map<string, string[]>();
  for (const column of chosen) {
    const name = nameOf(column);
    apiNamesOf.set(name, [...(apiNamesOf.get(name) ?? []), column.name]);
  }
  return [...apiNamesOf].flatMap(([name, apiNames]) => {
    const wrong = wrongName(name, apiNames);
    if (wrong === undefined) return [];
    const example = `rename: {${JSON.stringify(upstreamName(apiNames.at(-1) ?? name))}: NAME}`;
    return [`${wrong}: write another name under "rename", such as ${example}`];
  });
}

/** What speaks against a name that these columns of the API would have; undefined: nothing. */
function wrongName(name: string, apiNames: readonly string[]): string | undefined {
  const shown = upstreamName(name);
  if (apiNames.length > 1) return `${apiNames.length} columns would be called "${shown}" (${nameList(apiNames)})`;
  if (systemColumns.includes(name)) return `"${shown}" is a name that Postgres keeps for itself`;
  if (isLongName(name))
    return `the name "${shown}" has ${Buffer.byteLength(name)} bytes, and Postgres keeps ${longestName}`;
  return isCleanText(name) ? undefined : `the name "${shown}" has characters that can't be shown`;
}

function countMistakes({ length }: readonly MirrorColumn[]): string[] {
  if (length <= mostColumns) return [];
  return [
    `${length} columns are more than the ${mostColumns} of a table in Postgres: name those that you want under "columns", such as columns: [NAME, NAME]`,
  ];
}
