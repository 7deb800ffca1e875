// The line of test/support/line.ts over the echo: a mirror that stores what it is sent, as an ordinary table does.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { open } from "../../src/cli/open.js";
import type { ApiConfig, Config } from "../../src/config/config.js";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/connector/manifest.js";
import { ConnectorTable } from "../../src/connector/table.js";
import { Budget } from "../../src/http/budget.js";
import { makeDatabase } from "./database.js";
import { type Echo, startEcho } from "./echo.js";
import { grant, type Served, serveLine } from "./served.js";

export interface EchoLine extends Served {
  readonly echo: Echo;
}

/** `schema`: where the mirror is, and the name of the API. */
export async function startEchoLine(schema: string, file = "echo.yaml", resource = "contacts"): Promise<EchoLine> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const manifest = readYaml(path, readFileSync(path, "utf8"), manifestSchema);
  const described = manifest.tables[resource];
  if (!described) throw new Error(`${path} has no table ${resource}`);
  const unique = Object.entries(described.columns).flatMap(([name, column]) =>
    "unique" in column && column.unique ? [name] : [],
  );
  const echo = await startEcho(unique);
  const database = await makeDatabase();
  const api: ApiConfig = {
    name: schema,
    connector: manifest.api,
    base: echo.url,
    tables: [resource],
    timeoutMs: 5_000,
    waitMs: 5_000,
    values: {},
  };
  const config: Config = {
    listen: { host: "127.0.0.1", port: 0 },
    postgres: { url: database.urlOf("throughline"), connections: 4, grant },
    apis: [api],
    log: { level: "error", format: "json" },
  };
  // The registry of connectors knows nothing of the echo.
  const { pool, log } = open({ ...config, apis: [] });
  const account = {
    api: schema,
    manifest,
    base: echo.url,
    config: api.values,
    budget: new Budget([]),
    timeoutMs: api.timeoutMs,
    waitMs: api.waitMs,
    log,
  };
  const tables = [{ api, table: new ConnectorTable(account, resource, described) }];
  const served = await serveLine(database, { config, log, pool, tables }, true);
  return {
    ...served,
    echo,
    close: async () => {
      await served.close();
      await echo.close();
      await database.drop();
    },
  };
}
