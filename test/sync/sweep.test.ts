// The sweep of a whole pull.

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { backfill } from "../../src/sync/backfill.js";
import { startEchoStack } from "../support/echo-stack.js";
import { startManifestStack } from "../support/manifest-stack.js";

test.each(["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"])(
  "a whole pull keeps the row of the uuid %s",
  async (id) => {
    const server = createServer((incoming, outgoing) => {
      incoming.resume();
      incoming.on("end", () => {
        outgoing.writeHead(200, { "content-type": "application/json" });
        outgoing.end(JSON.stringify({ records: [{ id, fields: { title: "one" } }] }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const manifest = manifestSchema.parse({
      throughline: 1,
      api: "caps",
      base: "http://127.0.0.1",
      config: {},
      auth: { bearer: "x" },
      errors: { code: ["/code"], message: ["/message"] },
      types: {},
      tables: {
        things: {
          key: "id",
          record: { key: "/id", fields: "/fields" },
          columns: { id: { type: "uuid", write: "never", from: "/id" }, title: "text" },
          read: {
            list: { GET: "/things", rows: "/records" },
            get: { POST: "/things/read", body: { ids: { each: "{key}" } }, rows: "/records", max: 100 },
          },
          write: {},
        },
      },
    });
    const stack = await startManifestStack({
      schema: "caps",
      manifest,
      resource: "things",
      url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
      close: async () => {
        server.close();
        server.closeAllConnections();
      },
    });
    try {
      const { rows } = await stack.admin.query("select id::text, title from caps.things");
      expect(rows).toEqual([{ id: id.toLowerCase(), title: "one" }]);
    } finally {
      await stack.close();
    }
  },
);

test("more than half of a mirror's rows are deleted only by a full pull", async () => {
  const stack = await startEchoStack("crm");
  try {
    stack.echo.reset(Array.from({ length: 300 }, (_, n) => ({ id: `r-${n}`, fields: { firstname: String(n) } })));
    await stack.pull();
    stack.echo.reset([{ id: "r-1", fields: { firstname: "1" } }]);
    const [known] = await openMirrors(stack.opened);
    if (!known) throw new Error("there is no mirror");
    const pull = (full: boolean) =>
      backfill(stack.opened.pool, known.mirror, known.table, { full, progress: () => undefined });
    expect(await pull(false)).toMatchObject({ deleted: 0, withheld: 299 });
    expect(await pull(true)).toMatchObject({ deleted: 299, withheld: 0 });
  } finally {
    await stack.close();
  }
});

test("a pull needs no right to temporary tables", async () => {
  const stack = await startEchoStack("crm");
  try {
    await stack.admin.query(`revoke temporary on database ${stack.database} from public`);
    await expect(stack.pull()).resolves.toBeUndefined();
  } finally {
    await stack.close();
  }
});
