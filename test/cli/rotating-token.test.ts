// An API whose refresh tokens are good for a single use, from the first command on: each process goes on where the one before has stopped.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { connectorCommand } from "../../src/cli/connector.js";
import { runCommand, runHere } from "../support/command.js";
import { makeDatabase } from "../support/database.js";

/** Describes its columns only to who has a token, so that `migrate` needs one already. */
async function startRotating(configured: string) {
  const api = { refresh: configured, rejected: 0, count: 0 };
  const answer = async (path: string, form: string, authorization: string | undefined) => {
    if (path === "/token") {
      if (new URLSearchParams(form).get("refresh_token") !== api.refresh) {
        api.rejected += 1;
        return { status: 400, body: { error: "invalid_grant" } };
      }
      api.count += 1;
      api.refresh = `refresh-token-${api.count}`;
      return { status: 200, body: { access_token: `access-${api.count}`, refresh_token: api.refresh, expires_in: 0 } };
    }
    if (authorization === undefined) return { status: 401, body: { message: "who are you?" } };
    if (path === "/fields") return { status: 200, body: { fields: [{ name: "name", type: "string" }] } };
    return { status: 200, body: { items: [{ id: "1", name: "one" }] } };
  };
  const server = createServer(async (request, response) => {
    let form = "";
    for await (const chunk of request) form += chunk;
    const { status, body } = await answer(request.url ?? "", form, request.headers.authorization);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { api, url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

test("P6: a refresh token for a single use is not used up before there is a place for the next one, and lasts from command to command", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-rotating-"));
  const database = await makeDatabase();
  const { api, url, close } = await startRotating("first-token");
  const manifest = {
    throughline: 1,
    api: "org",
    base: url,
    config: { refresh_token: { secret: true, about: "refresh token" } },
    auth: {
      oauth2: {
        token: `${url}/token`,
        grant: { grant_type: "refresh_token", refresh_token: "{config.refresh_token}" },
      },
    },
    errors: { message: "/message" },
    types: { string: "text" },
    tables: {
      items: {
        key: "id",
        columns: { id: { type: "text", write: "never" } },
        discover: { GET: "/fields", rows: "/fields", column: { name: "/name", type: "/type" } },
        read: { list: { GET: "/items", rows: "/items" }, get: { GET: "/items/{key}", rows: "" } },
      },
    },
  };
  writeFileSync(join(folder, "org.yaml"), stringify(manifest));
  const apis = { org: { manifest: "org.yaml", refresh_token: "${TOKEN}" } };
  writeFileSync(join(folder, "throughline.yaml"), stringify({ postgres: database.urlOf("throughline"), apis }));
  const run = (token: string, ...args: readonly string[]) => runHere(folder, { ...process.env, TOKEN: token }, args);

  const early = await run("first-token", "check");
  expect(early.out).toContain('there is no place to keep it in the database: run "throughline migrate"');
  expect(api.count).toBe(0);
  for (const command of ["migrate", "migrate", "check", "pull", "pull"])
    expect(await run("first-token", command)).toMatchObject({ code: 0 });
  expect(api.rejected).toBe(0);
  expect(api.count).toBeGreaterThanOrEqual(5);
  // Whoever lets the account in anew puts another token into the config.
  api.refresh = "second-token";
  expect(await run("second-token", "pull")).toMatchObject({ code: 0 });
  expect(await run("second-token", "pull")).toMatchObject({ code: 0 });
  expect(api.rejected).toBe(0);
  // A check of the manifest has no database.
  api.refresh = "third-token";
  vi.stubEnv("ORG_REFRESH_TOKEN", "third-token");
  const names = ["check", join(folder, "org.yaml")];
  const checked = await runCommand(connectorCommand, { names, flags: { url } });
  vi.unstubAllEnvs();
  expect(checked.err).toContain("the one in the environment may be used up");
  close();
  await database.drop();
  rmSync(folder, { recursive: true });
});
