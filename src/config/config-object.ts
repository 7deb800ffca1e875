// The shape of throughline.yaml as an object, for programs in TypeScript. What counts is the check at run time, by src/config/config.ts.

/** The verbs of a write. */
export type Verb = "insert" | "update" | "delete";

/** An object of the same shape as throughline.yaml. A duration is text such as `250ms`, `5s`, `10m`, `6h` or `90d`. */
export interface ConfigObject {
  /** The database of the mirrors: the URL of the login that migrates, pulls and serves, or an object with more. */
  readonly postgres:
    | string
    | {
        /** Such as `postgres://throughline@localhost:5432/mydb`. */
        readonly url: string;
        /** The URL of the login that migrates, where the other may not create roles and tables. */
        readonly admin_url?: string | undefined;
        /** The most connections at a time for calls and pulls; 8 if absent. */
        readonly connections?: number | undefined;
        /** From a role to what `migrate` grants it on every mirror. */
        readonly grant?: Readonly<Record<string, readonly ("select" | Verb)[]>> | undefined;
        /** The logins that only take on other roles, such as PostgREST's authenticator: the rules of `write` ask those roles instead. */
        readonly switches?: readonly string[] | undefined;
      };
  /** From the name of a schema to the API whose mirrors are in it. The name is the connector's as well, if the part names none. */
  readonly apis: Readonly<Record<string, ApiObject>>;
  /** Where the proxy listens, and how much it takes. */
  readonly listen?:
    | {
        /** HOST:PORT; `127.0.0.1:6543` if absent. */
        readonly address?: string | undefined;
        /** The time that sessions have to finish when the proxy is closed; `25s` if absent. */
        readonly drain?: string | undefined;
        /** The most clients at a time; 2000 if absent. */
        readonly connections?: number | undefined;
        /** The most connections at a time that Postgres has not let in yet, half of them from one address; 200 if absent. */
        readonly opening?: number | undefined;
        /** The most statements at a time that are held for an API; 500 if absent. */
        readonly writes?: number | undefined;
        /** What is kept of unfinished messages, rows and bound values, over all sessions; `256MB` if absent. */
        readonly memory?: string | undefined;
      }
    | undefined;
  /** HOST:PORT of /metrics, /healthz and /readyz. */
  readonly http?: string | undefined;
  /** How long closed entries of the journal are kept: at least `1h`; `90d` if absent. */
  readonly journal?: { readonly keep?: string | undefined } | undefined;
  /** The log, on stderr; level `info` and format `auto` (text on a terminal, JSON elsewhere) if absent. */
  readonly log?:
    | {
        readonly level?: "error" | "warn" | "info" | "debug" | undefined;
        readonly format?: "auto" | "json" | "text" | undefined;
      }
    | undefined;
}

/** One account of one API. Besides these keys it has those that the connector's manifest asks for, such as `token`: strings. */
export interface ApiObject {
  /** The name of a connector that comes with Throughline. */
  readonly connector?: string | undefined;
  /** The path of a manifest of your own, instead of a connector; a relative one begins in the working directory of the process. */
  readonly manifest?: string | undefined;
  /** The URL that the paths of the API begin with; the manifest's own if absent. */
  readonly base?: string | undefined;
  /** The names of the tables to mirror, or an object with more of each; all that the manifest names if absent. */
  readonly tables?: readonly string[] | Readonly<Record<string, TableObject | null>> | undefined;
  /** The longest time for one answer; `20s` if absent. */
  readonly timeout?: string | undefined;
  /** The longest time that a write waits for the rate limit; `5s` if absent. */
  readonly wait?: string | undefined;
  /** The most calls, such as `5/s` or `1000/10m`; the API's own limits hold as well. */
  readonly rate?: string | undefined;
  /** The mode of transactions that set none; `single` if absent. */
  readonly transaction?: "autocommit" | "single" | "immediate" | undefined;
  readonly [value: string]: unknown;
}

/** One mirror. */
export interface TableObject {
  /** The name of the mirror; the API's name of the table if absent. */
  readonly as?: string | undefined;
  /** The columns to mirror, by the API's names; all if absent. */
  readonly columns?: readonly string[] | undefined;
  /** From the API's name of a column to the mirror's. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
  /** The columns whose values no two records share, by the API's names; `false`: none; those of which the API says so if absent. */
  readonly unique?: false | readonly string[] | undefined;
  /** Verbs, or rules of which the first that fits the role counts; whatever Postgres grants if absent. */
  readonly write?: readonly Verb[] | readonly WriteRuleObject[] | undefined;
}

/** Who may write what, on top of what Postgres grants. */
export interface WriteRuleObject {
  /** Every role if absent. */
  readonly role?: string | undefined;
  /** All three if absent. */
  readonly verbs?: readonly Verb[] | undefined;
  /** The columns that may be written; all if absent. */
  readonly columns?: readonly string[] | undefined;
  /** The most rows of one statement; as many as the API takes if absent. */
  readonly rows?: number | undefined;
}
