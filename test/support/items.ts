// The table of a manifest that a test writes for itself, over a scripted server; all that it leaves out is plain JSON by REST.

import { pino } from "pino";
import type { TableConfig } from "../../src/config/api.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import type { MirrorColumn } from "../../src/mirror/column.js";
import { type AccountConfig, openAccount } from "../../src/upstream/account.js";
import { ConnectorTable } from "../../src/upstream/table.js";

type Keys = Readonly<Record<string, unknown>>;

interface Items {
  /** Keys of the manifest. */
  readonly manifest?: Keys;
  /** Keys of its only table. */
  readonly table?: Keys;
  /** What the config says of the account, and of the table. */
  readonly account?: Partial<Omit<AccountConfig, "manifest">>;
  readonly config?: Partial<TableConfig>;
}

const plain = {
  key: "id",
  columns: { id: { type: "text", write: "never" }, name: "text", n: "integer" },
  read: {
    list: { GET: "/items", rows: "/items" },
    get: { GET: "/items/{key}", rows: "" },
  },
  write: {
    create: { POST: "/items", body: "{record}", rows: "" },
    update: { PATCH: "/items/{key}", body: "{record}", rows: "" },
    delete: { DELETE: "/items/{key}" },
  },
};

export interface OpenItems {
  readonly table: ConnectorTable;
  readonly columns: readonly MirrorColumn[];
}

/** Its columns are asked for when it has `discover`. */
export async function openItems(url: string, keys: Items = {}): Promise<OpenItems> {
  const manifest = manifestSchema.parse({
    throughline: 1,
    api: "things",
    base: "http://127.0.0.1",
    errors: { message: "/message", code: "/code", column: "/field", request: "/request" },
    ...keys.manifest,
    tables: { items: { ...plain, ...keys.table } },
  });
  const account = openAccount({
    api: "things",
    manifest,
    base: url,
    config: {},
    timeoutMs: 5_000,
    waitMs: 0,
    log: pino({ level: "silent" }),
    ...keys.account,
  });
  const described = manifest.tables["items"];
  if (!described) throw new Error("the manifest has no table of items");
  const table = new ConnectorTable(account, { resource: "items", rename: {}, ...keys.config }, described);
  return { table, columns: await table.columns() };
}
