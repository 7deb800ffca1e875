// The API of the fault tests: records in memory, over real HTTP. It does what a fault says to the write that names its tag.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isRecord } from "../../src/config/json.js";
import { type Asked, writeOf } from "./asked.js";
import { drip, type Reply } from "./drip.js";

export type ApiFault =
  | "refuses"
  | "refuses a row"
  | "hangs before"
  | "hangs after"
  | "hangs up before"
  | "hangs up after"
  | "500 before"
  | "500 after"
  | "429 storm"
  | "429 without end"
  | "drips"
  | "empty 200"
  | "wrong JSON"
  | "leaves a row out"
  | "tells when it is there"
  | "tells when it is done";

export interface Fact {
  readonly id: string;
  readonly name: string;
  readonly note: string | null;
}

export interface FaultyApi {
  readonly url: string;
  /** The fault of the next write whose records' names begin with `tag`. */
  set(tag: string, fault: ApiFault, there?: () => Promise<void>): void;
  /** The next list is taken as it is then, and answered when it is let go. */
  hold(): Held;
  records(): readonly Fact[];
  /** Every record that was made or changed, in the order of that; a note of null at the end of those that are gone. */
  readonly history: readonly Fact[];
  add(name: string, note: string): string;
  /** As if somebody else had done it; returns the record's id. */
  apply(verb: "insert" | "update" | "delete", fact: Fact): string;
  /** Forgets everything. */
  reset(): void;
  /** How often a record was created under a name that begins with `tag`. */
  created(tag: string): readonly string[];
  close(): void;
}

interface Held {
  /** Resolves when the list has been asked for. */
  readonly asked: Promise<void>;
  letGo(): void;
}

