// Who we are: by a header, a pair, a token, or a token that is asked for; and that a secret stays one.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
let tokens: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
  tokens = await startScripted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await api.close();
  await tokens.close();
});

const item: Line = { body: { id: "1", name: "one" } };
const config = { user: "ada", secret: "s3cret" };
const secrets = { user: { about: "user" }, secret: { secret: true, about: "secret" } };
const sentBy = ({ asked }: ScriptedServer) => asked.map(({ headers }) => headers.authorization);

const ways: readonly (readonly [string, object, string, string])[] = [
  ["bearer", { bearer: "{config.secret}" }, "authorization", "Bearer s3cret"],
  ["basic", { basic: ["{config.user}", "{config.secret}"] }, "authorization", "Basic YWRhOnMzY3JldA=="],
  ["basic with an empty password", { basic: ["{config.secret}", ""] }, "authorization", "Basic czNjcmV0Og=="],
  ["header", { header: { "X-Api-Key": "Key {config.secret}" } }, "x-api-key", "Key s3cret"],
];

test.each(ways)("%s is sent with every request", async (_, auth, header, value) => {
  const { table, columns } = await openItems(api.url, { manifest: { auth, config: secrets }, account: { config } });
  api.add(item, { status: 204 });
  await table.get(columns, ["1"]);
  await table.write("delete", columns, [{ key: "1", sent: {} }]);
  expect(api.asked.map(({ headers }) => headers[header])).toEqual([value, value]);
});

const oauth = (more: object = {}) => ({
  config: secrets,
  auth: {
    oauth2: { token: `${tokens.url}/token`, grant: { grant_type: "client", secret: "{config.secret}" }, ...more },
  },
});
const token = (access: string, more: object = {}): Line => ({ body: { access_token: access, ...more } });
const opened = (more: object = {}, manifest: object = {}) =>
  openItems(api.url, { manifest: { ...oauth(more), ...manifest }, account: { config } });

test("a token is asked for once, however many calls wait for it", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t1"));
  api.add(item, item, item);
  await Promise.all(["1", "2", "3"].map((key) => table.get(columns, [key])));
  expect(tokens.asked.map(({ bodyText }) => bodyText)).toEqual(["grant_type=client&secret=s3cret"]);
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
});

test("a token is used until a minute before it expires", async () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(1_000);
  const { table, columns } = await opened();
  tokens.add(token("t1", { expires_in: 3600 }), token("t2", { expires_in: "3600" }));
  api.add(item, item, item);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(1_000 + 3_539_000);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(1_000 + 3_541_000);
  await table.get(columns, ["1"]);
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
});

const lives: readonly unknown[] = [1e300, "1e400", "Infinity", "soon", "", null, [], 1e9, undefined];
test.each(lives)("P15: a token whose life is told as %j is used for a day at most", async (life) => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  const { table, columns } = await opened();
  tokens.add(token("t1", { expires_in: life }), token("t2"));
  api.add(item, item, item);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(86_400_000 - 61_000);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(86_400_000 - 59_000);
  await table.get(columns, ["1"]);
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
});

test("a token whose life is over as it comes is used once", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t1", { expires_in: -3_600 }), token("t2"));
  api.add(item, item);
  await table.get(columns, ["1"]);
  await table.get(columns, ["1"]);
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t2"]);
});

test("a token that lives for less than a minute is used in the first half of its life", async () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  const { table, columns } = await opened();
  tokens.add(token("t1", { expires_in: 40 }), token("t2", { expires_in: 40 }));
  api.add(item, item, item);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(19_000);
  await table.get(columns, ["1"]);
  clock.mockReturnValue(21_000);
  await table.get(columns, ["1"]);
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
});

