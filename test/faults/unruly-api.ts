// An API that does what is asked of it at once, late, or not at all, and whose answer may tell nothing of that. It never says "refused" of the
// first request for what it has done: no program could know better.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isRecord } from "../../src/config/json.js";
import { type Asked, type RowAsked, writeOf } from "./asked.js";
import type { Random } from "./random.js";
import { UnrulyRecords } from "./unruly-records.js";

/** What is answered in place of the result, and says nothing of it. */
const vague = [301, 302, 303, 408, 500, 502, 503] as const;
/** What a repetition is answered under a key that is known: it says nothing of the first request. */
const repetitionRefusals = [400, 404, 409, 413, 422] as const;
const refusals = [400, 409, 413, 422] as const;

/** How one write goes. */
export interface Manner {
  /** How long after the request it is done; null: never. */
  readonly doneAfterMs: number | null;
  /**
   * "result" comes when it is done. "result elsewhere": a redirect 307 to where the result is. A number: that status, at once.
   * "refuses a row": of several, the last; the others are done.
   */
  readonly answer: "result" | "result elsewhere" | "hangs up" | "nothing" | "refuses a row" | "elsewhere" | number;
  /** How long an answer takes. */
  readonly answerAfterMs?: number;
  /** Heard when it is done, before it is answered. */
  readonly whenDone?: () => Promise<void>;
}

export interface UnrulyApi {
  readonly url: string;
  readonly records: UnrulyRecords;
  /** How the next requests go; undefined: as they should. */
  manners: Manners | undefined;
  /** What is still to be done. */
  pending(): number;
  close(): void;
}

export interface Manners {
  /** `isRepetition`: its key is known, and the first request for it was done or is still to be. */
  write(rows: readonly RowAsked[], isRepetition: boolean): Manner;
  read(what: "read" | "find" | "list"): ReadManner;
  /** What its clock is off by. */
  offsetMs(): number;
}

export interface ReadManner {
  readonly answer: "result" | "hangs up" | number;
  /** The answer is what was there before this time had passed. */
  readonly answerAfterMs: number;
  /** Before it looks at its records, or before it answers. */
  readonly beforeLook?: () => Promise<void>;
  readonly beforeAnswer?: () => Promise<void>;
}

