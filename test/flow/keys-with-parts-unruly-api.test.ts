// Keys of several columns on an API that changes them, leaves them out, or gives them to other records.

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { asAdmin } from "../../src/app/open.js";
import { isRecord } from "../../src/config/json.js";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { migrate } from "../../src/mirror/migrate.js";
import { refused } from "../support/answers.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";

interface Reply {
  readonly status: number;
  readonly body?: unknown;
  /** The body as it is. */
  readonly raw?: string;
  readonly after?: Promise<unknown>;
}
/** `asked`: method and path. */
type Answer = (asked: string, body: Readonly<Record<string, unknown>>) => Reply;
type ScriptedLine = ServedStack & { readonly requests: readonly string[] };

async function withLine(yaml: string, answer: Answer, act: (stack: ScriptedLine) => Promise<void>): Promise<void> {
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", async () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const read: unknown = text === "" ? {} : JSON.parse(text);
      const asked = `${incoming.method} ${incoming.url}`;
      requests.push(asked);
      const { status, body, raw, after } = answer(asked, isRecord(read) ? read : { list: read });
      await after;
      const said = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      outgoing.writeHead(status, said === undefined ? {} : { "content-type": "application/json" });
      outgoing.end(said);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const manifest = readYaml("own.yaml", yaml, manifestSchema);
  const resource = Object.keys(manifest.tables)[0] ?? "";
  const stack = await startManifestStack({ schema: "own", manifest, resource, url: `http://127.0.0.1:${port}`, close });
  await act({ ...stack, requests }).finally(() => stack.close());
}

const head = `
throughline: 1
api: own
base: http://127.0.0.1
config: {}
auth: { bearer: none }
errors: { code: [/code], message: [/message], column: [/field], row: /index, rules: [{ code: GONE, outcome: absent }] }
types: {}
tables:`;

/** The repository is given, the id assigned. */
const issues = `${head}
  issues:
    key: [repo, id]
    record: { key: [/repo, /id], fields: "", absent: "null" }
    columns:
      repo: { type: text, write: create }
      id: { type: text, write: never }
      title: text
    read:
      list: { GET: /issues, rows: /records }
      get: { POST: /read, body: { keys: { each: { repo: "{key.repo}", id: "{key.id}" } } }, rows: /records, max: 100 }
    write:
      create:
        one: { POST: /issues, body: "{record}", rows: "" }
        many: { POST: /many, body: { each: "{record}" }, rows: /records, match: /index, failed: /failed, max: 100 }
      update: { PATCH: "/issues/{key.repo}/{key.id}", body: "{record}", rows: "" }
      delete: { DELETE: "/issues/{key.repo}/{key.id}" }
`;

/** Both halves are given. */
const links = `${head}
  links:
    key: [origin, target]
    record: { key: [/origin, /target], fields: "", absent: "null" }
    columns:
      origin: { type: bigint, write: create }
      target: { type: text, write: create }
      label: text
    read:
      list: { GET: /links, rows: /records }
      get: { POST: /read, body: { ids: { each: "{key.origin}~{key.target}" } }, rows: /records, max: 100 }
    write:
      create: { PUT: "/links/{key.origin}~{key.target}", body: "{record}" }
      delete: { DELETE: "/links/{key.origin}~{key.target}" }
`;

const one = { repo: "a", id: "1", title: "x" };
const rowsOf = async ({ admin }: ServedStack, order: string) =>
  (await admin.query(`select * from own.${order === "target" ? "links" : "issues"} order by ${order}`)).rows;
const always =
  (records: readonly unknown[]): Answer =>
  () => ({ status: 200, body: { records } });

/** Stores links; `normal` is what it makes of a key, and a PUT replaces what is there. */
function linkApi(normal = (key: string) => key, after?: Promise<unknown>): Answer {
  const stored = new Map<string, unknown>();
  return (asked, body) => {
    const key = normal(decodeURIComponent(asked.slice("PUT /links/".length)));
    const ids = Array.isArray(body["ids"]) ? body["ids"] : [];
    if (asked.startsWith("GET")) return { status: 200, body: { records: [...stored.values()] } };
    if (!asked.startsWith("PUT")) {
      return { status: 200, body: { records: ids.flatMap((id) => stored.get(normal(String(id))) ?? []) } };
    }
    const [origin, target] = key.split("~");
    stored.set(key, { origin, target, label: body["label"] });
    return { status: 204, ...(after && { after }) };
  };
}

test("P2: a part of a key that would lead the path to another resource is refused, and nothing is sent", async () => {
  await withLine(issues, always([{ ...one, repo: "..", id: ".." }]), async (stack) => {
    const client = await stack.client();
    expect(await refused(client.query("delete from own.issues"))).toMatchObject({ code: "22023" });
    expect(stack.requests.slice(1)).toEqual([]);
    expect((await stack.admin.query("select from throughline.journal")).rowCount).toBe(0);
  });
});

test("P6: rows that were accepted are in the mirror when another is said to be gone", async () => {
  const answer: Answer = (asked) => {
    if (asked !== "POST /many") return { status: 200, body: { records: [] } };
    const failed = [{ index: 1, code: "GONE", message: "no such repository" }];
    return { status: 207, body: { records: [{ index: 0, ...one }], failed } };
  };
  await withLine(issues, answer, async (stack) => {
    const client = await stack.client();
    const told = await refused(client.query("insert into own.issues (repo, title) values ('a', 'x'), ('z', 'y')"));
    expect(told).toMatchObject({ code: "TL001" });
    expect(await rowsOf(stack, "id")).toEqual([one]);
  });
});