test("a 401 asks for a new token once, and the call is repeated with it", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t1"), token("t2"));
  api.add({ status: 401, body: { message: "expired" } }, { body: { id: "1", name: "x" } });
  const ending = await table.write("update", columns, [{ key: "1", sent: { name: "x" } }]);
  expect(ending).toMatchObject({ kind: "answered", rows: [{ kind: "accepted" }] });
  expect(sentBy(api)).toEqual(["Bearer t1", "Bearer t2"]);
});

test("a second 401 is the answer: no third token is asked for", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t1"), token("t2"));
  api.add(...[1, 2].map(() => ({ status: 401, body: { message: "no such user" } })));
  const ending = await table.write("update", columns, [{ key: "1", sent: { name: "x" } }]);
  expect(ending).toMatchObject({ kind: "refused", error: { sqlstate: "28000", message: "no such user" } });
  expect(tokens.asked.length).toBe(2);
});

test("calls that are turned away together ask for one new token together", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t1"), token("t2"));
  const byToken: Line = ({ headers }) =>
    headers.authorization === "Bearer t2" ? { body: { id: "1" } } : { status: 401, body: { message: "expired" } };
  api.add(byToken, byToken, byToken, byToken);
  await Promise.all(["1", "2"].map((key) => table.get(columns, [key])));
  expect(tokens.asked.length).toBe(2);
});

test("which statuses ask for a new token is the manifest's to say", async () => {
  const { table, columns } = await opened({ on: [403] });
  tokens.add(token("t1"), token("t2"));
  api.add({ status: 403, body: {} }, item, { status: 401, body: { message: "no" } });
  expect(await table.get(columns, ["1"])).toHaveLength(1);
  await expect(table.get(columns, ["1"])).rejects.toThrow("no");
  expect(tokens.asked.length).toBe(2);
});

test("a refresh token that was exchanged is the next one's", async () => {
  const { table, columns } = await opened({ grant: { grant_type: "refresh_token", refresh_token: "{config.secret}" } });
  tokens.add(token("t1", { refresh_token: "r2", expires_in: 0 }), token("t2", { expires_in: 0 }), token("t3"));
  api.add(item, item, item);
  for (let i = 0; i < 3; i += 1) await table.get(columns, ["1"]);
  expect(tokens.asked.map(({ bodyText }) => new URLSearchParams(bodyText).get("refresh_token"))).toEqual([
    "s3cret",
    "r2",
    "r2",
  ]);
});