/** By the seed: of ten writes six go as they should. `timeoutMs`: after which nobody waits for an answer. */
export function unrulyManners(random: Random, timeoutMs: number): Manners {
  const upTo = (share: number) => random.below(Math.round(share * timeoutMs));
  const write = (rows: readonly RowAsked[], isRepetition: boolean): Manner => {
    if (isRepetition && random.below(5) < 2) return { doneAfterMs: null, answer: random.pick(repetitionRefusals) };
    const kind = random.below(100);
    if (kind < 55) return { doneAfterMs: 0, answer: "result" };
    if (kind < 62) return { doneAfterMs: upTo(0.7), answer: "result" };
    if (kind < 67) return { doneAfterMs: null, answer: random.pick(refusals) };
    if (kind < 70)
      return rows.length > 1 ? { doneAfterMs: 0, answer: "refuses a row" } : { doneAfterMs: 0, answer: "result" };
    if (kind < 72) return { doneAfterMs: 0, answer: "result elsewhere" };
    if (kind < 74) return { doneAfterMs: null, answer: "elsewhere" };
    const answer = random.pick<Manner["answer"]>(["hangs up", "nothing", random.pick(vague), random.pick(vague)]);
    const doneAfterMs = random.pick([null, 0, 0, upTo(2), upTo(9)]);
    return { doneAfterMs, answer, answerAfterMs: random.pick([0, upTo(0.7)]) };
  };
  const read = (): ReadManner => {
    const kind = random.below(100);
    if (kind < 3) return { answer: "hangs up", answerAfterMs: 0 };
    if (kind < 6) return { answer: random.pick([500, 503]), answerAfterMs: 0 };
    return { answer: "result", answerAfterMs: kind < 20 ? upTo(0.8) : 0 };
  };
  const hourMs = 3_600_000;
  return { write, read, offsetMs: () => random.pick([0, hourMs, -hourMs, 72 * hourMs, -72 * hourMs]) };
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** `isUnique`: no two records have one name. */
export async function startUnrulyApi(isUnique: boolean): Promise<UnrulyApi> {
  const records = new UnrulyRecords(isUnique);
  const replies = new Map<string, Reply | "pending">();
  const results: Reply[] = [];
  let pending = 0;
  const shown = (id: string) => {
    const fact = records.get(id);
    return fact && { id, fields: { name: fact.name, note: fact.note } };
  };

  function perform({ verb, rows, many }: Asked, askedMs: number, answer: Manner["answer"]): Reply {
    const failed = answer === "refuses a row" ? rows.at(-1) : undefined;
    const done = rows.filter((row) => row !== failed);
    const facts = records.change(verb, done, { isOurs: true, askedMs, answered: String(answer) });
    if ("status" in facts) return { status: facts.status, body: { code: facts.code, message: "not as it is here" } };
    if (verb === "delete") return { status: 204 };
    const answers = facts.map(({ id }, index) => ({ index: done[index]?.index, ...shown(id) }));
    const refused = failed ? [{ index: failed.index, code: "BAD", message: "not this one", column: "note" }] : [];
    return many ? { status: 200, body: { records: answers, failed: refused } } : { status: 200, body: answers[0] };
  }

  async function write(asked: Asked, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const askedMs = performance.now();
    const key = String(incoming.headers["idempotency-key"] ?? "");
    const known = key === "" ? undefined : replies.get(key);
    const manner = api.manners?.write(asked.rows, known !== undefined) ?? { doneAfterMs: 0, answer: "result" };
    const { doneAfterMs, answer, answerAfterMs = 0, whenDone } = manner;
    const doing = async (): Promise<Reply> => {
      if (known === "pending") return { status: 409, body: { code: "IN_PROGRESS", message: "the first one is at it" } };
      if (known) return known;
      if (doneAfterMs === null) return { status: 500 };
      if (key !== "") replies.set(key, "pending");
      pending += 1;
      if (doneAfterMs > 0) await delay(doneAfterMs);
      pending -= 1;
      const reply = perform(asked, askedMs, answer);
      // What was wrong may be right the next time.
      if (key !== "" && reply.status < 300) replies.set(key, reply);
      else replies.delete(key);
      await whenDone?.();
      return reply;
    };
    const done = doing();
    if (answer === "result" || answer === "refuses a row") return reply(outgoing, await done);
    if (answerAfterMs > 0) await delay(answerAfterMs);
    if (answer === "nothing") return;
    if (answer === "hangs up") {
      incoming.socket.destroy();
      return;
    }
    if (answer === "result elsewhere") {
      const { status } = results[results.push(await done) - 1] ?? { status: 500 };
      // Of what is wrong there is no result.
      if (status >= 300) return reply(outgoing, await done);
      outgoing.setHeader("location", `/results/${results.length - 1}`);
      return reply(outgoing, { status: 307 });
    }
    if (answer === "elsewhere") {
      outgoing.setHeader("location", incoming.url ?? "/");
      return reply(outgoing, { status: 307 });
    }
    if (answer < 400) outgoing.setHeader("location", "/elsewhere");
    reply(outgoing, { status: answer, body: { message: `status ${answer}` } });
  }

  async function read(what: "read" | "find" | "list", body: unknown, url: URL, outgoing: ServerResponse) {
    const list = (name: string) => (isRecord(body) && Array.isArray(body[name]) ? body[name] : []);
    const manner: ReadManner = api.manners?.read(what) ?? { answer: "result", answerAfterMs: 0 };
    const { answer, answerAfterMs } = manner;
    await manner.beforeLook?.();
    const { facts, next } = records.page(
      Number(url.searchParams.get("after") ?? 0),
      Number(url.searchParams.get("limit")),
    );
    const found =
      what === "read"
        ? list("ids").flatMap((id) => shown(String(id)) ?? [])
        : (what === "find" ? list("values").flatMap((name) => records.find(String(name))) : facts).map(({ id }) =>
            shown(id),
          );
    if (answerAfterMs > 0) await delay(answerAfterMs);
    await manner.beforeAnswer?.();
    if (answer === "hangs up") outgoing.destroy();
    else if (answer === "result")
      reply(outgoing, { status: 200, body: { records: found, ...(what === "list" && { next }) } });
    else reply(outgoing, { status: answer, body: { message: "broken" } });
  }

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const said = Buffer.concat(chunks).toString("utf8");
      const body: unknown = said === "" ? undefined : JSON.parse(said);
      const url = new URL(incoming.url ?? "/", "http://api");
      const [, first, what = ""] = url.pathname.split("/");
      outgoing.setHeader("date", new Date(Date.now() + (api.manners?.offsetMs() ?? 0)).toUTCString());
      if (first === "results") return reply(outgoing, results[Number(what)] ?? { status: 500 });
      const asked = writeOf(incoming.method ?? "", what, body);
      if (asked) void write(asked, incoming, outgoing);
      else void read(what === "read" || what === "find" ? what : "list", body, url, outgoing);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const api: UnrulyApi = {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    records,
    manners: undefined,
    pending: () => pending,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return api;
}

function reply(outgoing: ServerResponse, { status, body }: Reply): void {
  if (outgoing.destroyed) return;
  outgoing.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
