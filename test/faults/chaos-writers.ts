// Clients that write without pause, and what each write was told.

import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Random } from "./random.js";
import type { UnrulyApi } from "./unruly-api.js";
import { spelled } from "./unruly-records.js";
import { type ApiName, apis, type World } from "./world.js";

/** No statement takes so long, whatever fails: it hangs. */
const hangsMs = 90_000;

export interface Write {
  /** The application name of its session; each value that it writes begins with it. */
  readonly token: string;
  readonly api: ApiName;
  readonly verb: "insert" | "update" | "delete";
  /** As upstream writes them. */
  readonly names: readonly string[];
  readonly ends: "by itself" | "commit" | "rollback";
  /** An SQLSTATE, "ok", or "lost" when the connection was; "hung". */
  readonly told: string;
  /** The words of an error. */
  readonly words: string;
  /** How many rows the client was told of, with "ok". */
  readonly rows: number;
  /** What else was wrong with the answer. */
  readonly wrong: readonly string[];
  /** Of a transaction, what its end was told. */
  readonly later: string | undefined;
}

interface Mine {
  readonly api: ApiName;
  readonly name: string;
}

interface Writer {
  readonly world: World<UnrulyApi>;
  readonly random: Random;
  readonly name: string;
  /** Which of the mirrors; all if absent. */
  readonly apis?: readonly [ApiName, ...ApiName[]];
  /** Undefined: no further write. */
  next(): number | undefined;
}

/** One client's life. Returns its writes. */
export async function keepWriting({
  world,
  random,
  name,
  apis: chosen = apis,
  next,
}: Writer): Promise<readonly Write[]> {
  const mine: Mine[] = [];
  const writes: Write[] = [];
  let client: pg.Client | undefined;
  for (let n = next(); n !== undefined; n = next()) {
    const token = `${name}-${n}`;
    const kind = random.below(100);
    const at = random.below(Math.max(1, mine.length));
    const old = kind < 50 ? undefined : mine[at];
    const api = old?.api ?? random.pick(chosen);
    const verb = !old ? "insert" : kind < 85 ? "update" : "delete";
    const count = !old && random.below(5) === 0 ? 2 + random.below(2) : 1;
    // Upstream has its own spelling.
    const sent = old
      ? [old.name]
      : Array.from({ length: count }, (_, index) => `${" ".repeat(random.below(2))}W${token}-${index}`);
    const ends = random.pick(["by itself", "by itself", "commit", "rollback"] as const);
    const returns = random.below(2) === 0;
    client ??= await connect(world, random);
    const write = await writeOnce(client, { token, api, verb, sent, ends, returns });
    if (write.told === "lost" || write.told === "hung" || write.later === "lost") {
      client.end().catch(() => undefined);
      client = undefined;
    }
    writes.push(write);
    if (verb === "insert") mine.push(...write.names.map((one) => ({ api, name: one })));
    // So that each deletion of a record is one write's.
    if (verb === "delete") mine.splice(at, 1);
  }
  await client?.end().catch(() => undefined);
  return writes;
}

/** Until one of the proxies lets it in; what was given up meanwhile is a session that asks for nothing. */
async function connect(world: World<UnrulyApi>, random: Random): Promise<pg.Client> {
  for (;;) {
    const client = await Promise.race([world.client(random.pick(world.proxies)).catch(() => undefined), delay(2_000)]);
    if (client) return client;
    await delay(20);
  }
}

export interface Statement {
  readonly token: string;
  readonly api: ApiName;
  readonly verb: Write["verb"];
  readonly sent: readonly string[];
  readonly ends: Write["ends"];
  readonly returns: boolean;
}

/** One statement, in a transaction or by itself. */
export async function writeOnce(
  client: pg.Client,
  { token, api, verb, sent, ends, returns }: Statement,
): Promise<Write> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<"hung">((resolve) => {
    timer = setTimeout(() => resolve("hung"), hangsMs);
  });
  let words = "";
  const ask = async (sql: string, values: readonly string[] = []) => {
    const asked = client.query<{ name: string; note: string }>(sql, [...values]).catch((cause: unknown) => {
      words ||= cause instanceof Error ? cause.message : String(cause);
      return codeOf(cause);
    });
    return Promise.race([asked, hangs]);
  };
  const begun = await ask(`set application_name = '${token}'`);
  if (typeof begun !== "string" && ends !== "by itself") await ask("begin");
  const { text, values } = sqlOf(api, verb, sent, `w${token}`);
  const result = await ask(returns ? `${text} returning name, note` : text, values);
  const told = typeof result === "string" ? result : "ok";
  const rows = typeof result === "string" ? 0 : (result.rowCount ?? 0);
  const wrong: string[] = [];
  if (returns && verb !== "delete" && typeof result !== "string") {
    for (const row of result.rows) {
      const isOwn = row.note === `w${token}` && sent.map(spelled).includes(row.name);
      if (!isOwn) wrong.push(`was returned ${JSON.stringify(row)}`);
    }
  }
  const ended = ends === "by itself" || told === "lost" ? undefined : await ask(ends);
  clearTimeout(timer);
  const later = ended === undefined ? undefined : typeof ended === "string" ? ended : "ok";
  return { token, api, verb, names: sent.map(spelled), ends, told, words, rows, wrong, later };
}

function sqlOf(api: ApiName, verb: Write["verb"], names: readonly string[], note: string) {
  const table = `${api}.records`;
  const [name = ""] = names;
  switch (verb) {
    case "insert": {
      const rows = names.map((_, index) => `($${index + 2}, $1)`).join(", ");
      return { text: `insert into ${table} (name, note) values ${rows}`, values: [note, ...names] };
    }
    case "update":
      return { text: `update ${table} set note = $1 where name = $2`, values: [note, name] };
    case "delete":
      return { text: `delete from ${table} where name = $1`, values: [name] };
  }
}

/** What ends a session says nothing of the statement. */
function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "lost";
  return /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08)/.test(code) ? code : "lost";
}
