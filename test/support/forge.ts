// A small API over real HTTP: the issues of one repository, which a token may lose. Then it answers 404 to all that is below the
// repository, as it does for an issue that is gone.

import { once } from "node:events";
import { createServer } from "node:http";
import { isRecord } from "../../src/config/json.js";
import { readYaml } from "../../src/config/yaml.js";
import { type Manifest, manifestSchema } from "../../src/manifest/manifest.js";

interface ForgeState {
  /** What the repository itself answers. */
  repository: "shown" | "hidden" | "forbidden" | "failing";
  /** What its list of issues answers: `empty` is a list that leaves out what the token may not see. */
  list: "shown" | "hidden" | "empty";
  /** The issues that answer 404, because they are gone or because the right is. */
  missing: readonly number[];
}

export interface Forge {
  readonly url: string;
  readonly state: ForgeState;
  /** Method and path of each request, newest last. */
  readonly requests: string[];
  /** The numbers of its issues are 1 to 3, and their titles one to three. */
  reset(): void;
  close(): Promise<void>;
}

const titles = ["one", "two", "three"];
const notFound = { message: "Not Found" };

export async function startForge(): Promise<Forge> {
  const state: ForgeState = { repository: "shown", list: "shown", missing: [] };
  const issues = new Map<number, string>();
  const requests: string[] = [];
  const reset = () => {
    Object.assign(state, { repository: "shown", list: "shown", missing: [] });
    issues.clear();
    for (const [index, title] of titles.entries()) issues.set(index + 1, title);
    requests.length = 0;
  };
  reset();
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const { method = "", url = "" } = incoming;
      requests.push(`${method} ${url}`);
      const asked = { method, path: url, body: text === "" ? {} : JSON.parse(text) };
      const { status, body } = answer(state, issues, asked);
      outgoing.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the forge listens on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    state,
    requests,
    reset,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const repositoryStatus = { shown: 200, hidden: 404, forbidden: 403, failing: 500 };

function answer(state: ForgeState, issues: Map<number, string>, { method, path, body }: Asked): Answer {
  const shown = (number: number) => ({ number, title: issues.get(number) });
  const [, within, last] = /^\/repos\/acme\/plans(\/issues)?(?:\/(\w+))?$/.exec(path) ?? [];
  if (within === undefined) return { status: repositoryStatus[state.repository], body: { message: "the repository" } };
  if (last === "batch") return { status: 200, body: batch(state, issues, body) };
  if (last === undefined) {
    if (state.list === "hidden") return { status: 404, body: notFound };
    return { status: 200, body: state.list === "empty" ? [] : [...issues.keys()].map(shown) };
  }
  const number = Number(last);
  if (state.missing.includes(number) || !issues.has(number)) return { status: 404, body: notFound };
  if (method === "PATCH") issues.set(number, titleOf(body));
  if (method !== "DELETE") return { status: 200, body: shown(number) };
  issues.delete(number);
  return { status: 204 };
}

/** Each row by itself: an issue that answers 404 is an error of its row. */
function batch({ missing }: ForgeState, issues: Map<number, string>, body: unknown) {
  const rows: readonly unknown[] = Array.isArray(body) ? body : [];
  const sent = rows.map((row, at) => ({ at, number: isRecord(row) ? Number(row["number"]) : 0, title: titleOf(row) }));
  const done = sent.filter(({ number }) => !missing.includes(number));
  for (const { number, title } of done) issues.set(number, title);
  const failed = sent.filter(({ number }) => missing.includes(number));
  return {
    done: done.map(({ number, title }) => ({ number, title })),
    failed: failed.map(({ at }) => ({ at, code: "NOT_FOUND", ...notFound })),
  };
}

function titleOf(body: unknown): string {
  return isRecord(body) ? String(body["title"]) : "";
}

/** The forge's manifest. With `isProvenByRepository`, an issue is gone only while the repository can be read. */
export function forgeManifest(isProvenByRepository: boolean): Manifest {
  const proof = isProvenByRepository ? ', if: { GET: "/repos/{config.owner}/{config.repo}" }' : "";
  return readYaml("forge.yaml", yaml.replaceAll("PROOF", proof), manifestSchema);
}

const yaml = `
throughline: 1
api: forge
base: http://127.0.0.1
config:
  owner: { about: owner of the repository }
  repo: { about: name of the repository }
errors:
  message: /message
  code: /code
  row: /at
  rules:
    - { status: 404, outcome: absentPROOF }
    - { code: NOT_FOUND, outcome: absentPROOF }
tables:
  issues:
    key: number
    columns:
      number: { type: integer, write: never }
      title: text
    read:
      list: { GET: "/repos/{config.owner}/{config.repo}/issues", rows: "" }
      get: { GET: "/repos/{config.owner}/{config.repo}/issues/{key}", rows: "" }
    write:
      update:
        one: { PATCH: "/repos/{config.owner}/{config.repo}/issues/{key}", body: "{record}", rows: "" }
        many:
          POST: "/repos/{config.owner}/{config.repo}/issues/batch"
          body: { each: { number: "{key}", "...": "{record}" } }
          rows: /done
          match: key
          failed: /failed
          max: 100
      delete: { DELETE: "/repos/{config.owner}/{config.repo}/issues/{key}" }
`;
