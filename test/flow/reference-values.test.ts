// A reference whose value can't be a key of the table that it names is refused or accepted, and the session goes on.

import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { refused } from "../support/answers.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";

let stack: ServedStack;
let made = 1;
const nextId = () => {
  made += 1;
  return made;
};
beforeAll(async () => {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    incoming.on("end", () => {
      const [status, body] =
        incoming.url !== "/things"
          ? [404, { code: "NONE", message: "none" }]
          : incoming.method === "GET"
            ? [200, { records: [{ id: 1, fields: { parent: null } }] }]
            : [201, { id: nextId(), fields: { parent: "none" } }];
      outgoing.writeHead(Number(status), { "content-type": "application/json" });
      outgoing.end(JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const manifest = manifestSchema.parse({
    throughline: 1,
    api: "tree",
    base: "http://127.0.0.1",
    config: {},
    auth: { bearer: "x" },
    errors: { code: ["/code"], message: ["/message"], rules: [{ status: 404, outcome: "absent" }] },
    types: {},
    tables: {
      things: {
        key: "id",
        record: { key: "/id", fields: "/fields", absent: "null" },
        columns: {
          id: { type: "bigint", write: "never", from: "/id" },
          parent: { type: "text", references: "things" },
        },
        read: {
          list: { GET: "/things", rows: "/records" },
          get: { GET: "/things/{key}", rows: "" },
        },
        write: { create: { POST: "/things", body: { fields: "{record}" }, rows: "" } },
      },
    },
  });
  stack = await startManifestStack({
    schema: "tree",
    manifest,
    resource: "things",
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
});
afterAll(() => stack.close());

test.each([
  ["abc", "23503"],
  ["01", "accepted"],
  ["", "accepted"],
])("P4: the reference %j is answered with %s, and the session goes on", async (value, code) => {
  const client = await stack.client();
  const end = await refused(client.query("insert into tree.things (parent) values ($1)", [value]));
  expect(end).toMatchObject({ code });
  expect((await client.query("select 1 as a")).rows).toEqual([{ a: 1 }]);
});
