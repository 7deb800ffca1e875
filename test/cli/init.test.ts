// `init`: a config that loads as it is written, holds no secret, and replaces nothing unasked.

import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../../src/app/open.js";
import { initCommand } from "../../src/cli/init.js";
import { connectorNames } from "../../src/connectors/registry.js";
import { runCommand } from "../support/command.js";
import { runProgram } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-init-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fresh = () => join(folder, `${randomUUID()}.yaml`);
const init = (config: string, names: readonly string[], flags: Readonly<Record<string, string | boolean>> = {}) =>
  runCommand(initCommand, { config, names, flags });
const env = { DATABASE_URL: "postgres://throughline:pw@127.0.0.1:1/mydb", HUBSPOT_TOKEN: "pat-1", STRIPE_KEY: "sk_1" };

test("a config of the named APIs loads once its variables are exported", async () => {
  const config = fresh();
  const { code, out, err } = await init(config, ["hubspot", "stripe"]);
  expect([code, out]).toEqual([0, ""]);
  expect(err.split("\n")).toEqual([
    `${config} is written; now:`,
    "  export DATABASE_URL=…    # the URL of the database that holds the mirrors, as a login that no client uses",
    "  export HUBSPOT_TOKEN=…    # access token of a private app",
    "  export STRIPE_KEY=…    # a secret or restricted key, sk_… or rk_…",
    `  throughline check -c ${config}`,
    "",
  ]);
  const { postgres, apis } = readConfig(config, env);
  expect(postgres.url).toBe(env.DATABASE_URL);
  expect(apis.map(({ name, values }) => [name, values])).toEqual([
    ["hubspot", { token: "pat-1" }],
    ["stripe", { key: "sk_1" }],
  ]);
  expect(apis[1]?.tables.map(({ resource }) => resource)).toEqual(["customers", "products", "prices"]);
  expect(apis[0]?.tables.map(({ resource }) => resource)).toContain("contacts");
});

test.each([[false], [true]])("the file is its owner's alone, also where it replaces another (%s)", async (force) => {
  const config = fresh();
  if (force) writeFileSync(config, "", { mode: 0o644 });
  expect((await init(config, ["hubspot"], { force })).code).toBe(0);
  expect(statSync(config).mode & 0o777).toBe(0o600);
});

test("with no API named, every connector stands in it as a comment, and the # is all there is to remove", async () => {
  const config = fresh();
  expect((await init(config, [])).err).toContain("is written: remove the # before an API that you want; now:");
  expect(readConfig(config, env).apis).toEqual([]);
  const uncommented = readFileSync(config, "utf8").replaceAll(/^( {2})# (?!grant)/gm, "$1");
  expect(Object.keys(parse(uncommented).apis)).toEqual(connectorNames());
});

const urls: readonly (readonly [given: string, inFile: string, told: boolean])[] = [
  ["postgres://throughline@db.example.com:5433/mydb?sslmode=require", "same", false],
  ["postgresql:///mydb?host=/var/run/postgresql", "same", false],
  ["postgres://throughline:${DB_PASSWORD}@localhost/mydb", "same", false],
  ["${OTHER_URL}", "same", false],
  ["postgres://throughline:hunter2@localhost/mydb", "${DATABASE_URL}", true],
  ["postgres://localhost/mydb?user=throughline&password=hunter2", "${DATABASE_URL}", true],
];

test.each(urls)("--postgres %s stands in the file as %s", async (postgres, inFile, told) => {
  const config = fresh();
  const { code, err } = await init(config, ["stripe"], { postgres });
  const text = readFileSync(config, "utf8");
  expect([code, parse(text).postgres.url]).toEqual([0, inFile === "same" ? postgres : inFile]);
  expect(err.includes("the URL of --postgres holds a password, so the file has ${DATABASE_URL} in its place")).toBe(
    told,
  );
  expect(text + err).not.toContain("hunter2");
  const variable = /\$\{(\w+)\}/.exec(inFile === "same" ? postgres : inFile)?.[1];
  expect(/export (?!STRIPE)(\w+)=/.exec(err)?.[1]).toBe(variable);
});

test("a text that is no URL is not repeated, since it may hold a password", async () => {
  const config = fresh();
  expect(await init(config, [], { postgres: "hunter2@localhost" })).toEqual({
    code: 2,
    out: "",
    err: "--postgres takes a URL such as postgres://throughline@localhost:5432/mydb\n",
  });
  expect(existsSync(config)).toBe(false);
});

test("a file that is there stays, unless --force", async () => {
  const config = fresh();
  await init(config, ["stripe"]);
  const before = readFileSync(config, "utf8");
  expect(await init(config, ["hubspot"])).toEqual({
    code: 1,
    out: "",
    err: `${config} is there already, and stays as it is; --force replaces it, -c FILE writes another\n`,
  });
  expect(readFileSync(config, "utf8")).toBe(before);
  expect((await init(config, ["hubspot"], { force: true })).code).toBe(0);
  expect(readFileSync(config, "utf8")).not.toBe(before);
});

test("an unknown API is answered with the nearest name", async () => {
  expect(await init(fresh(), ["hubspott"])).toEqual({
    code: 2,
    out: "",
    err: 'there is no connector "hubspott"; did you mean "hubspot"?\n',
  });
});

test("the program writes ./throughline.yaml, which check loads, and --json says what to export", async () => {
  const all = { ...process.env, ...env };
  const { code, out } = await runProgram(folder, all, ["init", "stripe", "--json"]);
  expect([code, JSON.parse(out)]).toEqual([
    0,
    {
      file: "throughline.yaml",
      export: [
        {
          name: "DATABASE_URL",
          about: "the URL of the database that holds the mirrors, as a login that no client uses",
        },
        { name: "STRIPE_KEY", about: "a secret or restricted key, sk_… or rk_…" },
      ],
      next: "throughline check",
    },
  ]);
  const checked = await runProgram(folder, all, ["check", "--offline"]);
  expect(checked.out.split("\n").slice(0, 2)).toEqual([
    "ok      config: 3 tables configured",
    "error   postgres: connect ECONNREFUSED 127.0.0.1:1: look at postgres.url",
  ]);
});