const refusals: readonly (readonly [string, Line, object])[] = [
  [
    "an error",
    { status: 400, body: { error: "invalid_grant", error_description: "unknown client" } },
    { sqlstate: "28000", message: "no token: status 400, invalid_grant: unknown client" },
  ],
  ["an answer without a token", { body: { ok: true } }, { sqlstate: "28000", message: "no token: status 200" }],
  ["a page of a gateway", { text: "<html>" }, { sqlstate: "28000", message: "no token: status 200" }],
  [
    "a page of a gateway that refuses",
    { status: 403, text: "<h1>Blocked by policy 12</h1>" },
    { sqlstate: "28000", message: "no token: status 403, Blocked by policy 12" },
  ],
  [
    "a token where none is looked for",
    { body: { token: "t0ken" } },
    { sqlstate: "28000", message: "no token: status 200" },
  ],
  ["silence", "hang up", { sqlstate: "HV00N", message: expect.stringMatching(/^things is unreachable \(no token: /) }],
];

test.each(refusals)("where %s is all that the token's server says, nothing is sent", async (_, stack, error) => {
  const { table, columns } = await opened();
  tokens.add(stack);
  const ending = await table.write("insert", columns, [{ key: null, sent: { name: "x" } }]);
  expect(ending).toMatchObject({
    kind: "unsent",
    error: { ...error, hint: 'Nothing was sent. Check the credentials of "things".' },
  });
  expect(api.asked).toEqual([]);
});

test("a value kept from a token's answer may stand in the base and in headers", async () => {
  const { table, columns } = await openItems("{auth.instance_url}/v1", {
    manifest: {
      ...oauth({ keep: ["instance_url", "tenant"] }),
      base: "{auth.instance_url}/v1",
      headers: { "X-Tenant": "{auth.tenant}" },
    },
    account: { config },
  });
  tokens.add(token("t1", { instance_url: api.url, tenant: 7 }));
  api.add(item);
  await table.get(columns, ["1"]);
  expect(api.routes).toEqual(["GET /v1/items/1"]);
  expect(api.asked[0]?.headers["x-tenant"]).toBe("7");
});

test("a value that the manifest keeps and the token's answer lacks is named in the error", async () => {
  const { table, columns } = await opened({ keep: ["tenant"] }, { headers: { "X-Tenant": "{auth.tenant}" } });
  tokens.add(token("t1"));
  expect(await table.write("insert", columns, [{ key: null, sent: { name: "x" } }])).toMatchObject({
    kind: "unsent",
    error: { sqlstate: "28000", message: 'no token: the answer has no "tenant"' },
  });
  expect(api.asked).toEqual([]);
});

test("a request can be described before there is a token", async () => {
  const { table, columns } = await openItems("{auth.instance_url}/v1", {
    manifest: oauth({ keep: ["instance_url"] }),
    account: { config },
  });
  expect(await table.describe("update", columns, [{ key: "1", sent: { name: "x" } }])).toMatchObject({
    method: "PATCH",
    url: "{auth.instance_url}/v1/items/1",
  });
  expect(tokens.asked).toEqual([]);
});

test("the base may have placeholders, and one that nothing fills in is told", async () => {
  await expect(openItems(api.url, { manifest: { base: "https://{config.shop}.example" } })).rejects.toThrow(
    "nothing is known as {config.shop} here",
  );
  const { table, columns } = await openItems(api.url.replace("127.0.0.1", "{config.host}"), {
    manifest: { base: "https://{config.host}", config: { host: { about: "host" } } },
    account: { config: { host: "127.0.0.1" } },
  });
  api.add(item);
  expect(await table.get(columns, ["1"])).toHaveLength(1);
});

test("a token with a line end is never sent, and never told", async () => {
  const { table, columns } = await openItems(api.url, {
    manifest: { auth: { bearer: "{config.secret}" }, config: secrets },
    account: { config: { user: "ada", secret: "s3cret\n" } },
  });
  const ending = await table.write("insert", columns, [{ key: null, sent: { name: "x" } }]);
  expect(ending).toMatchObject({ kind: "unsent", error: { sqlstate: "HV00N" } });
  expect(JSON.stringify(ending)).not.toContain("s3cret");
  expect(api.asked).toEqual([]);
});

test("no error tells a secret, whatever goes wrong", async () => {
  const { table, columns } = await opened();
  tokens.add(token("t0ken"), token("t0ken"), token("t0ken"));
  api.add(
    { status: 401, body: {} },
    { status: 401, body: {} },
    "hang up",
    { status: 302, headers: { location: "http://elsewhere.example/" } },
    { status: 500, body: {} },
  );
  const endings = [];
  for (let i = 0; i < 4; i += 1)
    endings.push(await table.write("insert", columns, [{ key: null, sent: { name: "x" } }]));
  expect(endings.map(({ kind }) => kind)).toEqual(["refused", "unknown", "unknown", "unknown"]);
  expect(JSON.stringify(endings)).not.toMatch(/s3cret|t0ken/);
});

test.each(ways)("a secret that an API repeats is taken out of its message: %s", async (_, auth, header, value) => {
  const errors = { message: "/said" };
  const { table, columns } = await openItems(api.url, {
    manifest: { auth, errors, config: secrets },
    account: { config },
  });
  api.add(({ headers }) => ({ status: 400, body: { said: `bad credentials ${headers[header]}` } }));
  const ending = await table.write("delete", columns, [{ key: "1", sent: {} }]);
  const text = JSON.stringify(ending);
  expect(text).toContain("bad credentials");
  expect(text).not.toContain(value.replace(/^.* /, ""));
});
