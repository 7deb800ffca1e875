// What throughline.yaml says of one API: the account, and which of its tables are mirrored, and how.

import { z } from "zod";
import { isLongName, longestName } from "./name-length.js";
import { suggestion } from "./suggest.js";
import { duration, rate } from "./units.js";

/** What the config needs to know of a connector. */
export interface ConnectorFacts {
  readonly config: Readonly<
    Record<string, { readonly secret: boolean; readonly about: string; readonly default?: string | undefined }>
  >;
  readonly tables: readonly string[];
  /** The API tells of more tables itself. */
  readonly more: boolean;
}

const verbs = ["insert", "update", "delete"] as const;

/** Who may write what; the first rule that is for somebody counts. */
export interface WriteRule {
  /** Undefined: everybody. */
  readonly role?: string | undefined;
  readonly verbs: readonly (typeof verbs)[number][];
  /** Undefined: all that the API lets anybody write. */
  readonly columns?: readonly string[] | undefined;
  /** The most rows of one statement. */
  readonly rows?: number | undefined;
}

export interface TableConfig {
  readonly resource: string;
  /** The mirror's name. */
  readonly as: string;
  /** The columns that are mirrored, by the API's names; undefined: all. */
  readonly columns?: readonly string[] | undefined;
  /** From the API's names of columns to the mirror's. */
  readonly rename: Readonly<Record<string, string>>;
  /** The columns whose values no two records share, by the API's names; false: none; undefined: those of which the API says so. */
  readonly unique?: false | readonly string[] | undefined;
  /** Undefined: whatever Postgres grants. */
  readonly write?: readonly WriteRule[] | undefined;
}

export interface ApiConfig {
  /** The name in the file: the schema of its mirrors. */
  readonly name: string;
  /** A connector's name, or the absolute path of a manifest of the user's own. */
  readonly connector: string;
  readonly base?: string | undefined;
  readonly tables: readonly TableConfig[];
  readonly timeoutMs: number;
  readonly waitMs: number;
  /** Calls that we make at most; the manifest's own limits hold as well. */
  readonly rate?: { readonly calls: number; readonly perMs: number } | undefined;
  /** The mode of transactions that set none. */
  readonly transaction?: (typeof modes)[number] | undefined;
  /** What the manifest asks for: tokens and the like. */
  readonly values: Readonly<Record<string, string>>;
}

const modes = ["autocommit", "single", "immediate"] as const;

const rule = z.strictObject({
  role: z.string().optional(),
  verbs: z.array(z.enum(verbs)).default([...verbs]),
  columns: z.array(z.string()).optional(),
  rows: z.int().positive().optional(),
});
const write = z.array(z.union([z.enum(verbs), rule])).transform((rules, context): readonly WriteRule[] => {
  const plainVerbs = rules.filter((one) => typeof one === "string");
  if (plainVerbs.length > 0 && plainVerbs.length < rules.length)
    context.addIssue({ code: "custom", message: "is a list of verbs, or a list of rules, not both" });
  return plainVerbs.length === rules.length ? [{ verbs: plainVerbs }] : rules.filter((one) => typeof one !== "string");
});
const table = z.strictObject({
  as: z
    .string()
    .min(1)
    .refine((name) => !isLongName(name), {
      error: `is longer than the ${longestName} bytes that Postgres keeps of a name`,
    })
    .optional(),
  columns: z.array(z.string()).min(1).optional(),
  rename: z.record(z.string(), z.string().min(1)).default({}),
  unique: z.union([z.literal(false), z.array(z.string()).min(1)]).optional(),
  write: write.optional(),
});
type TableKeys = z.output<typeof table>;

/** The schema of one API's part, without its name. */
export function apiSchema(connector: string, facts: ConnectorFacts | undefined) {
  const tableNames = facts?.tables ?? [];
  const resource = z.string().refine((name) => facts?.more === true || tableNames.includes(name), {
    error: ({ input }) => `no such table; ${suggestion(String(input), tableNames)}`,
  });
  const tables = z.union([
    z.array(resource).transform((names) => names.map((name) => tableOf(name, undefined))),
    z
      .record(resource, z.union([z.null(), table]))
      .transform((byName) => Object.entries(byName).map(([name, keys]) => tableOf(name, keys ?? undefined))),
  ]);
  const values = Object.fromEntries(
    Object.entries(facts?.config ?? {}).map(([key, { about, default: fallback }]) => {
      const text = z.string({ error: (issue) => (issue.input === undefined ? `is missing: ${about}` : undefined) });
      return [key, fallback === undefined ? text : text.default(fallback)];
    }),
  );
  return z
    .strictObject({
      connector: z.string().optional(),
      manifest: z.string().optional(),
      base: z
        .url()
        .refine((text) => !/[?#]/.test(text), {
          error: 'has a "?" or "#", and the paths of the requests stand behind it',
        })
        .optional(),
      tables: tables
        .default(tableNames.map((name) => tableOf(name, undefined)))
        .superRefine((tableConfigs, context) => {
          const mirrorNames = tableConfigs.map((one) => one.as);
          const twice = mirrorNames.find((name, index) => mirrorNames.indexOf(name) < index);
          if (twice !== undefined)
            context.addIssue({ code: "custom", message: `two of its tables would be "${twice}"` });
          for (const { as: name } of tableConfigs.filter((one) => isLongName(one.as)))
            context.addIssue({
              code: "custom",
              message: `"${name}" is longer than the ${longestName} bytes that Postgres keeps of a name; say "as: NAME" of this table`,
            });
        }),
      timeout: duration.default(20_000),
      wait: duration.default(5_000),
      rate: rate.optional(),
      transaction: z.enum(modes).optional(),
      ...values,
    })
    .transform(
      ({ base, tables: tableConfigs, timeout, wait, rate: atMost, transaction, ...rest }): Omit<ApiConfig, "name"> => ({
        connector,
        base,
        tables: tableConfigs,
        timeoutMs: timeout,
        waitMs: wait,
        rate: atMost,
        transaction,
        values: Object.fromEntries(
          Object.entries(rest).flatMap(([key, value]) =>
            Object.hasOwn(values, key) && typeof value === "string" ? [[key, value]] : [],
          ),
        ),
      }),
    );
}

/** A table of which nothing special is said when there are no `keys`. */
export function tableOf(resource: string, keys: Partial<TableKeys> | undefined): TableConfig {
  const { as: name = resource, columns, rename = {}, unique, write: rules } = keys ?? {};
  return { resource, as: name, columns, rename, unique, write: rules };
}