/** `unique`: no two records have one name. */
export async function startApi(names?: "unique"): Promise<FaultyApi> {
  const stored = new Map<string, Fact>();
  const history: Fact[] = [];
  const store = (fact: Fact) => {
    stored.set(fact.id, fact);
    history.push(fact);
  };
  const remove = (id: string) => {
    const fact = stored.get(id);
    if (fact) history.push({ ...fact, note: null });
    stored.delete(id);
  };
  const faults = new Map<string, { fault: ApiFault; left: number; there: (() => Promise<void>) | undefined }>();
  const creations: string[] = [];
  const replayed = new Map<string, Reply>();
  let last = 0;
  let listHeld: { asked(): void; readonly free: Promise<void> } | undefined;

  const add = (name: string, note: string | null) => {
    last += 1;
    const id = `r${last}`;
    store({ id, name, note });
    creations.push(name);
    return id;
  };
  const shown = (id: string) => {
    const fact = stored.get(id);
    return fact && { id, fields: { name: fact.name, note: fact.note } };
  };
  const text = (value: unknown) => (typeof value === "string" ? value : null);

  /** All rows or, but for the one that is refused, none. */
  function apply({ verb, rows, many }: Asked, refusesLast: boolean): Reply {
    const failed = refusesLast ? rows.at(-1) : undefined;
    const done = rows.filter((row) => row !== failed);
    const taken = names === "unique" ? [...stored.values()].map(({ name }) => name) : [];
    for (const { id, fields } of done) {
      if (verb === "insert" && taken.includes(text(fields["name"]) ?? ""))
        return { status: 409, body: { code: "DUPLICATE", message: "the name is taken", column: "name" } };
      if (verb !== "insert" && !stored.has(id))
        return { status: 404, body: { code: "GONE", message: "no such record" } };
    }
    const records = done.flatMap(({ index, id, fields }) => {
      if (verb === "delete") {
        remove(id);
        return [];
      }
      const before = stored.get(id);
      if (before) store({ ...before, note: "note" in fields ? text(fields["note"]) : before.note });
      const now = before ? id : add(text(fields["name"]) ?? "", text(fields["note"]));
      return [{ index, ...shown(now) }];
    });
    if (verb === "delete") return { status: 204 };
    const refusals = failed ? [{ index: failed.index, code: "BAD", message: "not this one", column: "note" }] : [];
    return many ? { status: 200, body: { records, failed: refusals } } : { status: 200, body: records[0] };
  }

  function faultOf({ rows }: Asked) {
    const meant = rows.flatMap(({ id, fields }) => text(fields["name"]) ?? stored.get(id)?.name ?? []);
    const tag = [...faults.keys()].find((candidate) => meant.some((name) => name.startsWith(candidate)));
    const found = tag === undefined ? undefined : faults.get(tag);
    if (tag === undefined || !found) return undefined;
    found.left -= 1;
    if (found.left <= 0) faults.delete(tag);
    return found;
  }

  async function write(asked: Asked, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const key = incoming.headers["idempotency-key"];
    const before = typeof key === "string" ? replayed.get(key) : undefined;
    if (before) return answer(outgoing, before);
    const found = faultOf(asked);
    const fault = found?.fault;
    const does = (refusesLast = false) => {
      const reply = apply(asked, refusesLast);
      if (typeof key === "string") replayed.set(key, reply);
      return reply;
    };
    switch (fault) {
      case "refuses":
        return answer(outgoing, { status: 422, body: { code: "BAD", message: "not like this", column: "note" } });
      case "refuses a row":
        return answer(outgoing, does(asked.rows.length > 1 && asked.verb !== "delete"));
      case "hangs before":
        return;
      case "hangs after":
        does();
        return;
      case "hangs up before":
        incoming.socket.destroy();
        return;
      case "hangs up after":
        does();
        incoming.socket.destroy();
        return;
      case "500 before":
        return answer(outgoing, { status: 500, body: { message: "broken" } });
      case "500 after":
        does();
        return answer(outgoing, { status: 500, body: { message: "broken" } });
      case "429 storm":
      case "429 without end":
        outgoing.setHeader("retry-after", fault === "429 storm" ? "0.02" : "1");
        return answer(outgoing, { status: 429, body: { message: "later" } });
      case "drips":
        return drip(outgoing, does());
      case "empty 200":
        does();
        return answer(outgoing, { status: 200 });
      case "wrong JSON":
        does();
        outgoing.writeHead(200, { "content-type": "application/json" });
        outgoing.end('{"records": [');
        return;
      case "leaves a row out": {
        const { status, body } = does();
        const records = isRecord(body) && Array.isArray(body["records"]) ? body["records"].slice(0, -1) : undefined;
        return answer(outgoing, { status, body: isRecord(body) && records ? { ...body, records } : body });
      }
      case "tells when it is there":
        await found?.there?.();
        return answer(outgoing, does());
      case "tells when it is done": {
        const reply = does();
        await found?.there?.();
        return answer(outgoing, reply);
      }
      case undefined:
        return answer(outgoing, does());
    }
  }

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const said = Buffer.concat(chunks).toString("utf8");
      const body: unknown = said === "" ? undefined : JSON.parse(said);
      const url = new URL(incoming.url ?? "/", "http://api");
      const [, , what = ""] = url.pathname.split("/");
      const list = (name: string) => (isRecord(body) && Array.isArray(body[name]) ? body[name] : []);
      const asked = writeOf(incoming.method ?? "", what, body);
      if (asked) {
        void write(asked, incoming, outgoing);
      } else if (what === "read") {
        answer(outgoing, { status: 200, body: { records: list("ids").flatMap((id) => shown(String(id)) ?? []) } });
      } else if (what === "find") {
        const found = [...stored.values()].filter(({ name }) => list("values").includes(name));
        answer(outgoing, { status: 200, body: { records: found.map(({ id }) => shown(id)) } });
      } else {
        const reply = { status: 200, body: { records: [...stored.keys()].map(shown) } };
        const held = listHeld;
        listHeld = undefined;
        held?.asked();
        void Promise.resolve(held?.free).then(() => answer(outgoing, reply));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    set: (tag, fault, there) => faults.set(tag, { fault, left: fault === "429 storm" ? 3 : 1, there }),
    hold: () => {
      let asked = () => {};
      let letGo = () => {};
      const wasAsked = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const free = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      listHeld = { asked, free };
      return {
        asked: wasAsked,
        letGo: () => {
          listHeld = undefined;
          letGo();
        },
      };
    },
    records: () => [...stored.values()],
    history,
    add: (name, note) => add(name, note),
    apply: (verb, { id, name, note }) => {
      if (verb === "insert") return add(name, note);
      if (verb === "delete") remove(id);
      else store({ id, name, note });
      return id;
    },
    reset: () => {
      stored.clear();
      creations.length = 0;
      history.length = 0;
    },
    created: (tag) => creations.filter((name) => name.startsWith(tag)),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(outgoing: ServerResponse, { status, body }: Reply): void {
  outgoing.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
}