test("P8: a pull follows a unique part of a key that upstream gave to another record", async () => {
  let records = [one];
  const unique = issues.replace("id: { type: text, write: never }", "id: { type: text, write: never, unique: true }");
  const answer: Answer = (_, { keys }) => {
    const asked = Array.isArray(keys) ? keys : undefined;
    return {
      status: 200,
      body: { records: records.filter(({ repo }) => !asked || asked.some((key) => key.repo === repo)) },
    };
  };
  await withLine(unique, answer, async (stack) => {
    records = [{ ...one, repo: "b" }];
    await stack.pull();
    expect(await rowsOf(stack, "id")).toEqual(records);
  });
});

test.each(["key", "page", "body", "entry", "watch"])("a column may be called %s, in a key as well", async (name) => {
  let records = [{ [name]: "a", id: "1", title: "x" }];
  await withLine(
    issues.replaceAll("repo", name),
    () => ({ status: 200, body: { records } }),
    async (stack) => {
      records = [...records, { [name]: "a", id: "2", title: "y" }];
      await stack.pull();
      expect(await rowsOf(stack, "id")).toEqual(records);
    },
  );
});

test.each(["\ud800", "\0"])("a key with %j, which Postgres can't store, stops no pull", async (id) => {
  await withLine(issues, always([{ ...one, id }, one]), async (stack) => {
    expect(await rowsOf(stack, "id")).toHaveLength(2);
  });
});

test("P7: a created row that the answer leaves out is unknown, though upstream has another client's row of that key", async () => {
  const create =
    '{ one: { POST: /links, body: "{record}", rows: "" }, many: { POST: /links, body: { each: "{record}" }, rows: /records, match: key, max: 100 } }';
  const answer: Answer = (asked) => {
    if (asked === "POST /links")
      return { status: 200, body: { records: [{ origin: "1", target: "a", label: "mine" }] } };
    return {
      status: 200,
      body: { records: asked === "POST /read" ? [{ origin: "1", target: "b", label: "theirs" }] : [] },
    };
  };
  await withLine(links.replace(/create: .*/, `create: ${create}`), answer, async (stack) => {
    const client = await stack.client();
    const told = await refused(client.query("insert into own.links values (1, 'a', 'mine'), (1, 'b', 'mine')"));
    expect(told).toMatchObject({ code: "TL007" });
  });
});

test("P3: RETURNING keeps the order of the rows when a key is given twice", async () => {
  await withLine(links, linkApi(), async (stack) => {
    const client = await stack.client();
    await client.query("set throughline.chunk = on");
    const { rows } = await client.query(
      "insert into own.links values (1, 'a', 'x'), (1, 'b', 'y'), (1, 'a', 'z') on conflict do nothing returning target",
    );
    expect(rows).toEqual([{ target: "a" }, { target: "b" }]);
  });
});

test("P3: a given key is stored and returned as the API spells it", async () => {
  await withLine(
    links,
    linkApi((key) => key.toLowerCase()),
    async (stack) => {
      const client = await stack.client();
      const { rows } = await client.query("insert into own.links values (1, 'A', 'x') returning target");
      expect(rows).toEqual([{ target: "a" }]);
      await stack.pull();
      expect(await rowsOf(stack, "target")).toEqual([{ origin: "1", target: "a", label: "x" }]);
    },
  );
});

test("TL002: of two clients that insert one key at once, one hears TL002 and not that it inserted nothing", async () => {
  let both = () => {};
  const after = new Promise<void>((resolve) => {
    both = resolve;
  });
  const api = linkApi((key) => key, after);
  let puts = 0;
  const answer: Answer = (asked, body) => {
    if (asked.startsWith("PUT")) puts += 1;
    if (puts === 2) both();
    return api(asked, body);
  };
  await withLine(links, answer, async (stack) => {
    const clients = [await stack.client(), await stack.client()];
    const told = await Promise.all(
      clients.map((client, index) =>
        client.query(`insert into own.links values (1, 'a', '${index}') on conflict do nothing`).then(
          ({ rowCount }) => String(rowCount),
          ({ code }) => String(code),
        ),
      ),
    );
    expect(told.sort()).toEqual(["1", "TL002"]);
  });
});

test("a key may be a number that JavaScript can't hold", async () => {
  let there = false;
  const answer: Answer = (asked) => {
    if (asked.startsWith("PUT")) there = true;
    const record = '{"origin": 9007199254740993, "target": "a", "label": "x"}';
    return asked.startsWith("PUT") ? { status: 204 } : { status: 200, raw: `{"records": [${there ? record : ""}]}` };
  };
  await withLine(links, answer, async (stack) => {
    const client = await stack.client();
    await client.query("insert into own.links values (9007199254740993, 'a', 'x')");
    await stack.pull();
    expect(await rowsOf(stack, "target")).toEqual([{ origin: "9007199254740993", target: "a", label: "x" }]);
  });
});

test("migrate raises the revision when the key changes", async () => {
  await withLine(issues, always([]), async (stack) => {
    const { rows } = await stack.admin.query(
      "select api, resource, schema_name as schema, table_name as table, columns from throughline.mirror",
    );
    await asAdmin(stack.opened, (admin) =>
      migrate(admin, [{ ...rows[0], key: ["id", "repo"] }], {}, { dryRun: false }),
    );
    expect((await stack.admin.query("select revision from throughline.mirror")).rows).toEqual([{ revision: 2 }]);
  });
});
