// The functions of the database that may write at all, and their bodies, read from the catalogue in portions.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import { inCatalogue } from "./catalogue-query.js";

/** One version of a function: what replaces or alters it changes `version`, which is the xmin of its row. */
export interface CandidateFunction {
  readonly oid: number;
  readonly version: string;
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  /** The length of its body. */
  readonly bytes: number;
}

export interface FunctionBody {
  readonly oid: number;
  readonly version: string;
  readonly source: string;
  /** The body as Postgres keeps it; null when it is text. */
  readonly tree: string | null;
}

/** A longer body is not read, in bytes. */
const longestBody = 256 * 1024;
/** So many bytes and functions of each role's are read, those that were made first. */
const mostBytesOfRole = 16 * 1024 * 1024;
const mostOfRole = 20_000;
/** One query reads so many functions, or so many bytes of their bodies. */
const functionsInPortion = 1_000;
const bytesInPortion = 512 * 1024;

/** What is not volatile writes nothing, a trigger function is never called by a statement, and the body in C or of Postgres itself is no SQL. */
const isCandidate = `p.prokind in ('f', 'p') and p.provolatile = 'v'
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and p.prolang not in (select oid from pg_language where lanname in ('internal', 'c'))
  and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'throughline'::regnamespace)`;

const fingerprintRow = z.object({ fingerprint: z.string() });

/** Returns a text that changes with every function, view, rule and schema that is made, altered or dropped. */
export async function readFingerprint(pool: Pool): Promise<string> {
  const sum = (parts: string) => `concat(count(*), ' ', sum(hashtextextended(concat_ws(' ', ${parts}), 0)))`;
  const [row] = await inCatalogue(pool, (client) =>
    queryRows(
      client,
      "the fingerprint of the catalogue",
      fingerprintRow,
      `select concat_ws(', ', (select ${sum("p.oid, p.xmin")} from pg_proc p where ${isCandidate}),
         (select ${sum("r.oid, r.xmin, c.relname, c.relnamespace, c.relowner")} from pg_rewrite r join pg_class c on c.oid = r.ev_class),
         (select ${sum("oid, nspname")} from pg_namespace)) as fingerprint`,
    ),
  );
  return row?.fingerprint ?? "";
}

const candidateRow: z.ZodType<CandidateFunction> = z.object({
  oid: z.number(),
  version: z.string(),
  schema: z.string(),
  name: z.string(),
  owner: z.string(),
  bytes: z.number(),
});

/** Reads the candidates, a portion at a time. What one role has too much of is left out, and takes nobody else's place. */
export async function loadCandidates(pool: Pool, take: (portion: CandidateFunction[]) => void): Promise<void> {
  await inCatalogue(pool, async (client) => {
    await client.query(
      `declare candidates no scroll cursor for select oid, version, schema, name, pg_get_userbyid(proowner)::text as owner, bytes from (
         select *, row_number() over of_role as position, sum(bytes) over of_role as total from (
           select p.oid, p.xmin::text as version, n.nspname as schema, p.proname as name, p.proowner,
             octet_length(p.prosrc) + coalesce(octet_length(p.prosqlbody::text), 0) as bytes
           from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${isCandidate}) candidate
         where bytes <= ${longestBody} window of_role as (partition by proowner order by oid)) ranked
       where position <= ${mostOfRole} and total <= ${mostBytesOfRole}`,
    );
    for (;;) {
      const portion = await queryRows(
        client,
        "the functions of the database",
        candidateRow,
        `fetch ${functionsInPortion} from candidates`,
      );
      take(portion);
      if (portion.length < functionsInPortion) return;
    }
  });
}

const bodyRow: z.ZodType<FunctionBody> = z.object({
  oid: z.number(),
  version: z.string(),
  source: z.string(),
  tree: z.string().nullable(),
});

/** Reads the bodies of functions, portion by portion; one that is gone, or too long by now, is left out. */
export async function* loadBodies(pool: Pool, functions: readonly CandidateFunction[]): AsyncGenerator<FunctionBody[]> {
  for (const oids of portionsOf(functions)) {
    yield await inCatalogue(pool, (client) =>
      queryRows(
        client,
        "the bodies of functions",
        bodyRow,
        `select oid, xmin::text as version, prosrc as source, prosqlbody::text as tree from pg_proc
         where oid = any($1::oid[]) and octet_length(prosrc) + coalesce(octet_length(prosqlbody::text), 0) <= $2`,
        [oids, longestBody],
      ),
    );
  }
}

function* portionsOf(functions: readonly CandidateFunction[]): Generator<number[]> {
  let oids: number[] = [];
  let total = 0;
  for (const { oid, bytes } of functions) {
    if (oids.length === functionsInPortion || (total + bytes > bytesInPortion && oids.length > 0)) {
      yield oids;
      oids = [];
      total = 0;
    }
    oids.push(oid);
    total += bytes;
  }
  if (oids.length > 0) yield oids;
}

const wordsRow = z.object({ functions: z.array(z.string()), keywords: z.array(z.string()) });

/** Returns the names of Postgres's own functions, and the words of SQL. */
export async function loadLanguageWords(pool: Pool): Promise<z.infer<typeof wordsRow>> {
  const [words] = await inCatalogue(pool, (client) =>
    queryRows(
      client,
      "the words of SQL",
      wordsRow,
      `select array(select distinct proname::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace) as functions,
         array(select word::text from pg_get_keywords()) as keywords`,
    ),
  );
  return { functions: words?.functions ?? [], keywords: [...(words?.keywords ?? []), ...plpgsqlWords] };
}

/** The words of PL/pgSQL that may stand in front of a bracket and are no words of SQL. */
const plpgsqlWords = [
  ...[
    "assert",
    "elseif",
    "elsif",
    "exit",
    "foreach",
    "loop",
    "open",
    "perform",
    "query",
    "raise",
    "reverse",
    "slice",
    "while",
  ],
];
