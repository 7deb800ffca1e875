// throughline.yaml: its schema, and how it is read. What an API's part may hold depends on its manifest, which is asked for.

import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { type ApiConfig, apiSchema, type ConnectorFacts } from "./api.js";
import { ConfigError } from "./explained.js";
import { isRecord } from "./json.js";
import { memberOf } from "./member.js";
import { isLongName, longestName } from "./name-length.js";
import type { ConfigSource } from "./source.js";
import { substitute } from "./substitute.js";
import { timerMs } from "./timer.js";
import { duration, size } from "./units.js";

export const logLevels = ["error", "warn", "info", "debug"] as const;

export interface Config {
  readonly listen: {
    readonly host: string;
    readonly port: number;
    /** How long sessions have to finish what they are at when the proxy is asked to stop. */
    readonly drainMs: number;
    /** The most clients at a time. */
    readonly connections: number;
    /** The most connections at a time that Postgres has not let in yet. */
    readonly opening: number;
    /** The most statements at a time that are held for an API. */
    readonly writes: number;
    /** How many bytes are kept of unfinished messages, rows and bound values, over all sessions. */
    readonly memoryBytes: number;
  };
  readonly postgres: {
    readonly url: string;
    /** Of the login that migrates; undefined: the same. */
    readonly adminUrl?: string | undefined;
    readonly connections: number;
    readonly grant: Readonly<Record<string, readonly string[]>>;
    /** The logins that only take on other roles: the policy `write` asks those roles, and the login where it writes as itself. */
    readonly switches: readonly string[];
  };
  readonly apis: readonly ApiConfig[];
  /** Where /metrics, /healthz and /readyz are; undefined: where they are by default. */
  readonly http?: { readonly host: string; readonly port: number } | undefined;
  /** How long closed journal entries are kept. */
  readonly journal: { readonly keepMs: number };
  readonly log: { readonly level: (typeof logLevels)[number]; readonly format: "auto" | "json" | "text" };
}

/** What a page of the sync may overwrite is told by entries that are younger than the page. */
const leastKeepMs = 3_600_000;
const keep = duration.refine((ms) => ms >= leastKeepMs, { error: "is at least 1h" });

/** A quarter of it is the largest message that one session can send. */
const leastMemoryBytes = 64 * 1024 * 1024;
const defaultMemoryBytes = 256 * 1024 * 1024;

/** 90 days. */
const defaultKeepMs = 90 * 86_400_000;

const address = z.string().transform((text, context) => {
  const match = /^(.+):(\d+)$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535)
    context.addIssue({ code: "custom", message: `"${text}" is no address such as 127.0.0.1:6543` });
  return { host: match?.[1] ?? "", port };
});
const listen = z.strictObject({
  address: address.default({ host: "127.0.0.1", port: 6543 }),
  // With the seconds that a stop takes behind it, what process managers allow.
  drain: duration.transform(timerMs).default(25_000),
  connections: z.int().positive().default(2_000),
  opening: z.int().positive().default(200),
  writes: z.int().positive().default(500),
  memory: size.refine((bytes) => bytes >= leastMemoryBytes, { error: "is at least 64MB" }).default(defaultMemoryBytes),
});
const privilege = z.enum(["select", "insert", "update", "delete"]);
// What is wrong in it is not repeated: it may hold a password.
const databaseUrl = z.string().refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text), {
  error: "is no URL such as postgres://throughline@localhost:5432/mydb",
});
const postgres = z.strictObject({
  url: databaseUrl,
  // Where only serving is done, ${ADMIN_URL:-} is nothing.
  admin_url: z.union([z.literal("").transform(() => undefined), databaseUrl]).optional(),
  connections: z.int().positive().default(8),
  grant: z.record(z.string(), z.array(privilege)).default({}),
  switches: z.array(z.string(), { error: "is no list of logins such as [authenticator]" }).default([]),
});

