// What a manifest may say and what still fails once it is run. Only `connector check` looks for it: a manifest with such a part does what
// its other parts say.

import { memberOf } from "../config/member.js";
import { addressMistake, columnThatIsNoBoolean, unknownKeyMistake } from "./call-checks.js";
import type { Call, VerbCalls } from "./call-schema.js";
import { type Manifest, manifestSchema } from "./manifest.js";
import type { Mistake, Path } from "./placeholders.js";
import type { TableManifest } from "./table-schema.js";

/** The schema of a manifest as `connector check` reads it: also what fails only once it is run is a mistake, with its place. */
export const doubtlessSchema = manifestSchema.superRefine((manifest, context) => {
  if (context.issues.length > 0) return;
  for (const { path, message } of doubtsOf(manifest)) context.addIssue({ code: "custom", path: [...path], message });
});

function doubtsOf(manifest: Manifest): readonly Mistake[] {
  return [
    ...schemeDoubts(manifest),
    ...Object.entries(manifest.tables).flatMap(([name, table]) => tableDoubts(table, ["tables", name])),
  ];
}

/** What is sent before a token is not part of it. */
function schemeDoubts({ auth }: Manifest): Mistake[] {
  const { bearer, basic, header } = auth ?? {};
  const scheme = (text: string) => /^\s*(\S+)\s+\S/.exec(text)?.[1];
  const of = (path: Path, text: string | undefined, sent: string) => {
    const word = text === undefined ? undefined : scheme(text);
    if (word === undefined) return [];
    const other = `header: {Authorization: "${word} …"}`;
    return [
      {
        path: ["auth", ...path],
        message: `begins with "${word}", and ${sent} is sent before it as well: leave it out, or say ${other}`,
      },
    ];
  };
  const repeated = Object.entries(header ?? {}).flatMap(([name, text]) =>
    /^(\S+)\s+\1\s/i.test(text) ? [{ path: ["auth", "header", name], message: "has one word twice" }] : [],
  );
  const [user] = basic ?? [];
  return [
    ...of(["bearer"], bearer, '"Bearer"'),
    ...(user !== undefined && /^basic\s/i.test(user) ? of(["basic"], user, '"Basic"') : []),
    ...repeated,
  ];
}

function tableDoubts(table: TableManifest, at: Path): Mistake[] {
  const { columns, discover } = table;
  const untyped = discover
    ? []
    : Object.entries(columns).flatMap(([name, { type }]) =>
        type === undefined
          ? [{ path: ["columns", name], message: 'has no "type", and no "discover" tells it: it would be text' }]
          : [],
      );
  const doubts = [
    ...untyped,
    ...callsOf(table).flatMap(({ path, call, isCreate }) => callDoubts(table, path, call, isCreate)),
  ];
  return doubts.map(({ path, message }) => ({ path: [...at, ...path], message }));
}

function callDoubts(table: TableManifest, path: Path, call: Call, isCreate: boolean): Mistake[] {
  const address = addressMistake(call.path);
  const unknownKey = isCreate ? unknownKeyMistake(table, call) : undefined;
  const booleans = (["ok", "gone"] as const).flatMap((key) => {
    const pointer = call[key];
    const column = pointer === undefined ? undefined : columnThatIsNoBoolean(table, call, pointer);
    const message = `points at column "${column}" of type ${memberOf(table.columns, column ?? "")?.type}: it has to be a pointer to true or false`;
    return column === undefined ? [] : [{ path: [...path, key], message }];
  });
  return [
    ...(address === undefined ? [] : [{ path: [...path, call.method], message: address }]),
    ...(unknownKey === undefined ? [] : [{ path, message: unknownKey }]),
    ...booleans,
  ];
}

interface PlacedCall {
  readonly path: Path;
  readonly call: Call;
  readonly isCreate: boolean;
}

function callsOf({ read, write, discover }: TableManifest): PlacedCall[] {
  const placed = (path: Path, call: Call | undefined, isCreate = false): PlacedCall[] =>
    call ? [{ path, call, isCreate }] : [];
  const ofVerb = (name: "create" | "update" | "delete", { one, many }: VerbCalls = {}) => {
    const path = (kind: string) => (one && many ? ["write", name, kind] : ["write", name]);
    return [...placed(path("one"), one, name === "create"), ...placed(path("many"), many, name === "create")];
  };
  const { list, get, find, changes, deleted } = read;
  return [
    ...placed(["discover"], discover),
    ...placed(["read", "list"], list),
    ...placed(["read", "get"], get),
    ...placed(["read", "find"], find),
    ...placed(["read", "changes"], changes),
    ...placed(["read", "deleted"], typeof deleted === "string" ? undefined : deleted),
    ...ofVerb("create", write.create),
    ...ofVerb("update", write.update),
    ...ofVerb("delete", write.delete),
    ...placed(["write", "upsert"], write.upsert, true),
  ];
}
