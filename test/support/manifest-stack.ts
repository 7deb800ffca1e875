// The stack of test/support/stack.ts over an API of a test's own: one table of a manifest that no registry knows.

import { type Opened, open } from "../../src/app/open.js";
import { type ApiConfig, type TableConfig, tableOf } from "../../src/config/api.js";
import type { Config } from "../../src/config/config.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import { openAccount } from "../../src/upstream/account.js";
import { ConnectorTable } from "../../src/upstream/table.js";
import type { TestDatabase } from "./database.js";
import { grant, listen, makeMigrated, type ServedStack, serveStack } from "./served-stack.js";

export interface OwnApi {
  /** Where the mirror is, and the name of the API. */
  readonly schema: string;
  readonly manifest: Manifest;
  readonly resource: string;
  readonly url: string;
  readonly timeoutMs?: number;
  /** What the config says of its table. */
  readonly table?: Partial<TableConfig>;
  /** What the manifest asks of the config. */
  readonly values?: Readonly<Record<string, string>>;
  /** The logins that only take on other roles. */
  readonly switches?: readonly string[];
  close(): Promise<void>;
}

/** Its `close` closes the API as well. */
export async function startManifestStack({
  schema,
  manifest,
  resource,
  url,
  timeoutMs = 5_000,
  values = {},
  table = {},
  switches = [],
  close,
}: OwnApi): Promise<ServedStack> {
  const described = manifest.tables[resource];
  if (!described) throw new Error(`the manifest has no table ${resource}`);
  const mirrored = { ...tableOf(resource, undefined), ...table };
  const api: ApiConfig = {
    name: schema,
    connector: manifest.api,
    base: url,
    tables: [mirrored],
    timeoutMs,
    waitMs: 5_000,
    values,
  };
  const openOn = (database: TestDatabase): Opened => {
    const config: Config = {
      listen,
      postgres: { url: database.urlOf("throughline"), connections: 4, grant, switches },
      apis: [api],
      journal: { keepMs: 86_400_000 },
      log: { level: "error", format: "json" },
    };
    const { pool, log } = open({ ...config, apis: [] });
    const account = openAccount({
      api: schema,
      manifest,
      base: url,
      config: values,
      timeoutMs,
      waitMs: api.waitMs,
      log,
    });
    const tables = [{ definition: "", api, config: mirrored, table: new ConnectorTable(account, mirrored, described) }];
    return { config, log, pool, tables };
  };
  // What is discovered may be different each time.
  const called = [schema, manifest, mirrored, described.discover === undefined ? "" : url];
  const database = await makeMigrated(JSON.stringify(called), openOn);
  const served = await serveStack(database, openOn(database), true);
  return {
    ...served,
    close: async () => {
      await served.close();
      await close();
      await database.drop();
    },
  };
}