/** Reads a config; `env` fills in `${…}`, and `factsOf` describes a connector. Throws ConfigError with one line for each mistake. */
export function loadConfig(
  source: ConfigSource,
  env: Readonly<Record<string, string | undefined>>,
  factsOf: (connector: string) => ConnectorFacts | undefined,
): Config {
  const raw = source.apis;
  const connectors = Object.fromEntries(
    Object.entries(raw).map(([name, api]) => [name, connectorOf(name, api, source.folder)]),
  );
  const apis = Object.fromEntries(
    Object.entries(connectors).map(([name, connector]) => [name, apiSchema(connector, factsOf(connector))]),
  );
  const schema = z.strictObject({
    listen: listen.prefault({}),
    postgres: z.union([
      z
        .string()
        .transform((url) => ({ url }))
        .pipe(postgres),
      postgres,
    ]),
    apis: z.strictObject(apis),
    http: address.optional(),
    journal: z.strictObject({ keep: keep.default(defaultKeepMs) }).default({ keep: defaultKeepMs }),
    log: z
      .strictObject({
        level: z.enum(logLevels).default("info"),
        format: z.enum(["auto", "json", "text"]).default("auto"),
      })
      .default({ level: "info", format: "auto" }),
  });
  const read = source.read(schema, (value, at) => {
    const mistakes = [
      ...takenNames(raw, at),
      ...unknownConnectors(connectors, factsOf, at),
      ...(source.readByPeople ? literalSecrets(raw, connectors, factsOf, at) : []),
    ];
    const output = substitute(withApis(value), env, at, mistakes);
    if (mistakes.length > 0) throw new ConfigError(mistakes);
    return output;
  });
  const { url, admin_url: adminUrl, connections, grant, switches } = read.postgres;
  return {
    listen: {
      ...read.listen.address,
      drainMs: read.listen.drain,
      connections: read.listen.connections,
      opening: read.listen.opening,
      writes: read.listen.writes,
      memoryBytes: read.listen.memory,
    },
    postgres: { url, adminUrl, connections, grant, switches },
    http: read.http,
    journal: { keepMs: read.journal.keep },
    log: read.log,
    apis: Object.entries(read.apis).map(([name, api]) => ({ name, ...api })),
  };
}

/** Under an `apis:` that has nothing but comments, there are none. */
function withApis(value: unknown): unknown {
  return isRecord(value) && value["apis"] === null ? { ...value, apis: {} } : value;
}

/** The name of an API is that of a schema: some are others', and Postgres cuts a long one. */
function takenNames(raw: Readonly<Record<string, unknown>>, at: (path: readonly PropertyKey[]) => string): string[] {
  return Object.keys(raw).flatMap((name) => {
    const isTaken = /^pg_|^(throughline|information_schema|public)$/.test(name);
    if (!isTaken && !isLongName(name)) return [];
    const wrong = isTaken
      ? "a schema of that name is not ours to fill"
      : `a schema has a name of at most ${longestName} bytes`;
    return [`${at(["apis", name])}: ${wrong}; choose another, and say "connector"`];
  });
}

function unknownConnectors(
  connectors: Readonly<Record<string, string>>,
  factsOf: (connector: string) => ConnectorFacts | undefined,
  at: (path: readonly PropertyKey[]) => string,
): string[] {
  return Object.entries(connectors).flatMap(([name, connector]) =>
    factsOf(connector)
      ? []
      : [`${at(["apis", name])}: there is no ${isAbsolute(connector) ? "manifest" : "connector"} "${connector}"`],
  );
}

/** A secret in the file itself would be in its history, its backups and every support ticket. */
function literalSecrets(
  raw: Readonly<Record<string, unknown>>,
  connectors: Readonly<Record<string, string>>,
  factsOf: (connector: string) => ConnectorFacts | undefined,
  at: (path: readonly PropertyKey[]) => string,
): string[] {
  return Object.entries(raw).flatMap(([name, api]) =>
    Object.entries(factsOf(memberOf(connectors, name) ?? name)?.config ?? {}).flatMap(([key, { secret }]) => {
      const value = isRecord(api) ? memberOf(api, key) : undefined;
      if (!secret || typeof value !== "string" || /^\$\{(?:\w+|file:[^}]+)\}$/.test(value)) return [];
      return [
        `${at(["apis", name, key])}: is a secret, and stands here for all to read; write \${${key.toUpperCase()}} or \${file:/path}`,
      ];
    }),
  );
}

function connectorOf(name: string, api: unknown, folder: string): string {
  const { connector, manifest } = isRecord(api) ? api : {};
  if (typeof manifest === "string") return resolve(folder, manifest);
  return typeof connector === "string" ? connector : name;
}
