// What is exposed to the network is told by `check` and `serve`, once, and without a secret.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { exposuresOf } from "../../src/app/exposures.js";
import { open, readConfig } from "../../src/app/open.js";
import { serve } from "../../src/app/serve.js";
import { checkCommand } from "../../src/cli/check.js";
import { runCommand } from "../support/command.js";
import { startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-exposures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inClear =
  "leads to another machine by http://, so that its credentials cross the network in clear: use https://, or a tunnel that begins on 127.0.0.1";

/** A manifest of one table. */
function manifest(name: string, parts: object): string {
  const path = join(folder, `${name}.yaml`);
  const things = {
    key: "id",
    record: { key: "/id" },
    columns: { id: { type: "text", write: "never" } },
    read: {
      list: { GET: "/things", rows: "/things" },
      get: { GET: "/things", query: { id: "{key}" }, rows: "/things", max: 1 },
    },
  };
  const errors = { code: ["/code"], message: ["/message"] };
  writeFileSync(path, JSON.stringify({ throughline: 1, api: name, errors, tables: { things }, ...parts }));
  return path;
}

const bearer = { config: { token: { secret: true, about: "a token" } }, auth: { bearer: "{config.token}" } };
const grant = { grant_type: "client_credentials", client_secret: "{config.token}" };
const apis: readonly (readonly [what: string, api: object, says: readonly string[]])[] = [
  ["the connector's own base", { connector: "hubspot" }, []],
  ["https://", { connector: "hubspot", base: "https://crm.example" }, []],
  ["http:// to another machine", { connector: "hubspot", base: "http://crm.example" }, [`apis.one.base ${inClear}`]],
  ["HTTP:// to an address", { connector: "hubspot", base: "HTTP://10.0.0.1:8080/v1" }, [`apis.one.base ${inClear}`]],
  [
    "http:// to a name that begins as a loopback address",
    { connector: "hubspot", base: "http://localhost.example" },
    [`apis.one.base ${inClear}`],
  ],
  [
    "a password before the host",
    { connector: "hubspot", base: "http://127.0.0.1:pw@crm.example" },
    [`apis.one.base ${inClear}`],
  ],
  ["localhost", { connector: "hubspot", base: "http://localhost:3000" }, []],
  ["127.0.0.0/8", { connector: "hubspot", base: "http://127.1.2.3" }, []],
  ["IPv6 loopback", { connector: "hubspot", base: "http://[::1]:3000" }, []],
  ["IPv6", { connector: "hubspot", base: "http://[fd00::1]:3000" }, [`apis.one.base ${inClear}`]],
  [
    "no credentials",
    { manifest: manifest("open", { base: "http://open.example", config: { token: { about: "no secret" } } }) },
    [],
  ],
  [
    "http:// in a manifest",
    { manifest: manifest("bearer", { ...bearer, base: "http://{config.token}.example" }) },
    [`base ${inClear}`],
  ],
  [
    "a host that the config fills in",
    {
      manifest: manifest("host", {
        base: "http://{config.host}:81",
        auth: bearer.auth,
        config: { ...bearer.config, host: { about: "where" } },
      }),
      host: "127.0.0.1",
    },
    [],
  ],
  [
    "a secret in no auth",
    {
      manifest: manifest("header", {
        config: bearer.config,
        headers: { "x-key": "{config.token}" },
        base: "http://a.example",
      }),
    },
    [`base ${inClear}`],
  ],
  [
    "a token that is asked for by http://",
    {
      manifest: manifest("oauth", {
        config: bearer.config,
        auth: { oauth2: { token: "http://login.example/token", grant, keep: ["instance"] } },
        base: "{auth.instance}/v1",
      }),
    },
    [`auth.oauth2.token ${inClear}`],
  ],
  [
    "a token below the base",
    {
      manifest: manifest("below", {
        config: bearer.config,
        auth: { oauth2: { token: "{path}/token", grant } },
        base: "http://a.example/v1",
      }),
    },
    [`base ${inClear}`],
  ],
];

test.each(apis)("credentials: %s", (_, api, says) => {
  const config = readConfig({
    postgres: "postgres://127.0.0.1:1/none",
    apis: { one: { token: "pat-secret", ...api } },
  });
  const exposures = exposuresOf(open(config), { host: "127.0.0.1", port: 6543 });
  expect(exposures).toEqual(says.map((sentence) => ({ subject: "one", says: sentence })));
  expect(JSON.stringify(exposures)).not.toContain("pat-secret");
});

const places: readonly (readonly [listen: object, isExposed: boolean])[] = [
  [{ host: "127.0.0.1", port: 1 }, false],
  [{ host: "localhost", port: 1 }, false],
  [{ host: "::1", port: 1 }, false],
  [{ host: "::ffff:127.0.0.1", port: 1 }, false],
  [{ path: "/run/throughline/.s.PGSQL.6543" }, false],
  [{ host: "0.0.0.0", port: 1 }, true],
  [{ host: "::", port: 1 }, true],
  [{ host: "192.168.1.2", port: 1 }, true],
  [{ host: "db.example", port: 1 }, true],
  [{ port: 1 }, true],
];

test.each(places)("listening on %o", (listen, isExposed) => {
  expect(exposuresOf({ tables: [] }, listen).map(({ subject }) => subject)).toEqual(isExposed ? ["listen"] : []);
});

test("serve says it once in the log, and check as a warning, which is no failure", async () => {
  const stack = await startStack();
  const warn = vi.spyOn(stack.opened.log, "warn");
  try {
    const says = expect.stringMatching(
      /^other machines may reach port 0 of 0\.0\.0\.0, and it has neither TLS nor a list of clients yet: /,
    );
    const proxy = await serve(stack.opened, { host: "0.0.0.0", port: 0 });
    await proxy.close();
    expect(warn.mock.calls).toEqual([[{ subject: "listen" }, says]]);
    const config = join(folder, "throughline.yaml");
    writeFileSync(
      config,
      `listen: {address: "0.0.0.0:6543"}
postgres: "${stack.opened.config.postgres.url}"
apis: {hubspot: {base: "${stack.sandbox.url}", token: "\${HOME}", tables: [contacts]}}
`,
    );
    const { code, out } = await runCommand(checkCommand, { config });
    expect({ code, warnings: out.split("\n").filter((line) => line.startsWith("warning")) }).toEqual({
      code: 0,
      warnings: [expect.stringMatching(/^warning listen: other machines may reach port 6543 of 0\.0\.0\.0, /)],
    });
  } finally {
    warn.mockRestore();
    await stack.close();
  }
});
